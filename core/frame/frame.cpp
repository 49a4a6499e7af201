#include "core/frame/frame.h"

#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

namespace pontoon {
namespace {

constexpr std::size_t kPage = 4096;

constexpr std::size_t rounded_up(std::size_t size, std::size_t unit) noexcept {
  return (size + unit - 1) / unit * unit;
}

// Page-aligned and never cleared: a page of a large buffer takes memory only once it is written.
std::uint8_t* allocate_storage(std::size_t capacity) noexcept {
  const std::size_t alignment = capacity < kPage ? 64 : kPage;
  void* storage = std::aligned_alloc(alignment, rounded_up(capacity, alignment));
  return static_cast<std::uint8_t*>(storage);
}

}  // namespace

void FrameRef::reset() noexcept {
  Frame* frame = std::exchange(frame_, nullptr);
  if (frame != nullptr && --frame->references_ == 0) frame->pool_->release(frame);
}

FramePool::~FramePool() {
  INVARIANT(in_use_ == 0);
  for (Frame* frame : all_) {
    ASAN_UNPOISON_MEMORY_REGION(frame->storage_, frame->capacity_);
    std::free(frame->storage_);
    delete frame;
  }
}

FrameRef FramePool::allocate(std::size_t payload) noexcept {
  const std::size_t needed = payload + limits::kFrameHeadroom;
  if (payload > limits::kLargeFrameBytes || needed > limits::kLargeFrameBytes) return {};
  const bool small = needed <= limits::kSmallFrameBytes;
  Frame*& list = small ? free_small_ : free_large_;
  Frame* frame = list;
  if (frame != nullptr) {
    list = frame->next_free_;
  } else {
    frame = grow(small ? limits::kSmallFrameBytes : limits::kLargeFrameBytes);
  }
  if (frame == nullptr) return {};
  ASAN_UNPOISON_MEMORY_REGION(frame->storage_, frame->capacity_);
  frame->next_free_ = nullptr;
  frame->begin_ = limits::kFrameHeadroom;
  frame->length_ = 0;
  ++in_use_;
  return FrameRef(frame);
}

FrameRef FramePool::copy(const Frame& frame) noexcept {
  FrameRef copied = allocate(frame.size());
  if (!copied) return {};
  const MutableBytes room = copied->append(frame.size());
  if (!room.empty()) std::memcpy(room.data(), frame.bytes().data(), room.size());
  copied->offload = frame.offload;
  return copied;
}

void FramePool::release(Frame* frame) noexcept {
  frame->offload = {};
  Frame*& list = frame->capacity_ > limits::kSmallFrameBytes ? free_large_ : free_small_;
  frame->next_free_ = list;
  list = frame;
  --in_use_;
  ASAN_POISON_MEMORY_REGION(frame->storage_, frame->capacity_);
}

// A new frame of the class that has run out. At the limit a free frame of the other class stands
// in, or else a pool full of small frames could never carry a super-frame again.
Frame* FramePool::grow(std::size_t capacity) noexcept {
  if (all_.size() >= limit_) {
    const bool small = capacity <= limits::kSmallFrameBytes;
    Frame*& list = small ? free_large_ : free_small_;
    Frame* frame = list;
    if (frame == nullptr) return nullptr;
    if (!small) {
      std::uint8_t* storage = allocate_storage(capacity);
      if (storage == nullptr) return nullptr;
      ASAN_UNPOISON_MEMORY_REGION(frame->storage_, frame->capacity_);
      std::free(frame->storage_);
      frame->storage_ = storage;
      frame->capacity_ = static_cast<std::uint32_t>(capacity);
    }
    list = frame->next_free_;
    return frame;
  }
  if (all_.empty()) all_.reserve(limit_);
  Frame* frame = new (std::nothrow) Frame;
  if (frame == nullptr) return nullptr;
  frame->storage_ = allocate_storage(capacity);
  if (frame->storage_ == nullptr) {
    delete frame;
    return nullptr;
  }
  frame->capacity_ = static_cast<std::uint32_t>(capacity);
  frame->pool_ = this;
  all_.push_back(frame);
  return frame;
}

}  // namespace pontoon
