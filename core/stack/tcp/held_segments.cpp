#include "core/stack/tcp/held_segments.h"

#include <algorithm>
#include <cstring>

namespace pontoon::stack::tcp {

using wire::TcpSequence;

HoldResult HeldPool::hold(HeldList& list, TcpSequence begin, ByteView text) noexcept {
  // Walks from piece to piece: what is held stays as it came first, only gaps are filled.
  while (!text.empty()) {
    const std::uint32_t before = last_at_or_before(list, begin);
    if (before != HeldList::kNone && begin < slab_[before].end()) {
      const auto known = static_cast<std::size_t>(slab_[before].end() - begin);
      const std::size_t skip = std::min(known, text.size());
      begin += static_cast<std::uint32_t>(skip);
      text = text.subspan(skip);
      continue;
    }
    const std::uint32_t after = before == HeldList::kNone ? list.first : slab_[before].next;
    std::size_t gap = text.size();
    if (after != HeldList::kNone)
      gap = std::min(gap, static_cast<std::size_t>(slab_[after].begin - begin));
    const HoldResult result = insert(list, before, begin, text.first(gap));
    if (result != HoldResult::held) return result;
    begin += static_cast<std::uint32_t>(gap);
    text = text.subspan(gap);
  }
  return HoldResult::held;
}

HoldResult HeldPool::insert(HeldList& list, std::uint32_t before, TcpSequence begin,
                            ByteView text) noexcept {
  if (list.bytes + text.size() > limits::kTcpOutOfOrderBytes ||
      bytes_ + text.size() > limits::kTcpOutOfOrderTotalBytes)
    return HoldResult::full;
  if (before != HeldList::kNone && slab_[before].end() == begin && append(list, before, text))
    return HoldResult::held;
  if (list.pieces >= limits::kTcpOutOfOrderPiecesPerFlow ||
      pieces_in_use_ >= limits::kTcpOutOfOrderPieces)
    return HoldResult::full;
  FrameRef frame = frames_.allocate(text.size());
  if (!frame) return HoldResult::no_frame;
  const std::uint32_t index = take_piece();
  Piece& piece = slab_[index];
  piece.frame = std::move(frame);
  piece.begin = begin;
  std::uint32_t& link = before == HeldList::kNone ? list.first : slab_[before].next;
  piece.next = link;
  link = index;
  ++list.pieces;
  ++pieces_in_use_;
  (void)append(list, index, text);
  return HoldResult::held;
}

bool HeldPool::append(HeldList& list, std::uint32_t piece, ByteView text) noexcept {
  Frame& frame = *slab_[piece].frame;
  if (frame.tailroom() < text.size()) return false;
  std::memcpy(frame.append(text.size()).data(), text.data(), text.size());
  list.bytes += static_cast<std::uint32_t>(text.size());
  bytes_ += text.size();
  return true;
}

std::uint32_t HeldPool::last_at_or_before(const HeldList& list, TcpSequence at) const noexcept {
  std::uint32_t found = HeldList::kNone;
  for (std::uint32_t i = list.first; i != HeldList::kNone && slab_[i].begin <= at;
       i = slab_[i].next)
    found = i;
  return found;
}

std::uint32_t HeldPool::take_piece() noexcept {
  if (free_ == HeldList::kNone) {
    slab_.emplace_back();
    return static_cast<std::uint32_t>(slab_.size() - 1);
  }
  const std::uint32_t index = free_;
  free_ = slab_[index].next;
  return index;
}

void HeldPool::remove_first(HeldList& list) noexcept {
  const std::uint32_t index = list.first;
  Piece& piece = slab_[index];
  list.bytes -= static_cast<std::uint32_t>(piece.frame->size());
  bytes_ -= piece.frame->size();
  --list.pieces;
  --pieces_in_use_;
  piece.frame.reset();
  list.first = piece.next;
  piece.next = free_;
  free_ = index;
}

ByteView HeldPool::front(const HeldList& list, TcpSequence at) const noexcept {
  if (list.empty()) return {};
  const Piece& piece = slab_[list.first];
  if (at < piece.begin || piece.end() <= at) return {};
  return piece.frame->bytes().subspan(static_cast<std::size_t>(at - piece.begin));
}

void HeldPool::drop_before(HeldList& list, TcpSequence sequence) noexcept {
  while (!list.empty() && slab_[list.first].end() <= sequence)
    remove_first(list);
  if (list.empty() || sequence <= slab_[list.first].begin) return;
  Piece& piece = slab_[list.first];
  const auto gone = static_cast<std::uint32_t>(sequence - piece.begin);
  piece.frame->drop_front(gone);
  piece.begin = sequence;
  list.bytes -= gone;
  bytes_ -= gone;
}

void HeldPool::clear(HeldList& list) noexcept {
  while (!list.empty())
    remove_first(list);
}

std::size_t HeldPool::runs(const HeldList& list, std::span<SequenceRange> out) const noexcept {
  std::size_t count = 0;
  for (std::uint32_t i = list.first; i != HeldList::kNone; i = slab_[i].next) {
    if (count > 0 && out[count - 1].end == slab_[i].begin) {
      out[count - 1].end = slab_[i].end();
    } else if (count < out.size()) {
      out[count++] = {slab_[i].begin, slab_[i].end()};
    } else {
      break;
    }
  }
  return count;
}

SequenceRange HeldPool::run_around(const HeldList& list, TcpSequence inside) const noexcept {
  SequenceRange run{inside, inside};
  for (std::uint32_t i = list.first; i != HeldList::kNone; i = slab_[i].next) {
    const Piece& piece = slab_[i];
    const bool continues = piece.begin == run.end && !run.empty();
    if (!continues) {
      if (inside < run.end && run.begin <= inside) break;
      run.begin = piece.begin;
    }
    run.end = piece.end();
  }
  return run.begin <= inside && inside < run.end ? run : SequenceRange{inside, inside};
}

}  // namespace pontoon::stack::tcp
