// The one part of the library that opens files: cases and captures as they lie on the disk.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/limits.h"
#include "lab/replay/case.h"
#include "lab/testing/testing.h"
#include "lab/testing/testing_state.h"

namespace pontoon::testing {
namespace {

namespace fs = std::filesystem;

Bytes read_file(const fs::path& path, std::size_t limit) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) {
    throw Error(Error::Code::not_found, fmt::format("{}: {}", path.string(), error.message()));
  }
  if (size > limit)
    detail::raise_invalid(fmt::format("{}: longer than {} bytes", path.string(), limit));
  std::ifstream file(path, std::ios::binary);
  Bytes content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw Error(Error::Code::other, fmt::format("{}: it cannot be read", path.string()));
  return content;
}

Replay read_case(const fs::path& file) {
  Replay out;
  const Bytes text = read_file(file, limits::kCaseBytes);
  out.case_toml.assign(text.begin(), text.end());
  const lab::Case described = detail::value_of(lab::parse_case(out.case_toml, file.string()));
  if (!described.input.empty())
    out.capture = read_file(file.parent_path() / described.input, limits::kReplayFileBytes);
  const fs::path expected = file.parent_path() / "expected";
  out.compare = fs::is_directory(expected);
  if (!out.compare) return out;
  for (const fs::directory_entry& entry : fs::directory_iterator(expected)) {
    if (entry.path().extension() != ".pcapng") continue;
    out.expected[entry.path().stem().string()] = read_file(entry.path(), limits::kReplayFileBytes);
  }
  return out;
}

}  // namespace

Replay read_replay(const std::string& path) {
  try {
    if (fs::is_directory(path)) return read_case(fs::path(path) / "case.toml");
    if (fs::path(path).extension() == ".toml") return read_case(path);
    Replay out;
    out.capture = read_file(path, limits::kReplayFileBytes);
    return out;
  } catch (const fs::filesystem_error& error) {
    throw Error(Error::Code::other, error.what());
  }
}

}  // namespace pontoon::testing
