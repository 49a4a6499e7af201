// The real clock and the real randomness.
#pragma once

#include <array>

#include "core/base/random.h"
#include "core/base/time.h"

namespace pontoon::host {

class SystemClock final : public Clock {
 public:
  Instant now() const noexcept override;  // CLOCK_MONOTONIC
  WallTime wall() const noexcept override;
};

// getrandom(2), drawn in blocks so that a query ID does not cost a system call.
class SystemRandom final : public Random {
 public:
  void fill(MutableBytes out) noexcept override;

 private:
  std::array<std::uint8_t, 512> block_{};
  std::size_t used_ = sizeof(block_);
};

}  // namespace pontoon::host
