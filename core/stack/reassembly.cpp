#include "core/stack/reassembly.h"

#include <algorithm>
#include <cstring>

#include "core/wire/checksum.h"

namespace pontoon::stack {
namespace {

constexpr std::size_t kMaxPacket = 65535;
constexpr std::size_t kMinIpv4Header = 20;

// RFC 791: all pieces but the last are multiples of 8 bytes; none is empty, and none reaches beyond
// what a packet can hold.
bool well_formed(const Fragment& fragment) noexcept {
  if (fragment.data.empty() || fragment.offset % 8 != 0) return false;
  if (fragment.more && fragment.data.size() % 8 != 0) return false;
  const std::size_t header = fragment.key.source.is_v4() ? kMinIpv4Header : 0;
  return header + fragment.offset + fragment.data.size() <= kMaxPacket;
}

void rewrite_ipv4(MutableBytes header, std::size_t payload) noexcept {
  store_be(header.data() + 2, static_cast<std::uint16_t>(header.size() + payload));
  store_be(header.data() + 6, std::uint16_t{0});
  store_be(header.data() + 10, std::uint16_t{0});
  wire::Checksum sum;
  sum.add(header);
  store_be(header.data() + 10, sum.value());
}

void rewrite_ipv6(MutableBytes header, std::size_t payload, std::uint8_t protocol) noexcept {
  store_be(header.data() + 4, static_cast<std::uint16_t>(payload));
  header[6] = protocol;
}

}  // namespace

Reassembly::Reassembly(FramePool& pool, TimerQueue& timers, ReassemblyOutput& output,
                       DropCounters& drops)
    : pool_(pool),
      timers_(timers),
      output_(output),
      drops_(drops),
      datagrams_(std::make_unique<std::array<Datagram, limits::kReassemblies>>()) {}

FrameRef Reassembly::add(const Fragment& fragment, Instant now) noexcept {
  Datagram* datagram = find(fragment.key);
  if (datagram != nullptr && datagram->state == State::dead) {
    drops_.count(datagram->death);
    return {};
  }
  if (!well_formed(fragment)) {
    drops_.count(DropReason::fragment_malformed);
    return {};
  }
  if (datagram == nullptr) datagram = begin(fragment, now);
  if (datagram == nullptr) return {};

  std::size_t position = 0;
  switch (fit(*datagram, fragment, position)) {
    case Fit::duplicate:
      drops_.count(DropReason::fragment_duplicate);
      return {};
    case Fit::overlaps:
      kill(*datagram, DropReason::fragment_overlap);
      return {};
    case Fit::fits:
      break;
  }
  if (datagram->range_count == datagram->ranges.size()) {
    kill(*datagram, DropReason::fragment_limit);
    return {};
  }
  if (!accept_end(*datagram, fragment)) {
    kill(*datagram, DropReason::fragment_malformed);
    return {};
  }
  place(*datagram, fragment, position);
  if (!datagram->ended || datagram->received != datagram->length) return {};
  if (datagram->key.source.is_v4() && datagram->ip_header_size + datagram->length > kMaxPacket) {
    --datagram->range_count;  // kill() counts the piece at hand by itself
    kill(*datagram, DropReason::fragment_malformed);
    return {};
  }
  FrameRef whole = finish(*datagram, datagram->length);
  release(*datagram);
  arm();
  return whole;
}

std::size_t Reassembly::size() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(datagrams_->begin(), datagrams_->end(),
                    [](const Datagram& one) { return one.state != State::unused; }));
}

Reassembly::Datagram* Reassembly::find(const DatagramKey& key) noexcept {
  for (Datagram& one : *datagrams_)
    if (one.state != State::unused && one.key == key) return &one;
  return nullptr;
}

Reassembly::Datagram* Reassembly::begin(const Fragment& fragment, Instant now) noexcept {
  FrameRef frame = pool_.allocate(kMaxPacket);
  if (!frame) {
    drops_.count(DropReason::pool_exhausted);
    return nullptr;
  }
  Datagram& fresh = make_room(fragment.key.source);
  fresh.state = State::collecting;
  fresh.key = fragment.key;
  fresh.deadline = now + limits::kReassemblyTimeout;
  fresh.order = next_order_++;
  fresh.frame = std::move(frame);
  arm();
  return &fresh;
}

Reassembly::Datagram& Reassembly::make_room(const IpAddress& source) noexcept {
  Datagram* unused = nullptr;
  Datagram* oldest = nullptr;
  Datagram* oldest_of_source = nullptr;
  std::size_t of_source = 0;
  const auto keep_older = [](Datagram*& kept, Datagram& one) {
    if (kept == nullptr || one.order < kept->order) kept = &one;
  };
  for (Datagram& one : *datagrams_) {
    if (one.state == State::unused) {
      unused = &one;
      continue;
    }
    keep_older(oldest, one);
    if (one.key.source != source) continue;
    keep_older(oldest_of_source, one);
    ++of_source;
  }
  Datagram* chosen = unused != nullptr ? unused : oldest;
  if (of_source >= limits::kReassembliesPerSource) chosen = oldest_of_source;
  INVARIANT(chosen != nullptr);  // a full table has an oldest one
  // A dead one has been counted already and holds no pieces.
  drops_.count(DropReason::fragment_limit, chosen->range_count);
  release(*chosen);
  return *chosen;
}

Reassembly::Fit Reassembly::fit(const Datagram& datagram, const Fragment& fragment,
                                std::size_t& position) noexcept {
  const auto begin = datagram.ranges.begin();
  const auto end = begin + datagram.range_count;
  const auto begin_of_piece = fragment.offset;
  const auto end_of_piece = fragment.offset + static_cast<std::uint32_t>(fragment.data.size());
  const auto next =
      std::lower_bound(begin, end, begin_of_piece,
                       [](const Range& range, std::uint32_t at) { return range.end <= at; });
  position = static_cast<std::size_t>(next - begin);
  if (next == end || next->begin >= end_of_piece) return Fit::fits;
  const bool same_place = next->begin == begin_of_piece && next->end == end_of_piece;
  // RFC 8200 4.5: an exact duplicate may be dropped alone. The bytes count too, and so does the
  // mark of the last piece.
  const bool same_end = (datagram.ended && datagram.length == end_of_piece) == !fragment.more;
  if (!same_place || !same_end) return Fit::overlaps;
  const ByteView held = datagram.frame->writable().subspan(begin_of_piece, fragment.data.size());
  return std::equal(held.begin(), held.end(), fragment.data.begin()) ? Fit::duplicate
                                                                     : Fit::overlaps;
}

// One end only, and nothing behind it.
bool Reassembly::accept_end(Datagram& datagram, const Fragment& fragment) noexcept {
  const auto end = fragment.offset + static_cast<std::uint32_t>(fragment.data.size());
  if (fragment.more) return !datagram.ended || end < datagram.length;
  if (datagram.ended) return false;
  if (datagram.range_count > 0 && datagram.ranges[datagram.range_count - 1U].end > end)
    return false;
  datagram.ended = true;
  datagram.length = end;
  return true;
}

void Reassembly::place(Datagram& datagram, const Fragment& fragment,
                       std::size_t position) noexcept {
  const auto size = static_cast<std::uint32_t>(fragment.data.size());
  const auto at = datagram.ranges.begin() + static_cast<std::ptrdiff_t>(position);
  const auto end = datagram.ranges.begin() + datagram.range_count;
  std::copy_backward(at, end, end + 1);
  *at = {fragment.offset, fragment.offset + size};
  ++datagram.range_count;
  datagram.received += size;
  std::memcpy(datagram.frame->writable().data() + fragment.offset, fragment.data.data(), size);
  if (fragment.offset == 0) keep_headers(datagram, fragment);
}

void Reassembly::keep_headers(Datagram& datagram, const Fragment& fragment) noexcept {
  INVARIANT(fragment.link_header.size() <= kMaxLinkHeader);
  INVARIANT(fragment.ip_header.size() <= kMaxIpHeader);
  std::copy(fragment.link_header.begin(), fragment.link_header.end(), datagram.link_header.begin());
  std::copy(fragment.ip_header.begin(), fragment.ip_header.end(), datagram.ip_header.begin());
  datagram.link_header_size = static_cast<std::uint8_t>(fragment.link_header.size());
  datagram.ip_header_size = static_cast<std::uint8_t>(fragment.ip_header.size());
  datagram.protocol = fragment.protocol;
}

FrameRef Reassembly::finish(Datagram& datagram, std::uint32_t payload) noexcept {
  FrameRef frame = std::move(datagram.frame);
  frame->set_size(payload);
  const MutableBytes ip = frame->prepend(datagram.ip_header_size);
  std::copy_n(datagram.ip_header.begin(), ip.size(), ip.begin());
  if (datagram.key.source.is_v4()) {
    rewrite_ipv4(ip, payload);
  } else {
    rewrite_ipv6(ip, payload, datagram.protocol);
  }
  const MutableBytes link = frame->prepend(datagram.link_header_size);
  std::copy_n(datagram.link_header.begin(), link.size(), link.begin());
  return frame;
}

// Counts the pieces that are held and the one that brought it down.
void Reassembly::kill(Datagram& datagram, DropReason reason) noexcept {
  drops_.count(reason, datagram.range_count + 1U);
  datagram.state = State::dead;
  datagram.death = reason;
  datagram.range_count = 0;
  datagram.frame.reset();
}

void Reassembly::release(Datagram& datagram) noexcept {
  datagram.state = State::unused;
  datagram.frame.reset();
  datagram.received = 0;
  datagram.length = 0;
  datagram.ended = false;
  datagram.range_count = 0;
  datagram.ip_header_size = 0;
}

void Reassembly::on_timer(Instant now) noexcept {
  for (Datagram& one : *datagrams_) {
    if (one.state == State::unused || one.deadline > now) continue;
    drops_.count(DropReason::fragment_timeout, one.range_count);
    FrameRef first;
    if (one.state == State::collecting && one.ip_header_size > 0) {
      first = finish(one, one.ranges[0].end);
    }
    release(one);
    if (first) output_.on_reassembly_timeout(std::move(first), now);
  }
  arm();
}

void Reassembly::arm() noexcept {
  Instant earliest = kNever;
  for (const Datagram& one : *datagrams_)
    if (one.state != State::unused) earliest = std::min(earliest, one.deadline);
  timers_.arm(timer_, earliest);
}

}  // namespace pontoon::stack
