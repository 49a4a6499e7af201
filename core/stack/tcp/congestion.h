// How much may be on its way to an endpoint: NewReno (RFC 5681) with an initial window of ten
// segments (RFC 6928) and growth by acknowledged bytes (RFC 3465). During recovery the sender
// counts what is in flight (RFC 6675), so the window is not inflated by duplicates.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/limits.h"

namespace pontoon::stack::tcp {

class CongestionWindow {
 public:
  void start(std::uint32_t mss) noexcept {
    mss_ = mss;
    window_ = initial();
    threshold_ = limits::kTcpFlightBytes;
    credit_ = 0;
  }
  // The path has shrunk (RFC 1191): what is in flight counts as before, steps get smaller.
  void set_mss(std::uint32_t mss) noexcept {
    mss_ = mss;
    window_ = std::max(window_, mss);
  }

  std::uint32_t bytes() const noexcept { return window_; }
  bool slow_start() const noexcept { return window_ < threshold_; }

  // New data was acknowledged while the window was in use to its brim.
  void on_acknowledged(std::uint32_t bytes) noexcept {
    if (slow_start()) {
      window_ += std::min(bytes, 2 * mss_);  // RFC 3465 2.2, L = 2
    } else {
      credit_ += bytes;
      if (credit_ < window_) return;
      credit_ -= window_;
      window_ += mss_;
    }
    window_ = std::min(window_, limits::kTcpFlightBytes);
  }
  // RFC 6582 3.2 step 2: fast retransmit.
  void on_loss(std::uint32_t flight) noexcept {
    threshold_ = half(flight);
    window_ = threshold_;
    credit_ = 0;
  }
  // RFC 5681 3.1: the threshold falls once per loss, however often the timer fires.
  void on_timeout(std::uint32_t flight, bool first) noexcept {
    if (first) threshold_ = half(flight);
    window_ = mss_;
    credit_ = 0;
  }
  // RFC 5681 4.1: nothing was sent for a retransmission timeout.
  void on_idle() noexcept { window_ = std::min(window_, initial()); }

 private:
  std::uint32_t initial() const noexcept {
    return std::min(10 * mss_, std::max(2 * mss_, std::uint32_t{14600}));
  }
  // Deviation: RFC 5681 3.1 goes down to two segments, of which a burst of losses leaves nothing
  // that could tell of it. What anybody may send at first is never too much for a path within a
  // host.
  std::uint32_t half(std::uint32_t flight) const noexcept {
    return std::max(flight / 2, initial());
  }

  std::uint32_t mss_ = 536;
  std::uint32_t window_ = 0;
  std::uint32_t threshold_ = 0;
  std::uint32_t credit_ = 0;  // acknowledged toward the next step of congestion avoidance
};

}  // namespace pontoon::stack::tcp
