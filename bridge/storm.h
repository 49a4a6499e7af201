// How many flooded frames a port may cause: each of them is multiplied by the number of ports, so
// one container could otherwise keep all the others busy.
//
// A token bucket kept as one point in time (the generic cell rate algorithm, ITU-T I.371 annex
// A): `booked_` is when the frames passed so far will have been earned. Exact, no drift, 8 bytes.
#pragma once

#include <algorithm>

#include "core/base/limits.h"
#include "core/base/time.h"

namespace pontoon::bridge {

class StormLimit {
 public:
  // True when `frames` more may be flooded now; they are then booked. A super-frame counts as the
  // segments that it stands for.
  bool pass(std::uint32_t frames, Instant now) noexcept {
    constexpr Duration cost = Duration(std::chrono::seconds(1)) / limits::kStormFramesPerSecond;
    constexpr Duration burst = cost * limits::kStormBurst;
    const Instant start = std::max(booked_, now);
    const Instant booked = start + cost * frames;
    if (booked - now > burst) return false;
    booked_ = booked;
    return true;
  }

 private:
  Instant booked_{};
};

}  // namespace pontoon::bridge
