#include "core/base/timer_queue.h"

#include <algorithm>

namespace pontoon {
namespace {
constexpr std::size_t kArity = 4;
}

void Timer::cancel() noexcept {
  if (queue_ != nullptr) queue_->cancel(*this);
}

TimerQueue::~TimerQueue() {
  for (Timer* timer : heap_)
    timer->queue_ = nullptr;
}

void TimerQueue::arm(Timer& timer, Instant deadline) {
  if (deadline == kNever) {
    timer.cancel();
    return;
  }
  if (timer.queue_ != nullptr && timer.queue_ != this) timer.cancel();
  timer.deadline_ = deadline;
  timer.order_ = next_order_++;
  if (timer.queue_ == nullptr) {
    timer.queue_ = this;
    heap_.push_back(&timer);
    timer.index_ = heap_.size() - 1;
    sift_up(timer.index_);
    return;
  }
  sift_up(timer.index_);
  sift_down(timer.index_);
}

void TimerQueue::cancel(Timer& timer) noexcept {
  if (timer.queue_ != this) return;
  const std::size_t index = timer.index_;
  Timer* last = heap_.back();
  heap_.pop_back();
  timer.queue_ = nullptr;
  if (last == &timer) return;
  place(index, last);
  sift_up(index);
  sift_down(last->index_);
}

Instant TimerQueue::next_deadline() const noexcept {
  return heap_.empty() ? kNever : heap_.front()->deadline_;
}

std::size_t TimerQueue::run_due(Instant now, std::size_t budget) {
  const std::uint64_t armed_before = next_order_;
  std::size_t fired = 0;
  while (fired < budget && !heap_.empty()) {
    Timer& timer = *heap_.front();
    if (timer.deadline_ > now || timer.order_ >= armed_before) break;
    cancel(timer);
    ++fired;
    timer.fire_(timer.owner_, now);
  }
  return fired;
}

bool TimerQueue::before(const Timer& left, const Timer& right) const noexcept {
  if (left.deadline_ != right.deadline_) return left.deadline_ < right.deadline_;
  return left.order_ < right.order_;
}

void TimerQueue::place(std::size_t index, Timer* timer) noexcept {
  heap_[index] = timer;
  timer->index_ = index;
}

void TimerQueue::sift_up(std::size_t index) noexcept {
  Timer* timer = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / kArity;
    if (!before(*timer, *heap_[parent])) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, timer);
}

void TimerQueue::sift_down(std::size_t index) noexcept {
  Timer* timer = heap_[index];
  for (;;) {
    const std::size_t first = index * kArity + 1;
    if (first >= heap_.size()) break;
    const std::size_t end = std::min(first + kArity, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (before(*heap_[child], *heap_[least])) least = child;
    }
    if (!before(*heap_[least], *timer)) break;
    place(index, heap_[least]);
    index = least;
  }
  place(index, timer);
}

}  // namespace pontoon
