// What an endpoint says that it holds beyond its acknowledgement (RFC 2018, RFC 6675): at most
// kTcpSackRanges ranges, sorted and disjoint. A range for which there is no room is forgotten; that
// costs a needless retransmission, never correctness.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/base/limits.h"
#include "core/wire/sequence.h"

namespace pontoon::stack::tcp {

struct SequenceRange {
  wire::TcpSequence begin;
  wire::TcpSequence end;

  bool empty() const noexcept { return end <= begin; }
  std::uint32_t size() const noexcept {
    return empty() ? 0 : static_cast<std::uint32_t>(end - begin);
  }
  friend bool operator==(const SequenceRange&, const SequenceRange&) = default;
};

class SackScoreboard {
 public:
  // The caller has seen to it that the range lies within what is in flight. True when it was news.
  bool add(SequenceRange range) noexcept;
  // Everything before `sequence` is acknowledged.
  void acknowledge(wire::TcpSequence sequence) noexcept;
  // RFC 2018 8: the endpoint may have thrown it away; after a timeout nothing counts.
  void clear() noexcept { count_ = 0; }

  bool empty() const noexcept { return count_ == 0; }
  std::span<const SequenceRange> ranges() const noexcept {
    return std::span(ranges_).first(count_);
  }
  // How many bytes of `within` the endpoint holds.
  std::uint32_t held_in(SequenceRange within) const noexcept;
  // The first part of `within` that the endpoint does not hold; empty when there is none.
  SequenceRange first_hole(SequenceRange within) const noexcept;
  // RFC 6675 IsLost: what lies before this point and is not held has three segments' worth of held
  // bytes, or three ranges, behind it. `from` when nothing is lost.
  wire::TcpSequence lost_before(wire::TcpSequence from, std::uint32_t mss) const noexcept;
  // Where the highest range begins; `from` when there is none.
  wire::TcpSequence highest(wire::TcpSequence from) const noexcept {
    return count_ == 0 ? from : ranges_[count_ - 1].begin;
  }

 private:
  std::array<SequenceRange, limits::kTcpSackRanges> ranges_{};
  std::uint8_t count_ = 0;
};

}  // namespace pontoon::stack::tcp
