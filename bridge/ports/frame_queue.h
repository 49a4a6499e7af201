// Frames that wait to leave a port: a ring of fixed size, allocated once.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "core/frame/frame.h"

namespace pontoon::bridge {

class FrameQueue {
 public:
  FrameQueue() : ring_(limits::kPortQueueFrames) {}

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // False, and the frame gone, when the queue is full.
  bool push(FrameRef frame) noexcept {
    if (size_ == ring_.size()) return false;
    ring_[(first_ + size_) % ring_.size()] = std::move(frame);
    ++size_;
    return true;
  }
  // The frame `index` places behind the first.
  const Frame& operator[](std::size_t index) const noexcept {
    INVARIANT(index < size_);
    return *ring_[(first_ + index) % ring_.size()];
  }
  void pop() noexcept {
    INVARIANT(size_ > 0);
    ring_[first_].reset();
    first_ = (first_ + 1) % ring_.size();
    --size_;
  }

 private:
  std::vector<FrameRef> ring_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace pontoon::bridge
