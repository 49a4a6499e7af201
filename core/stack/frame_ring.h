// A queue of frames with a fixed bound, so that neither end of the gateway allocates per frame.
#pragma once

#include <memory>

#include "core/frame/frame.h"

namespace pontoon::stack {

class FrameRing {
 public:
  explicit FrameRing(std::size_t capacity)
      : frames_(std::make_unique<FrameRef[]>(capacity)), capacity_(capacity) {}

  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return size_ == capacity_; }
  std::size_t size() const noexcept { return size_; }

  // Only when not full().
  void push(FrameRef frame) noexcept {
    INVARIANT(!full());
    frames_[(first_ + size_) % capacity_] = std::move(frame);
    ++size_;
  }
  // Only when not empty().
  FrameRef pop() noexcept {
    INVARIANT(!empty());
    FrameRef frame = std::move(frames_[first_]);
    first_ = (first_ + 1) % capacity_;
    --size_;
    return frame;
  }

 private:
  std::unique_ptr<FrameRef[]> frames_;
  std::size_t capacity_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace pontoon::stack
