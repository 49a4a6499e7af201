#include "core/stack/tcp/input.h"

namespace pontoon::stack::tcp {
namespace {

using wire::TcpSequence;

// RFC 9293 3.10.7.4, first, with three allowances. What was sent while the window reached further
// is judged by that window, or the acknowledgements in it would be lost. An empty segment may stand
// at the right edge, where a sender that has filled the window stands. At a closed window, text
// that begins at RCV.NXT is a window probe: the host socket is asked whether it takes it after all.
bool acceptable(const ReceiveSide& receive, const Segment& segment) noexcept {
  const TcpSequence end = segment.sequence + segment.length();
  if (receive.furthest <= receive.next) return segment.sequence == receive.next;
  if (segment.length() == 0)
    return segment.sequence >= receive.next && segment.sequence <= receive.furthest;
  return segment.sequence < receive.furthest && end > receive.next;
}

bool older(std::uint32_t left, std::uint32_t right) noexcept {
  return static_cast<std::int32_t>(left - right) < 0;
}

}  // namespace

void Input::process(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (!check_sequence(flow, segment, now)) return;
  if (!check_reset(flow, segment, now)) return;
  if (!check_syn(flow, segment, now)) return;
  flow.idle_since = now;
  if (!process_ack(flow, segment, now)) return;
  process_text_and_fin(flow, segment, now);
}

bool Input::check_sequence(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (flow.state == FlowState::syn_received && segment.flags.syn &&
      segment.sequence == flow.receive.initial) {
    // RFC 9293 3.5, figure 8: with an ACK it is the other half of a simultaneous open.
    if (segment.flags.ack) return true;
    writer_.synchronize(flow, now);  // our answer was lost
    return false;
  }
  if (!check_timestamp(flow, segment, now)) return false;
  if (!acceptable(flow.receive, segment)) {
    core_.drops.count(DropReason::tcp_out_of_window);
    answer_unacceptable(flow, segment, now);
    return false;
  }
  // RFC 7323 4.3 (3): what is echoed is the timestamp of the segment that the ACK was for.
  if (flow.timestamps && segment.options.timestamps &&
      !older(segment.options.timestamps->value, flow.receive.timestamp) &&
      segment.sequence <= flow.receive.acknowledged)
    flow.receive.timestamp = segment.options.timestamps->value;
  return true;
}

// PAWS, RFC 7323 5.3. Resets are let through (5.2).
bool Input::check_timestamp(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (!flow.timestamps || segment.flags.rst) return true;
  if (!segment.options.timestamps) {  // RFC 7323 3.2: silently dropped
    core_.drops.count(DropReason::tcp_out_of_window);
    return false;
  }
  if (!older(segment.options.timestamps->value, flow.receive.timestamp)) return true;
  core_.drops.count(DropReason::tcp_out_of_window);
  answer_unacceptable(flow, segment, now);
  return false;
}

// What carries something was sent for a reason, which the ACK settles; so was an empty segment one
// octet before the window, a keep-alive or a window probe. Other empty ones are answered within the
// challenges' rate only: two confused ends must not keep each other busy.
void Input::answer_unacceptable(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (segment.flags.rst) return;
  if (flow.state == FlowState::time_wait && segment.flags.fin) flow.idle_since = now;
  const bool probe = segment.sequence == flow.receive.next - 1U;
  if (segment.text_end() <= flow.receive.next)
    flow.receive.repeated = {segment.text_begin(), segment.text_end()};
  if (segment.flags.syn || (segment.length() == 0 && !probe)) {
    writer_.challenge(flow, now);
  } else {
    writer_.acknowledge(flow, now);
  }
}

// RFC 5961 3.2: only the exact sequence number resets; anything near gets a challenge.
bool Input::check_reset(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (!segment.flags.rst) return true;
  if (segment.sequence != flow.receive.next) {
    core_.drops.count(DropReason::tcp_out_of_window);
    writer_.challenge(flow, now);
    return false;
  }
  ++core_.counters.reset;
  core_.abort(flow);
  return false;
}

// RFC 5961 4.2: in a synchronized state no SYN is believed.
bool Input::check_syn(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (!segment.flags.syn) return true;
  if (flow.state == FlowState::syn_received && segment.sequence == flow.receive.initial)
    return true;  // let through by check_sequence
  core_.drops.count(DropReason::tcp_out_of_window);
  writer_.challenge(flow, now);
  return false;
}

bool Input::process_ack(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (!segment.flags.ack) {
    core_.drops.count(DropReason::tcp_bad_ack);
    return false;
  }
  if (!check_ack(flow, segment, now)) return false;
  if (flow.state == FlowState::syn_received) handshake_.establish(flow, segment, now);
  if (flow.state == FlowState::time_wait) return true;
  sender_.on_acknowledgement(flow, segment, now);
  const bool our_end_acknowledged = flow.send.end_sent && flow.in_flight() == 0;
  return !our_end_acknowledged || after_our_end(flow, now);
}

bool Input::check_ack(Flow& flow, const Segment& segment, Instant now) noexcept {
  const SendSide& send = flow.send;
  if (flow.state == FlowState::syn_received) {
    if (segment.acknowledgement == send.next) return true;
    core_.drops.count(DropReason::tcp_bad_ack);
    writer_.reset_stray(flow.endpoint, flow.far, segment, now);
    return false;
  }
  // RFC 5961 5.2: neither of what was never sent nor of what is long past.
  const TcpSequence oldest = send.unacknowledged - send.most_window;
  if (segment.acknowledgement <= send.next && segment.acknowledgement >= oldest) return true;
  core_.drops.count(DropReason::tcp_bad_ack);
  writer_.challenge(flow, now);
  return false;
}

// False: that was the last thing to wait for.
bool Input::after_our_end(Flow& flow, Instant now) noexcept {
  switch (flow.state) {
    case FlowState::fin_wait_1:
      flow.state = FlowState::fin_wait_2;
      return true;
    case FlowState::closing:
      core_.enter_time_wait(flow, now);
      return true;
    case FlowState::last_ack:
      ++core_.counters.closed;
      core_.release(flow);
      return false;
    case FlowState::syn_held:
    case FlowState::syn_sent:
    case FlowState::syn_received:
    case FlowState::established:
    case FlowState::fin_wait_2:
    case FlowState::close_wait:
    case FlowState::time_wait:
      return true;
  }
  return true;
}

// The urgent pointer is ignored: urgent octets are text like any other (RFC 6093 allows no more).
void Input::process_text_and_fin(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (segment.length() == 0) return;
  receiver_.take(flow, segment, now);
}

}  // namespace pontoon::stack::tcp
