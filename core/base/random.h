// Randomness is handed to engines; the real source (getrandom) is in core/host.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"

namespace pontoon {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes out) noexcept = 0;

  std::uint16_t u16() noexcept;
  std::uint32_t u32() noexcept;
  std::uint64_t u64() noexcept;
  // Uniform in [0, bound); bound > 0.
  std::uint32_t below(std::uint32_t bound) noexcept;
};

// A reproducible stream for simulation and tests (xoshiro256**). One seed gives as many independent
// streams as there are names, so that a new consumer does not shift the numbers that others draw.
// Not for secrets.
class SeededRandom final : public Random {
 public:
  SeededRandom(std::uint64_t seed, std::string_view stream) noexcept;
  void fill(MutableBytes out) noexcept override;

 private:
  std::uint64_t next() noexcept;
  std::uint64_t state_[4];
};

}  // namespace pontoon
