#include "core/stack/tcp/sack_scoreboard.h"

#include <algorithm>

namespace pontoon::stack::tcp {

using wire::earlier;
using wire::later;

bool SackScoreboard::add(SequenceRange range) noexcept {
  if (range.empty() || held_in(range) == range.size()) return false;
  // Swallow every range that the new one touches, then put the union in its place.
  std::size_t kept = 0;
  std::size_t position = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (ranges_[i].end < range.begin) {
      ranges_[kept++] = ranges_[i];
      position = kept;
    } else if (range.end < ranges_[i].begin) {
      ranges_[kept++] = ranges_[i];
    } else {
      range = {earlier(range.begin, ranges_[i].begin), later(range.end, ranges_[i].end)};
    }
  }
  count_ = static_cast<std::uint8_t>(kept);
  if (count_ == ranges_.size()) return false;
  std::move_backward(ranges_.begin() + position, ranges_.begin() + count_,
                     ranges_.begin() + count_ + 1);
  ranges_[position] = range;
  ++count_;
  return true;
}

void SackScoreboard::acknowledge(wire::TcpSequence sequence) noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const SequenceRange rest{later(ranges_[i].begin, sequence), ranges_[i].end};
    if (!rest.empty()) ranges_[kept++] = rest;
  }
  count_ = static_cast<std::uint8_t>(kept);
}

std::uint32_t SackScoreboard::held_in(SequenceRange within) const noexcept {
  std::uint32_t sum = 0;
  for (const SequenceRange& range : ranges())
    sum += SequenceRange{later(range.begin, within.begin), earlier(range.end, within.end)}.size();
  return sum;
}

SequenceRange SackScoreboard::first_hole(SequenceRange within) const noexcept {
  for (const SequenceRange& range : ranges()) {
    if (within.empty()) break;
    if (range.end <= within.begin) continue;
    if (within.begin < range.begin) {
      within.end = earlier(within.end, range.begin);
      break;
    }
    within.begin = range.end;
  }
  return within.empty() ? SequenceRange{within.begin, within.begin} : within;
}

wire::TcpSequence SackScoreboard::lost_before(wire::TcpSequence from,
                                              std::uint32_t mss) const noexcept {
  constexpr std::uint32_t kDuplicateThreshold = 3;
  std::uint32_t bytes = 0;
  std::uint32_t seen = 0;
  for (std::size_t i = count_; i > 0; --i) {
    bytes += ranges_[i - 1].size();
    ++seen;
    if (seen >= kDuplicateThreshold || bytes > (kDuplicateThreshold - 1) * mss)
      return later(from, ranges_[i - 1].begin);
  }
  return from;
}

}  // namespace pontoon::stack::tcp
