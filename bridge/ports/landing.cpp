#include "bridge/ports/landing.h"

#include <algorithm>
#include <cstring>

#include "core/base/limits.h"

namespace pontoon::bridge {

bool Landing::prepare(FramePool& pool) noexcept {
  constexpr std::size_t small = limits::kSmallFrameBytes - limits::kFrameHeadroom;
  constexpr std::size_t large = limits::kLargeFrameBytes - limits::kFrameHeadroom;
  if (!small_) small_ = pool.allocate(small);
  if (small_ && !large_) large_ = pool.allocate(large);
  return small_ && large_;
}

void Landing::release() noexcept {
  small_.reset();
  large_.reset();
}

// A full pool may lend a large frame for the small one.
std::size_t Landing::gap() const noexcept {
  return std::min(small_->writable().size(), capacity());
}

std::size_t Landing::capacity() const noexcept {
  return large_->writable().size();
}

std::array<iovec, 2> Landing::pieces() const noexcept {
  const MutableBytes behind = large_->writable().subspan(gap());
  return {iovec{small_->writable().data(), gap()}, iovec{behind.data(), behind.size()}};
}

FrameRef Landing::take(std::size_t length) noexcept {
  INVARIANT(length <= capacity());
  if (length <= gap()) {
    small_->set_size(length);
    return std::move(small_);
  }
  std::memcpy(large_->writable().data(), small_->writable().data(), gap());
  large_->set_size(length);
  return std::move(large_);
}

}  // namespace pontoon::bridge
