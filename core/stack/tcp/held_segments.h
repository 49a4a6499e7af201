// Text that came out of order waits here, in frames of the network's pool, until the hole before it
// closes. One HeldList per flow, sorted and disjoint; the pieces of all lists come from one
// HeldPool, whose limits keep one network's flows from eating the frame pool. Text that continues
// a piece is appended to it while the frame has room, so that a train of small segments is few
// pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/frame/frame.h"
#include "core/stack/tcp/sack_scoreboard.h"

namespace pontoon::stack::tcp {

class HeldPool;

// Plain data inside a flow; emptied through the pool.
struct HeldList {
  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t first = kNone;
  std::uint32_t pieces = 0;
  std::uint32_t bytes = 0;

  bool empty() const noexcept { return first == kNone; }
};

enum class HoldResult : std::uint8_t { held, full, no_frame };

class HeldPool {
 public:
  explicit HeldPool(FramePool& frames) noexcept : frames_(frames) {}

  // Holds what of `text` is not held yet. `full` and `no_frame`: not all of it could be.
  HoldResult hold(HeldList& list, wire::TcpSequence begin, ByteView text) noexcept;
  // The text that is held from `at` on without a hole, one piece of it; empty when there is none.
  ByteView front(const HeldList& list, wire::TcpSequence at) const noexcept;
  // Forgets everything before `sequence`.
  void drop_before(HeldList& list, wire::TcpSequence sequence) noexcept;
  void clear(HeldList& list) noexcept;

  // The runs without holes, in order, as many as fit; returns how many.
  std::size_t runs(const HeldList& list, std::span<SequenceRange> out) const noexcept;
  // The run that `inside` lies in; empty when none.
  SequenceRange run_around(const HeldList& list, wire::TcpSequence inside) const noexcept;

  std::size_t bytes() const noexcept { return bytes_; }
  std::size_t pieces() const noexcept { return pieces_in_use_; }

 private:
  struct Piece {
    FrameRef frame;
    wire::TcpSequence begin;
    std::uint32_t next = HeldList::kNone;
    wire::TcpSequence end() const noexcept {
      return begin + static_cast<std::uint32_t>(frame->size());
    }
  };

  HoldResult insert(HeldList& list, std::uint32_t before, wire::TcpSequence begin,
                    ByteView text) noexcept;
  bool append(HeldList& list, std::uint32_t piece, ByteView text) noexcept;
  std::uint32_t last_at_or_before(const HeldList& list, wire::TcpSequence at) const noexcept;
  std::uint32_t take_piece() noexcept;
  void remove_first(HeldList& list) noexcept;

  FramePool& frames_;
  std::vector<Piece> slab_;
  std::uint32_t free_ = HeldList::kNone;
  std::size_t bytes_ = 0;
  std::size_t pieces_in_use_ = 0;
};

}  // namespace pontoon::stack::tcp
