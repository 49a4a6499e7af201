// The flight recorder: the beginnings of the last frames, in memory, always on, so that
// `pontoon capture --last 30s` can show what happened before anybody asked.
//
// One ring of equal slots, allocated once; a slot is a small header and the first `keep` bytes of a
// frame. The newest frame takes the place of the oldest. Writing costs a comparison and two copies,
// no more: nothing is cut into segments and no checksum is finished here, that is done by
// write_wire_frames() (frame_writer.h) for what is read out again.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/drop.h"
#include "core/capture/packet.h"
#include "core/frame/frame.h"

namespace pontoon::capture {

// One frame as the recorder remembers it.
struct Recorded {
  std::int64_t time_ns = 0;  // as it was given
  std::uint32_t tag = 0;     // whose: the owner's name for a port
  Direction direction = Direction::unknown;
  std::optional<DropReason> reason;   // it went no further, and why
  std::uint32_t original_length = 0;  // a super-frame's own
  Offload offload;                    // as the frame had it: its checksum may be partial
  ByteView bytes;                     // its beginning; valid until the next add()

  bool cut() const noexcept { return bytes.size() < original_length; }
};

class Recorder {
 public:
  static constexpr std::size_t kKeep = 128;  // Ethernet, IP and TCP with all their options

  // `budget` bytes altogether, at least one slot; `keep` bytes of each frame, at most 64 KiB.
  explicit Recorder(std::size_t budget, std::size_t keep = kKeep);

  void add(const Frame& frame, std::uint32_t tag, Direction direction,
           std::optional<DropReason> reason, std::int64_t time_ns) noexcept;

  // Oldest first: visit(const Recorded&) for each frame that is not older than `time_ns`.
  template <class Visit>
  void for_each_since(std::int64_t time_ns, Visit&& visit) const {
    const std::size_t count = size();
    for (std::size_t i = 0; i < count; ++i) {
      const Recorded recorded = slot((added_ - count + i) % slots_);
      if (recorded.time_ns >= time_ns) visit(recorded);
    }
  }

  // Frames that it holds, that it can hold, that it was given since the beginning.
  std::size_t size() const noexcept { return added_ < slots_ ? added_ : slots_; }
  std::size_t capacity() const noexcept { return slots_; }
  std::uint64_t added() const noexcept { return added_; }

 private:
  Recorded slot(std::size_t index) const noexcept;

  std::size_t keep_;
  std::size_t slot_bytes_;
  std::size_t slots_;
  std::vector<std::uint8_t> ring_;
  std::uint64_t added_ = 0;
  std::size_t next_ = 0;  // the slot that the next frame takes
};

}  // namespace pontoon::capture
