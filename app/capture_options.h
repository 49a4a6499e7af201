// What `pontoon capture` was told, understood and checked; and the sizes and durations that people
// write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/model.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace pontoon::app {

// As written.
struct CaptureArguments {
  std::vector<std::string> words;  // [NETWORK|ENDPOINT] [FILTER...]
  std::string write;               // a file, "-" for stdout, empty for text
  std::uint32_t snap_length = 0;
  std::uint64_t count = 0;
  std::string last;
  std::string rotate;
  std::optional<unsigned> files;
};

struct CapturePlan {
  control::CaptureRequest request;
  std::string write;
  std::uint64_t count = 0;                  // frames; 0: no end
  std::optional<std::uint64_t> file_bytes;  // then the next file
  std::optional<Duration> file_time;
  unsigned files = 0;  // of the ring; 0: one file after the other
  bool ring() const noexcept { return file_bytes || file_time; }
};

// The first word is a target, unless it is one of the filter's own or begins with "(" or "!".
Result<CapturePlan> plan_capture(const CaptureArguments& arguments);

// "500", "64kB", "4MiB", "1G": k, M and G alone are powers of 1024.
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;
// "500ms", "30s", "5m" or "5min", "2h", "1d".
std::optional<Duration> parse_duration(std::string_view text) noexcept;

// "trace.pcapng", 3 -> "trace.3.pcapng"
std::string numbered(const std::string& path, unsigned number);

}  // namespace pontoon::app
