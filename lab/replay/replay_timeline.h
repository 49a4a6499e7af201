// A capture's clock as a world can follow it.
//
// Captured clocks jump: a device starts in 1970 and then hears of the time, another is set back.
// Played times never go backwards, no silence is longer than limits::kReplayGap, and the whole is
// no longer than limits::kReplaySpan; in between, distances stay as they were.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/time.h"

namespace pontoon::lab {

class Timeline {
 public:
  Timeline(std::int64_t first_ns, Instant start) noexcept : first_ns_(first_ns), start_(start) {}

  // When to play a packet with that time; nullopt: never, it is too far from the first one. `note`
  // is set when the time is another than the packet's own.
  std::optional<Instant> at(std::int64_t time_ns, std::string& note);

  // What a capture's clock would have shown, had it not jumped.
  std::int64_t time_of(Instant instant) const noexcept;

 private:
  std::int64_t first_ns_;
  Instant start_;
  std::int64_t shift_ns_ = 0;  // taken from every packet's distance to the first one
  std::int64_t last_ns_ = 0;   // played position of the last packet
};

}  // namespace pontoon::lab
