#include "core/stack/tcp/sender.h"

#include <algorithm>
#include <array>

namespace pontoon::stack::tcp {
namespace {

using wire::TcpSequence;

// Deviation: RFC 1191 allows an MTU of 68; nothing that needs less than this carries TCP today.
constexpr std::uint32_t kLeastMtu4 = 552;
constexpr std::uint32_t kLeastMtu6 = 1280;  // RFC 8200 5
constexpr std::uint32_t kTimestampBytes = 12;

std::uint32_t whole_segments(std::uint32_t count, std::uint32_t mss) noexcept {
  return count < mss ? count : count - count % mss;
}

std::uint32_t super_segment(std::uint32_t mss) noexcept {
  const std::size_t most =
      std::min(limits::kTcpSuperSegmentBytes, mss * limits::kTcpSuperSegmentPieces);
  return std::max(mss, whole_segments(static_cast<std::uint32_t>(most), mss));
}

}  // namespace

void Sender::start(Flow& flow, std::uint16_t their_mss) const noexcept {
  const std::uint32_t asked = std::max(their_mss, limits::kTcpMinMss);
  const std::uint32_t options = flow.timestamps ? kTimestampBytes : 0;
  flow.send.mss = std::min<std::uint32_t>(asked, flow.receive.mss) - options;
  flow.send.congestion.start(flow.send.mss);
}

void Sender::limit_packets(Flow& flow, std::uint32_t mtu) noexcept {
  const bool v4 = flow.endpoint.ip.is_v4();
  const std::uint32_t headers = (v4 ? 40U : 60U) + (flow.timestamps ? kTimestampBytes : 0U);
  const std::uint32_t mss = std::max(mtu, v4 ? kLeastMtu4 : kLeastMtu6) - headers;
  if (mss >= flow.send.mss) return;
  flow.send.mss = mss;
  flow.send.congestion.set_mss(mss);
  if (flow.in_flight() > 0) resend_everything(flow);
}

bool Sender::transmit(Flow& flow, Instant now) noexcept {
  Core::consume(flow);
  std::size_t used = retransmit_lost(flow, limits::kTcpTurnBytes, now);
  note_round(flow);
  if (next_lost(flow).empty()) used += send_new(flow, limits::kTcpTurnBytes - used, now);
  if (flow.in_flight() > 0 && flow.retransmit_at == kNever)
    flow.retransmit_at = now + flow.send.rtt.timeout();  // RFC 6298 5.1
  plan_loss_check(flow, now);
  return used >= limits::kTcpTurnBytes;
}

bool Sender::nothing_left(const Flow& flow) const noexcept {
  if (!flow.stream_failed) return false;
  return flow.send.broken ||
         (flow.in_flight() == 0 && (flow.send.drained || !sends_text(flow.state)));
}

// RFC 6675 4, SetPipe: in flight, less what the endpoint holds, less what is lost and not resent.
std::uint32_t Sender::in_network(const Flow& flow) const noexcept {
  const SendSide& send = flow.send;
  std::uint32_t gone = send.scoreboard.held_in({send.unacknowledged, send.next});
  if (send.recovery != Recovery::none) {
    const SequenceRange lost{wire::later(send.retransmit_next, send.unacknowledged),
                             send.lost_before};
    gone += lost.size() - std::min(lost.size(), send.scoreboard.held_in(lost));
  }
  // Without SACK each duplicate says that one segment has left the network.
  if (!flow.sack) gone += send.duplicates * send.mss;
  return flow.in_flight() - std::min(gone, flow.in_flight());
}

SequenceRange Sender::next_lost(const Flow& flow) const noexcept {
  const SendSide& send = flow.send;
  if (send.recovery == Recovery::none) return {send.next, send.next};
  // Not beyond the window, should it have shrunk; but one segment always, as a probe.
  const TcpSequence window_end = send.unacknowledged + std::max(send.window, send.mss);
  return send.scoreboard.first_hole({wire::later(send.retransmit_next, send.unacknowledged),
                                     wire::earlier(send.lost_before, window_end)});
}

std::size_t Sender::retransmit_lost(Flow& flow, std::size_t budget, Instant now) noexcept {
  SendSide& send = flow.send;
  std::size_t used = 0;
  while (used < budget) {
    const SequenceRange lost = next_lost(flow);
    if (lost.empty()) break;
    const std::uint32_t busy = in_network(flow);
    std::uint32_t room = send.congestion.bytes() - std::min(busy, send.congestion.bytes());
    if (send.retransmit_now) room = std::max(room, send.mss);
    if (room < std::min(send.mss, lost.size())) break;
    const Sent sent = retransmit(flow, lost, room, now);
    if (sent.outcome != Outcome::sent) break;
    used += sent.bytes;
    send.retransmit_next = lost.begin + sent.bytes;
    send.retransmit_now = false;
    send.timed_at = kNever;  // RFC 6298 3, Karn: what was sent twice gives no sample
    core_.counters.retransmitted_segments += (sent.bytes + send.mss - 1) / send.mss;
  }
  return used;
}

Sender::Sent Sender::retransmit(Flow& flow, SequenceRange lost, std::uint32_t room,
                                Instant now) noexcept {
  if (lost.begin == flow.text_end()) {
    writer_.finish(flow, lost.begin, now);
    return {Outcome::sent, 1};
  }
  const auto text = static_cast<std::uint32_t>(flow.text_end() - lost.begin);
  const std::uint32_t count = whole_segments(
      std::min({lost.size(), text, room, super_segment(flow.send.mss)}), flow.send.mss);
  const Sent sent = send_text(flow, lost.begin, count, now);
  if (sent.outcome != Outcome::sent && sent.outcome != Outcome::no_frame) {
    flow.stream_failed = true;
    flow.send.broken = true;
  }
  return sent;
}

std::size_t Sender::send_new(Flow& flow, std::size_t budget, Instant now) noexcept {
  SendSide& send = flow.send;
  if (flow.in_flight() == 0 && now - send.last_sent > send.rtt.timeout()) send.congestion.on_idle();
  std::size_t used = 0;
  bool waiting = false;
  while (used < budget && !waiting && !send.drained && sends_text(flow.state)) {
    const std::uint32_t count = allowance(flow);
    if (count == 0) {
      if (flow.in_flight() == 0) wait_for_window(flow, now);
      break;
    }
    const Sent sent = send_text(flow, send.next, count, now);
    switch (sent.outcome) {
      case Outcome::sent:
        on_new_text(flow, sent.bytes, now);
        used += sent.bytes;
        break;
      case Outcome::nothing:
        send.drained = true;
        break;
      case Outcome::ended:
        send_end(flow, now);
        break;
      case Outcome::failed:
        flow.stream_failed = true;
        send.drained = true;
        break;
      case Outcome::no_frame:
        waiting = true;
        break;
    }
  }
  send.congestion_limited = !send.drained && in_network(flow) + send.mss > send.congestion.bytes();
  return used;
}

// How much new text may go in one super-segment; 0: nothing now.
std::uint32_t Sender::allowance(const Flow& flow) const noexcept {
  const SendSide& send = flow.send;
  const std::uint32_t window = std::min(send.window, limits::kTcpFlightBytes);
  if (flow.in_flight() >= window) return 0;
  const std::uint32_t usable = window - flow.in_flight();
  const std::uint32_t busy = in_network(flow);
  if (busy + send.mss > send.congestion.bytes()) return 0;
  const std::uint32_t count =
      std::min({usable, send.congestion.bytes() - busy, super_segment(send.mss)});
  // RFC 9293 3.8.6.2.1: a piece that only the window made small waits, unless nothing else is on
  // its way or the window is never larger.
  if (count < send.mss && flow.in_flight() > 0 && count < send.most_window / 2) return 0;
  return whole_segments(count, send.mss);
}

// Reads from the host socket at the place that belongs to `begin`, without taking anything out.
Sender::Sent Sender::send_text(Flow& flow, TcpSequence begin, std::uint32_t count,
                               Instant now) noexcept {
  FrameRef frame = core_.frames.allocate(count);
  if (!frame) {
    core_.drops.count(DropReason::pool_exhausted);
    flow.room_poll_at = std::min(flow.room_poll_at, now + limits::kTcpRoomPoll);
    return {Outcome::no_frame, 0};
  }
  const MutableBytes room = frame->writable().first(count);
  const auto offset = static_cast<std::size_t>(begin - flow.send.unacknowledged);
  const IoResult result = flow.stream->peek(offset, std::span(&room, 1));
  switch (result.kind) {
    case IoResult::Kind::would_block:
      return {Outcome::nothing, 0};
    case IoResult::Kind::end:
      return {Outcome::ended, 0};
    case IoResult::Kind::failed:
      return {Outcome::failed, 0};
    case IoResult::Kind::done:
      break;
  }
  INVARIANT(result.bytes <= count);
  if (result.bytes == 0) return {Outcome::nothing, 0};
  frame->set_size(result.bytes);
  writer_.text(flow, begin, std::move(frame), now);
  return {Outcome::sent, static_cast<std::uint32_t>(result.bytes)};
}

void Sender::on_new_text(Flow& flow, std::uint32_t count, Instant now) const noexcept {
  SendSide& send = flow.send;
  if (!flow.timestamps && send.timed_at == kNever) {
    send.timed = send.next;
    send.timed_at = now;
  }
  send.next += count;
}

void Sender::send_end(Flow& flow, Instant now) noexcept {
  flow.send.drained = true;
  if (flow.stream_failed) return;  // a reset follows, not an end
  writer_.finish(flow, flow.send.next, now);
  flow.send.next += 1;
  flow.send.end_sent = true;
  flow.state = flow.state == FlowState::established ? FlowState::fin_wait_1 : FlowState::last_ack;
}

// The window is closed and nothing is in flight: unless the host is silent too, the endpoint must
// be asked from time to time (RFC 9293 3.8.6.1). An end needs no window that anybody would open.
void Sender::wait_for_window(Flow& flow, Instant now) noexcept {
  std::array<std::uint8_t, 1> octet;
  const MutableBytes room(octet);
  switch (flow.stream->peek(0, std::span(&room, 1)).kind) {
    case IoResult::Kind::done:
      if (flow.retransmit_at == kNever) flow.retransmit_at = now + flow.send.rtt.timeout();
      break;
    case IoResult::Kind::would_block:
      flow.send.drained = true;
      break;
    case IoResult::Kind::end:
      send_end(flow, now);
      break;
    case IoResult::Kind::failed:
      flow.stream_failed = true;
      flow.send.drained = true;
      break;
  }
}

}  // namespace pontoon::stack::tcp
