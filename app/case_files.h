// Cases and captures as they lie on the disk: what `pontoon replay` reads and writes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "lab/adopt/adopt.h"
#include "lab/replay/case.h"
#include "lab/replay/replay.h"
#include "lab/replay/replay_files.h"

namespace pontoon::app {

struct LoadedCase {
  std::string name;  // as the user called it
  bool adopted = false;
  lab::Case description;
  lab::CaptureFile capture;
  std::vector<std::string> notes;  // what was decided for a capture without a case
  std::string expected;            // the case's own directory; empty for a capture
};

// A directory with a case.toml, a file that ends in .toml, else a capture ("-": standard input).
// Errors name the file and say what is wrong with it.
Result<LoadedCase> load_case(const std::string& argument, const lab::AdoptOptions& adopt);

bool is_directory(const std::string& path);
// NAME.pcapng of a directory, by NAME.
Result<lab::PortFiles> read_port_files(const std::string& directory);
// Makes the directory where needed. Files that have the same content already are left alone. With
// `exactly`, other .pcapng files go. Gives how many were written or removed.
Result<std::size_t> write_port_files(const std::string& directory, const lab::PortFiles& files,
                                     bool exactly);

}  // namespace pontoon::app
