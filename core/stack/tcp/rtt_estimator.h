// The retransmission timeout (RFC 6298).
#pragma once

#include <algorithm>

#include "core/base/limits.h"
#include "core/base/time.h"

namespace pontoon::stack::tcp {

class RttEstimator {
 public:
  // The round trip of bytes that were sent once (Karn), or as timestamps tell it.
  void sample(Duration rtt) noexcept {
    if (smoothed_ == Duration{}) {  // RFC 6298 2.2
      smoothed_ = std::max(rtt, Duration(1));
      variation_ = rtt / 2;
    } else {  // RFC 6298 2.3
      const Duration error = smoothed_ > rtt ? smoothed_ - rtt : rtt - smoothed_;
      variation_ = (variation_ * 3 + error) / 4;
      smoothed_ = std::max((smoothed_ * 7 + rtt) / 8, Duration(1));
    }
    base_ = smoothed_ + std::max(kGranularity, variation_ * 4);
    end_back_off();
  }
  // RFC 6298 5.5: the doubled timeout stays until a new sample comes.
  void back_off() noexcept {
    if (timeout() < limits::kTcpMaxRto) ++doublings_;
  }
  // Text was lost. Deviation: a timeout that is the floor is hundreds of round trips already, and
  // doubles only after some repetitions. On a path within a host a burst of losses lasts for
  // packets, not for seconds.
  void back_off_lost() noexcept {
    if (base_ <= limits::kTcpMinRto && steady_ < limits::kTcpSteadyTimeouts)
      ++steady_;
    else
      back_off();
  }

  // The timeouts were window probes, and they were answered: nothing was lost.
  void end_back_off() noexcept {
    doublings_ = 0;
    steady_ = 0;
  }

  // Deviation: the floor is 200 ms, not the second of RFC 6298 2.4, as in every stack in use.
  Duration timeout() const noexcept {
    const Duration floored = std::max(base_, limits::kTcpMinRto);
    return std::min(floored * (std::int64_t{1} << doublings_), limits::kTcpMaxRto);
  }
  Duration smoothed() const noexcept { return smoothed_; }

 private:
  static constexpr Duration kGranularity = std::chrono::milliseconds(1);

  Duration smoothed_{};
  Duration variation_{};
  Duration base_ = limits::kTcpInitialRto;
  std::uint8_t steady_ = 0;  // timeouts at the floor
  std::uint8_t doublings_ = 0;
};

}  // namespace pontoon::stack::tcp
