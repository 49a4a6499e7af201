#include "core/stack/tcp/receiver.h"

#include <algorithm>

#include "core/stack/tcp/receive_window.h"

namespace pontoon::stack::tcp {

using wire::TcpSequence;

void Receiver::take(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (!segment.payload.empty()) {
    if (!receives_text(flow.state) || flow.stream_failed) {
      core_.drops.count(DropReason::tcp_after_end);
    } else {
      take_text(flow, segment.text_begin(), segment.payload, now);
    }
  }
  if (segment.flags.fin && receives_text(flow.state)) {
    // May be ahead of text that is still missing: remembered, so that it need not come again.
    flow.receive.end_known = true;
    flow.receive.end = segment.text_end();
  }
  deliver(flow, now);
}

void Receiver::take_text(Flow& flow, TcpSequence begin, ByteView text, Instant now) noexcept {
  ReceiveSide& receive = flow.receive;
  if (begin < receive.next) {
    const auto known = static_cast<std::size_t>(receive.next - begin);
    receive.repeated = {
        begin, wire::earlier(begin + static_cast<std::uint32_t>(text.size()), receive.next)};
    text = text.subspan(std::min(known, text.size()));
    begin = receive.next;
    receive.acknowledgement_due = true;
    if (text.empty()) return;
  }
  if (begin != receive.next || has_backlog(flow)) {
    hold(flow, begin, text, now);
    return;
  }
  receive.acknowledgement_due = true;
  // Not cut at the window's edge: a window probe is one octet beyond it, and the host knows best.
  const std::size_t taken = write(flow, text);
  if (taken == text.size() || flow.stream_failed) return;
  if (!keep(flow, receive.next, text.subspan(taken))) withdraw_window(flow);
}

// Text waits although there is no hole before it: the host took less than its room had promised.
bool Receiver::has_backlog(const Flow& flow) const noexcept {
  return !core_.held.front(flow.receive.held, flow.receive.next).empty();
}

void Receiver::hold(Flow& flow, TcpSequence begin, ByteView text, Instant now) noexcept {
  ReceiveSide& receive = flow.receive;
  const SequenceRange backlog = core_.held.run_around(receive.held, receive.next);
  if (!backlog.empty() && begin <= backlog.end) {
    // Nothing was lost, so nothing is said until the host takes it; but an endpoint that repeats
    // itself is answered.
    const TcpSequence end = begin + static_cast<std::uint32_t>(text.size());
    if (end <= backlog.end) {
      receive.repeated = {begin, end};
      receive.acknowledgement_due = true;
    }
    if (keep(flow, begin, text)) return;
    receive.acknowledgement_due = true;
    withdraw_window(flow);
    return;
  }
  ++core_.counters.out_of_order_segments;
  if (keep(flow, begin, text)) receive.last_held = begin;
  // RFC 5681 4.2: a duplicate ACK at once, so that the endpoint can tell the loss.
  writer_.acknowledge(flow, now);
}

// False: not all of it, the rest must come again.
bool Receiver::keep(Flow& flow, TcpSequence begin, ByteView text) noexcept {
  const std::int32_t room = flow.receive.edge - begin;
  const std::size_t inside = std::min(text.size(), static_cast<std::size_t>(std::max(room, 0)));
  switch (core_.held.hold(flow.receive.held, begin, text.first(inside))) {
    case HoldResult::held:
      if (inside < text.size()) core_.drops.count(DropReason::tcp_host_full);
      return inside == text.size();
    case HoldResult::full:
      core_.drops.count(DropReason::tcp_out_of_order_full);
      return false;
    case HoldResult::no_frame:
      core_.drops.count(DropReason::pool_exhausted);
      return false;
  }
  return false;
}

std::size_t Receiver::write(Flow& flow, ByteView text) noexcept {
  const IoResult result = flow.stream->write(std::span(&text, 1));
  if (result.kind == IoResult::Kind::failed || result.kind == IoResult::Kind::end) {
    flow.stream_failed = true;
    flow.send.drained = false;  // what the host had still said is asked for once more
    return 0;
  }
  const std::size_t taken = result.kind == IoResult::Kind::done ? result.bytes : 0;
  INVARIANT(taken <= text.size());
  flow.receive.next += static_cast<std::uint32_t>(taken);
  flow.receive.bytes += taken;
  return taken;
}

void Receiver::deliver(Flow& flow, Instant now) noexcept {
  ReceiveSide& receive = flow.receive;
  if (!receives_text(flow.state) || flow.stream_failed) return;
  while (!receive.held.empty()) {
    const ByteView text = core_.held.front(receive.held, receive.next);
    if (text.empty()) break;
    const std::size_t taken = write(flow, text);
    if (taken > 0) receive.acknowledgement_due = true;
    core_.held.drop_before(receive.held, receive.next);
    if (taken < text.size()) return;
  }
  core_.held.drop_before(receive.held, receive.next);
  if (receive.end_known && receive.next == receive.end) take_end(flow, now);
}

// RFC 9293 3.10.7.4, eighth: the FIN is in order, everything before it is with the host.
void Receiver::take_end(Flow& flow, Instant now) noexcept {
  core_.held.clear(flow.receive.held);
  flow.receive.next += 1;
  flow.room_poll_at = kNever;
  flow.stream->shutdown_write();
  switch (flow.state) {
    case FlowState::established:
      flow.state = FlowState::close_wait;
      break;
    case FlowState::fin_wait_1:
      flow.state = FlowState::closing;
      break;
    case FlowState::fin_wait_2:
      core_.enter_time_wait(flow, now);
      break;
    case FlowState::syn_held:
    case FlowState::syn_sent:
    case FlowState::syn_received:
    case FlowState::close_wait:
    case FlowState::closing:
    case FlowState::last_ack:
    case FlowState::time_wait:
      break;
  }
  writer_.acknowledge(flow, now);
}

void Receiver::conclude(Flow& flow, Instant now) noexcept {
  const bool news = flow.receive.acknowledgement_due || !flow.receive.repeated.empty();
  if (news || window_update_due(flow)) writer_.acknowledge(flow, now);
  if (!window_nearly_closed(flow) && !has_backlog(flow)) {
    flow.room_polls = 0;
    return;
  }
  // A stream tells of room only after a write that had to wait, and a closed window brings none.
  if (flow.room_poll_at != kNever) return;
  flow.room_poll_at = now + limits::kTcpRoomPoll * (std::int64_t{1} << flow.room_polls);
  if (flow.room_polls < limits::kTcpRoomPollDoublings) ++flow.room_polls;
}

}  // namespace pontoon::stack::tcp
