// Theory of operation. A station's own sequence numbers stay as they are; its acknowledgements,
// SACK blocks and timestamp echoes speak of numbers that its captured peer chose, and move by the
// distance between that peer's first ones and ours. So for each connection two pairs of first
// numbers (sequence, clock) must be known:
//
//                     the station opened it              our side opened it (a published port)
//   the captured      SYN-ACK in the capture; else       SYN-ACK of the station: it acknowledges
//   peer's first      deduced from the first ACK         the captured SYN and echoes its clock
//   ours              the SYN-ACK that we send           the SYN that we send
//
// Connections that our side opens must be recognised, as our SYN may come from another port or
// address than the captured one did. It waits for the station's answer (SYN-ACK, or the RST that
// refuses, whose sequence number is zero: RFC 9293 3.10.7.1). An answer goes to the SYN from the
// very end that it names; else to the oldest one from the same address; else to the oldest. A SYN
// whose own ends stand in the capture waits for its own answer only. What the station says next to
// the captured end is sent on to ours.
//
// An answer that comes before our SYN finds nobody and passes unchanged: a case's [[tcp_client]]
// must dial no later than the captured one did. Between two captured stations each SYN is answered
// with its own number, and nothing changes.
//
// How much our side says may differ from what the captured peer said, and how it is cut always
// does. An acknowledgement never covers more than was sent. The station's last one of all covered
// all that its peer ever said, so it becomes one of all that ours said; the FIN is covered by the
// last one only, since a peer that has both FINs acknowledged forgets the connection, and would
// answer what the station says after that with a reset.
#include "lab/replay/adapt_tcp.h"

#include <algorithm>
#include <array>

namespace pontoon::lab {
namespace {

// RFC 9293 3.2, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3.
enum Option : std::uint8_t {
  kEnd = 0,
  kNothing = 1,
  kWindowScale = 3,
  kSackPermitted = 4,
  kSack = 5,
  kTimestamps = 8,
};
constexpr std::size_t kTimestampsLength = 10;

wire::TcpSequence moved(wire::TcpSequence sequence, std::uint32_t distance) noexcept {
  return {sequence.value + distance};
}

// Calls `visit(kind, offset, length)` for each option that is whole; offsets from the TCP header.
template <class Visit>
void for_each_option(const wire::TcpView& segment, const Visit& visit) {
  const ByteView bytes = segment.header();
  std::size_t at = wire::TcpView::kMinHeaderSize;
  while (at < bytes.size() && bytes[at] != kEnd) {
    if (bytes[at] == kNothing) {
      ++at;
      continue;
    }
    if (at + 1 >= bytes.size()) return;
    const std::size_t length = bytes[at + 1];
    if (length < 2 || length > bytes.size() - at) return;
    visit(bytes[at], at, length);
    at += length;
  }
}

// The far side's first word about a SYN: it takes it, or refuses.
bool answers_syn(const FrameSeen& seen) noexcept {
  return seen.flags.ack && (seen.flags.syn || (seen.flags.rst && seen.sequence == 0));
}

void advance(std::optional<wire::TcpSequence>& latest, wire::TcpSequence acknowledgement) {
  if (!latest || *latest < acknowledgement) latest = acknowledgement;
}

}  // namespace

void CapturedConnection::on_syn_ack(const wire::TcpView& segment) {
  if (initial) return;
  initial = segment.sequence();
  agreed = segment.options_parsed();
}

AdaptedConnection::AdaptedConnection(wire::TcpSequence station_initial, SocketAddress peer,
                                     const CapturedConnection& captured)
    : peer_(peer),
      station_initial_(station_initial),
      last_acknowledged_(captured.opener_acknowledged),
      their_initial_(captured.initial) {
  if (!captured.initial) return;
  agreed_ = captured.agreed;
  if (captured.agreed.timestamps) their_clock_ = captured.agreed.timestamps->value;
}

AdaptedConnection::AdaptedConnection(const DialledSyn& ours, wire::TcpSequence captured_initial,
                                     std::optional<wire::TcpSequence> last)
    : peer_(ours.peer),
      agreed_(ours.offered),
      last_acknowledged_(last),
      their_initial_(captured_initial),
      our_initial_(ours.initial),
      our_data_end_(moved(ours.initial, 1)),
      our_next_(our_data_end_) {
  if (ours.offered.timestamps) our_clock_ = our_latest_ = ours.offered.timestamps->value;
}

bool AdaptedConnection::opened_by_station(wire::TcpSequence initial) const noexcept {
  return station_initial_ == initial;
}

bool AdaptedConnection::opened_by_peer(wire::TcpSequence captured_initial) const noexcept {
  return !station_initial_ && their_initial_ == captured_initial;
}

// Takes out of the station's SYN or SYN-ACK what the captured peer had declined, so that the
// station goes on without it, or what our SYN did not offer, so that it must not answer it.
void AdaptedConnection::strip(PacketEdit& edit, const wire::TcpView& segment) const {
  if (!agreed_) return;
  const auto declined = [&](std::uint8_t kind) {
    return (kind == kWindowScale && !agreed_->window_scale) ||
           (kind == kSackPermitted && !agreed_->sack_permitted) ||
           (kind == kTimestamps && !agreed_->timestamps);
  };
  const std::size_t base = edit.transport();
  constexpr std::array<std::uint8_t, wire::TcpView::kMaxHeaderSize> kNothings = [] {
    std::array<std::uint8_t, wire::TcpView::kMaxHeaderSize> bytes{};
    bytes.fill(kNothing);
    return bytes;
  }();
  for_each_option(segment, [&](std::uint8_t kind, std::size_t at, std::size_t length) {
    if (declined(kind)) edit.set_bytes(base + at, ByteView(kNothings).first(length));
  });
}

// What our side has not said yet cannot be acknowledged (RFC 9293 3.10.7.4).
wire::TcpSequence AdaptedConnection::acknowledged(wire::TcpSequence theirs) const {
  const auto last = last_acknowledged_;
  if (last && *last <= theirs) return our_next_;
  // Of everything, but perhaps for the FIN.
  if (last && *last == moved(theirs, 1)) return our_data_end_;
  const wire::TcpSequence ours = moved(theirs, our_initial_->value - their_initial_->value);
  const wire::TcpSequence most = last ? our_data_end_ : our_next_;
  return most < ours ? most : ours;
}

void AdaptedConnection::redirect(PacketEdit& edit, const wire::TcpView& segment) const {
  constexpr std::size_t kTargetPort = 2;
  if (edit.target() != peer_.ip.v4()) edit.set_target(peer_.ip.v4());
  if (segment.destination_port() == peer_.port) return;
  std::uint8_t port[2];
  store_be(port, peer_.port);
  edit.set_bytes(edit.transport() + kTargetPort, port);
}

void AdaptedConnection::adapt(PacketEdit& edit, const wire::TcpView& segment) {
  // The captured SYN itself: another captured station sent it, whose words are the captured ones.
  if (!station_initial_ && our_initial_ == their_initial_) return;
  redirect(edit, segment);
  if (segment.flags().syn) strip(edit, segment);
  if (!segment.flags().ack || !our_initial_) return;
  // RFC 9293 3.5: the ACK that ends the handshake acknowledges the SYN and nothing else.
  if (!their_initial_) their_initial_ = moved(segment.acknowledgement(), ~std::uint32_t{0});
  const wire::TcpOptions options = segment.options_parsed();
  if (!their_clock_ && options.timestamps) their_clock_ = options.timestamps->echo;
  constexpr std::size_t kAcknowledgement = 8;
  adapt_options(edit, segment);
  edit.set_u32(edit.transport() + kAcknowledgement, acknowledged(segment.acknowledgement()).value);
}

void AdaptedConnection::adapt_options(PacketEdit& edit, const wire::TcpView& segment) const {
  const std::uint32_t distance = our_initial_->value - their_initial_->value;
  const std::size_t base = edit.transport();
  const ByteView header = segment.header();
  for_each_option(segment, [&](std::uint8_t kind, std::size_t at, std::size_t length) {
    if (kind == kSack) {
      for (std::size_t edge = at + 2; edge + 4 <= at + length; edge += 4) {
        edit.set_u32(base + edge, load_be<std::uint32_t>(&header[edge]) + distance);
      }
    } else if (kind == kTimestamps && length == kTimestampsLength && our_clock_ && their_clock_) {
      const auto echo = load_be<std::uint32_t>(&header[at + 6]);
      std::uint32_t ours = echo + (*our_clock_ - *their_clock_);
      // Their clock may have ticked faster than ours.
      if (wire::TcpSequence{our_latest_} < wire::TcpSequence{ours}) ours = our_latest_;
      edit.set_u32(base + at + 6, ours);
    }
  });
}

void AdaptedConnection::on_answer(const wire::TcpView& segment) {
  const wire::TcpFlags flags = segment.flags();
  const wire::TcpOptions options = segment.options_parsed();
  const wire::TcpSequence end = moved(segment.sequence(), segment.sequence_length());
  if (flags.syn && flags.ack) {
    our_initial_ = segment.sequence();
    our_data_end_ = our_next_ = end;
    if (options.timestamps) our_clock_ = our_latest_ = options.timestamps->value;
    return;
  }
  if (!our_initial_ || flags.rst) return;
  if (our_next_ < end) {
    our_next_ = end;
    our_data_end_ = flags.fin ? moved(end, ~std::uint32_t{0}) : end;
  }
  if (options.timestamps) our_latest_ = options.timestamps->value;
}

CapturedConnection* TcpAdapter::captured(const TcpEnds& opener_first, wire::TcpSequence initial) {
  const auto found = captured_.find({opener_first, initial.value});
  return found == captured_.end() ? nullptr : &found->second;
}

void TcpAdapter::learn(const FrameSeen& seen, const wire::TcpView& segment) {
  const TcpEnds forth{{seen.from, seen.source_port}, {seen.to, seen.target_port}};
  const TcpEnds back{forth.peer, forth.station};
  if (seen.flags.syn) {
    // A SYN-ACK tells of the SYN, where that was not captured.
    const TcpEnds& ends = seen.flags.ack ? back : forth;
    const std::uint32_t initial = seen.flags.ack ? seen.acknowledgement - 1 : seen.sequence;
    if (captured_.size() >= limits::kAdaptedFlows && !captured(ends, {initial})) return;
    latest_[ends] = initial;
    CapturedConnection& known = captured_[{ends, initial}];
    if (!seen.flags.ack) return;
    known.on_syn_ack(segment);
    return advance(known.answerer_acknowledged, segment.acknowledgement());
  }
  if (!seen.flags.ack) return;
  if (const auto opened = latest_.find(forth); opened != latest_.end()) {
    advance(captured(forth, {opened->second})->opener_acknowledged, segment.acknowledgement());
  } else if (const auto answered = latest_.find(back); answered != latest_.end()) {
    advance(captured(back, {answered->second})->answerer_acknowledged, segment.acknowledgement());
  }
}

AdaptedConnection* TcpAdapter::open(const TcpEnds& ends, const FrameSeen& seen) {
  AdaptedConnection* known = connections_.find(ends);
  const wire::TcpSequence initial{seen.sequence};
  if (known != nullptr && known->opened_by_station(initial)) return known;
  const CapturedConnection* found = captured({ends.station, {seen.to, seen.target_port}}, initial);
  const CapturedConnection nothing;
  return &connections_.put(ends, {initial, ends.peer, found != nullptr ? *found : nothing});
}

// Whose SYN a station's answer is for.
TcpAdapter::Dialled* TcpAdapter::waiting_for(const TcpEnds& ends) {
  Dialled* same = dialled_.find(ends);
  if (same != nullptr && !same->answered) return same;
  const auto* queue = waiting_.find(ends.station);
  if (queue == nullptr) return nullptr;
  Dialled* oldest = nullptr;
  for (const SocketAddress& peer : *queue) {
    Dialled* dialled = dialled_.find({ends.station, peer});
    const bool has_its_own = latest_.contains({peer, ends.station});
    if (dialled == nullptr || dialled->answered || has_its_own) continue;
    if (peer.ip == ends.peer.ip) return dialled;
    if (oldest == nullptr) oldest = dialled;
  }
  return oldest;
}

AdaptedConnection* TcpAdapter::accept(const TcpEnds& ends, const FrameSeen& seen) {
  const wire::TcpSequence initial{seen.acknowledgement - 1};
  AdaptedConnection* known = connections_.find(ends);
  if (known != nullptr && known->opened_by_peer(initial)) return known;
  Dialled* dialled = waiting_for(ends);
  if (dialled == nullptr) return known;
  dialled->answered = ends;
  const CapturedConnection* found = captured({{seen.to, seen.target_port}, ends.station}, initial);
  const auto last = found != nullptr ? found->answerer_acknowledged : std::nullopt;
  return &connections_.put(ends, {dialled->syn, initial, last});
}

void TcpAdapter::adapt(PacketEdit& edit, const FrameSeen& seen, const wire::TcpView& segment) {
  const TcpEnds ends{{seen.from, seen.source_port}, {edit.target(), seen.target_port}};
  AdaptedConnection* known = nullptr;
  if (seen.flags.syn && !seen.flags.ack) {
    known = open(ends, seen);
  } else if (answers_syn(seen)) {
    known = accept(ends, seen);
  } else {
    known = connections_.find(ends);
  }
  if (known != nullptr) known->adapt(edit, segment);
}

void TcpAdapter::on_sent(const FrameSeen& seen, const wire::TcpView& segment) {
  const SocketAddress station{seen.to, seen.target_port};
  const SocketAddress peer{seen.from, seen.source_port};
  Dialled* dialled = dialled_.find({station, peer});
  if (seen.flags.syn && !seen.flags.ack) {
    const bool again = dialled != nullptr && dialled->syn.initial == segment.sequence();
    if (again) return;
    dialled_.put({station, peer}, {{peer, segment.sequence(), segment.options_parsed()}, {}});
    std::deque<SocketAddress>* queue = waiting_.find(station);
    if (queue == nullptr) queue = &waiting_.put(station, {});
    constexpr std::size_t kWaiting = 64;
    if (queue->size() == kWaiting) queue->pop_front();
    queue->push_back(peer);
    return;
  }
  const bool accepted = dialled != nullptr && dialled->answered;
  AdaptedConnection* known = accepted ? connections_.find(*dialled->answered) : nullptr;
  if (known == nullptr || known->peer() != peer) known = connections_.find({station, peer});
  if (known != nullptr && known->peer() == peer) known->on_answer(segment);
}

}  // namespace pontoon::lab
