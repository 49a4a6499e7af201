// Time as the engines know it: nanoseconds on a monotonic clock whose zero means nothing. Engines
// are handed `now`; only core/host reads a clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace pontoon {

using Duration = std::chrono::nanoseconds;

// A tag, not a clock: it has no now().
struct EngineClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<EngineClock, Duration>;
  static constexpr bool is_steady = true;
};

using Instant = EngineClock::time_point;
// Seconds since 1970, for what is stored or shown; never for deadlines.
using WallTime = std::chrono::sys_seconds;

constexpr Instant kNever = Instant::max();

// The real one is in core/host, a settable one in tests.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const noexcept = 0;
  virtual WallTime wall() const noexcept = 0;
};

}  // namespace pontoon
