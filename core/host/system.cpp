#include "core/host/system.h"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/check.h"

namespace pontoon::host {

Instant SystemClock::now() const noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant(std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec));
}

WallTime SystemClock::wall() const noexcept {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

void SystemRandom::fill(MutableBytes out) noexcept {
  while (!out.empty()) {
    if (used_ == block_.size()) {
      for (std::size_t filled = 0; filled < block_.size();) {
        const ssize_t got = getrandom(block_.data() + filled, block_.size() - filled, 0);
        INVARIANT(got > 0 || errno == EINTR);
        if (got > 0) filled += static_cast<std::size_t>(got);
      }
      used_ = 0;
    }
    const std::size_t count = std::min(out.size(), block_.size() - used_);
    std::memcpy(out.data(), block_.data() + used_, count);
    std::memset(block_.data() + used_, 0, count);  // a number that was given out is not kept
    used_ += count;
    out = out.subspan(count);
  }
}

}  // namespace pontoon::host
