// At most so many per second, counted in whole seconds: for answers that anybody can provoke.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace pontoon::stack::tcp {

class RateLimit {
 public:
  explicit RateLimit(std::uint32_t per_second) noexcept : per_second_(per_second) {}

  bool pass(Instant now) noexcept {
    if (now - second_began_ >= std::chrono::seconds(1)) {
      second_began_ = now;
      used_ = 0;
    }
    if (used_ >= per_second_) return false;
    ++used_;
    return true;
  }

 private:
  std::uint32_t per_second_;
  std::uint32_t used_ = 0;
  Instant second_began_{};
};

}  // namespace pontoon::stack::tcp
