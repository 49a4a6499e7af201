// Where the kernel puts a frame whose size nobody knows beforehand: 60 bytes or 64 KiB.
//
// A small frame and a large one stand ready; the kernel fills the small one and goes on in the
// large one, behind a gap as long as the small one. So a small frame (nearly all by number) lies
// where it belongs, without a copy and without holding 64 KiB; of a super-frame the first 2 KiB are
// copied into the gap, 3 % of it. Copying small frames out of a large landing buffer would cost
// each of them what is saved here, and a landing buffer per port would pin one large frame (of a
// packet port: a batch of them) for every idle container: buffers are held during receive() only.
#pragma once

#include <sys/uio.h>

#include <array>

#include "core/frame/frame.h"

namespace pontoon::bridge {

class Landing {
 public:
  // False when the pool is exhausted.
  bool prepare(FramePool& pool) noexcept;
  // Gives unused buffers back.
  void release() noexcept;

  // After prepare(), until take() or release().
  std::array<iovec, 2> pieces() const noexcept;
  std::size_t capacity() const noexcept;
  // The frame that has landed; `length` at most capacity().
  FrameRef take(std::size_t length) noexcept;

 private:
  std::size_t gap() const noexcept;

  FrameRef small_;
  FrameRef large_;
};

}  // namespace pontoon::bridge
