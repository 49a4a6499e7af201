// A frame: one Ethernet frame (up to a 64 KiB super-frame) in a pooled buffer with headroom, and
// the offload metadata that travels with it (what the virtio-net header says, in host terms).
//
// Ownership: FrameRef is an intrusive, non-atomic reference (one thread per network). A frame that
// more than one FrameRef holds is read-only: flooding shares, it does not copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/limits.h"

namespace pontoon {

enum class Gso : std::uint8_t { none, tcp4, tcp6, udp };

// virtio 1.2, 5.1.6: offsets count from the first byte of the Ethernet header.
struct Offload {
  Gso gso = Gso::none;
  bool needs_checksum = false;  // the checksum field holds only the pseudo-header's sum
  bool checksum_valid = false;  // verified, or never crossed a wire
  bool ecn = false;
  std::uint16_t header_length = 0;    // Ethernet to the end of the transport header, with gso
  std::uint16_t segment_size = 0;     // transport payload bytes per segment, with gso
  std::uint16_t checksum_start = 0;   // with needs_checksum
  std::uint16_t checksum_offset = 0;  // from checksum_start to the field
};

class FramePool;

class Frame {
 public:
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  ByteView bytes() const noexcept { return {storage_ + begin_, length_}; }
  MutableBytes mutable_bytes() noexcept {
    INVARIANT(references_ == 1);
    return {storage_ + begin_, length_};
  }
  std::size_t size() const noexcept { return length_; }
  std::size_t headroom() const noexcept { return begin_; }
  std::size_t tailroom() const noexcept { return capacity_ - begin_ - length_; }

  // Grow by `count` bytes in front or behind; the new bytes are uninitialised and returned.
  MutableBytes prepend(std::size_t count) noexcept {
    INVARIANT(references_ == 1 && count <= begin_);
    begin_ -= static_cast<std::uint32_t>(count);
    length_ += static_cast<std::uint32_t>(count);
    return {storage_ + begin_, count};
  }
  MutableBytes append(std::size_t count) noexcept {
    INVARIANT(references_ == 1 && count <= tailroom());
    MutableBytes added{storage_ + begin_ + length_, count};
    length_ += static_cast<std::uint32_t>(count);
    return added;
  }
  // Where a port reads into: all the room behind the headroom; then say how much came.
  MutableBytes writable() noexcept { return {storage_ + begin_, capacity_ - begin_}; }
  void set_size(std::size_t size) noexcept {
    INVARIANT(size <= capacity_ - begin_);
    length_ = static_cast<std::uint32_t>(size);
  }
  void drop_front(std::size_t count) noexcept {
    INVARIANT(count <= length_);
    begin_ += static_cast<std::uint32_t>(count);
    length_ -= static_cast<std::uint32_t>(count);
  }

  bool shared() const noexcept { return references_ > 1; }

  Offload offload;

 private:
  friend class FramePool;
  friend class FrameRef;
  Frame() = default;

  std::uint8_t* storage_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t begin_ = 0;
  std::uint32_t length_ = 0;
  std::uint32_t references_ = 0;
  FramePool* pool_ = nullptr;
  Frame* next_free_ = nullptr;
};

class FrameRef {
 public:
  FrameRef() = default;
  explicit FrameRef(Frame* frame) noexcept : frame_(frame) {
    if (frame_ != nullptr) ++frame_->references_;
  }
  ~FrameRef() { reset(); }
  FrameRef(FrameRef&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  FrameRef& operator=(FrameRef&& other) noexcept {
    if (this != &other) {
      reset();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  FrameRef(const FrameRef&) = delete;  // sharing is spelled out
  FrameRef& operator=(const FrameRef&) = delete;
  FrameRef share() const noexcept { return FrameRef(frame_); }

  explicit operator bool() const noexcept { return frame_ != nullptr; }
  Frame& operator*() const noexcept { return *frame_; }
  Frame* operator->() const noexcept { return frame_; }
  void reset() noexcept;

 private:
  Frame* frame_ = nullptr;
};

// Two size classes, grown on demand up to `limit` frames altogether and never shrunk. Buffers are
// touched only as far as they are written, so a large frame that carries 60 bytes costs one page.
// The pool must outlive its frames (checked in the destructor).
class FramePool {
 public:
  explicit FramePool(std::size_t limit = limits::kPoolFrames) noexcept : limit_(limit) {}
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  // An empty frame with kFrameHeadroom in front and room for at least `payload` bytes; a null
  // FrameRef when the pool is exhausted or `payload` is larger than a super-frame.
  FrameRef allocate(std::size_t payload) noexcept;
  // An own, unshared copy of bytes and offload; null when exhausted.
  FrameRef copy(const Frame& frame) noexcept;

  std::size_t in_use() const noexcept { return in_use_; }
  std::size_t limit() const noexcept { return limit_; }

 private:
  friend class FrameRef;
  void release(Frame* frame) noexcept;
  Frame* grow(std::size_t capacity) noexcept;

  std::size_t limit_;
  std::size_t in_use_ = 0;
  Frame* free_small_ = nullptr;
  Frame* free_large_ = nullptr;
  std::vector<Frame*> all_;
};

}  // namespace pontoon
