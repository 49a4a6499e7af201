// The timers of one network: a 4-ary heap of intrusive timers, so that arming, moving and
// cancelling allocate nothing after warm-up and cost O(log n).
//
// A Timer lives inside the object that it wakes and is disarmed by its own destructor:
//
//   class Flow { Timer retransmit_{Timer::bind<&Flow::on_retransmit>(*this)}; ... };
//   timers.arm(flow.retransmit_, now + rto);
//
// Timers due at the same instant fire in the order in which they were armed: a run is reproducible.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/time.h"

namespace pontoon {

class TimerQueue;

class Timer {
 public:
  using Fire = void (*)(void* owner, Instant now);

  Timer(void* owner, Fire fire) noexcept : owner_(owner), fire_(fire) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Member must be `void (Owner::*)(Instant now)`.
  template <auto Member, class Owner>
  static Timer bind(Owner& owner) noexcept {
    return Timer(&owner,
                 [](void* self, Instant now) { (static_cast<Owner*>(self)->*Member)(now); });
  }

  bool armed() const noexcept { return queue_ != nullptr; }
  Instant deadline() const noexcept { return deadline_; }
  void cancel() noexcept;

 private:
  friend class TimerQueue;
  void* owner_;
  Fire fire_;
  TimerQueue* queue_ = nullptr;
  std::size_t index_ = 0;
  std::uint64_t order_ = 0;
  Instant deadline_ = kNever;
};

class TimerQueue {
 public:
  TimerQueue() = default;
  ~TimerQueue();
  TimerQueue(const TimerQueue&) = delete;
  TimerQueue& operator=(const TimerQueue&) = delete;

  // Arms the timer, or moves it when it is armed already. `kNever` disarms it.
  void arm(Timer& timer, Instant deadline);
  void cancel(Timer& timer) noexcept;

  // When the earliest timer is due; kNever when none is armed.
  Instant next_deadline() const noexcept;

  // Fires every timer that was due at `now`, at most `budget` of them; returns how many. A timer
  // that is armed from within a callback for `now` or earlier fires in the next call, so a turn
  // always ends.
  std::size_t run_due(Instant now, std::size_t budget);

  std::size_t size() const noexcept { return heap_.size(); }

 private:
  bool before(const Timer& left, const Timer& right) const noexcept;
  void place(std::size_t index, Timer* timer) noexcept;
  void sift_up(std::size_t index) noexcept;
  void sift_down(std::size_t index) noexcept;

  std::vector<Timer*> heap_;
  std::uint64_t next_order_ = 0;
};

}  // namespace pontoon
