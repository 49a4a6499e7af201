// What a replay sent against what was expected: frames and their times, port by port.
//
// Frames are compared byte for byte and their times to the nanosecond; how the files are written
// (blocks, comments, the program's name) does not matter, so an expected file may be edited with
// other tools.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/model.h"
#include "core/base/result.h"
#include "lab/replay/case.h"
#include "lab/replay/replay_files.h"

namespace pontoon::lab {

struct TimedFrame {
  std::int64_t time_ns = 0;
  std::vector<std::uint8_t> bytes;
};

// The earliest place where a port's frames differ. One side is absent where it has ended.
struct FrameDifference {
  std::string port;
  std::size_t number = 0;  // of the frame at this port, from 1
  std::optional<TimedFrame> expected;
  std::optional<TimedFrame> got;
};

struct PortDifference {
  std::string port;
  std::size_t expected = 0;  // frames
  std::size_t got = 0;
  std::size_t missing = 0;     // expected, and at no time sent
  std::size_t unexpected = 0;  // sent, and at no time expected
  std::size_t moved = 0;       // the same bytes at another time or place
};

struct DropDifference {
  std::string name;  // "web/guard_arp"
  std::uint64_t expected = 0;
  std::uint64_t got = 0;
};

struct Comparison {
  std::optional<FrameDifference> first;
  std::vector<PortDifference> ports;  // those that differ
  std::vector<DropDifference> drops;  // likewise
  std::size_t frames = 0;             // that were sent, all ports together
  std::size_t files = 0;              // ports that were sent something

  bool equal() const noexcept { return ports.empty() && drops.empty(); }
};

// Error: an expected file cannot be read. A port without a file is sent nothing.
Result<Comparison> compare(const PortFiles& expected, const PortFiles& got);
// Adds to `comparison` which of the counts differ; what was not expected must not be dropped.
void compare_drops(const std::vector<ExpectedDrop>& expected,
                   const std::vector<control::DropInfo>& got, Comparison& comparison);

// For people: the first difference side by side in `width` columns, then a line for each port and
// drop reason that differs. `start_ns`: times are shown as seconds since then. Empty when equal.
std::string to_text(const Comparison& comparison, std::int64_t start_ns, unsigned width);
// For tools, see docs/replay.md: {"equal":false,"first":{...},"ports":[...],"drops":[...]}
std::string to_json(const Comparison& comparison);
// Any text in quotes, as JSON has it.
std::string json_text(std::string_view text);

}  // namespace pontoon::lab
