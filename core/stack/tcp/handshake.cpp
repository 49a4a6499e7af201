#include "core/stack/tcp/handshake.h"

#include <algorithm>

#include "core/stack/tcp/receive_window.h"

namespace pontoon::stack::tcp {
namespace {

using wire::TcpSequence;

constexpr std::uint16_t kDefaultMss4 = 536;  // RFC 9293 3.7.1
constexpr std::uint16_t kDefaultMss6 = 1220;
constexpr std::uint8_t kMostScale = 14;  // RFC 7323 2.3
// Ahead of an earlier incarnation's numbers by more than a stray segment's window.
constexpr std::uint32_t kIncarnationStep = 1 << 20;

// What a failed connect means to the endpoint.
TcpRefusal refusal_for(SocketError error) noexcept {
  switch (error) {
    case SocketError::refused:
    case SocketError::reset:
      return TcpRefusal::refused;
    case SocketError::prohibited:
      return TcpRefusal::prohibited;
    case SocketError::network_unreachable:
    case SocketError::address_unavailable:
    case SocketError::unsupported:
      return TcpRefusal::network_unreachable;
    case SocketError::host_unreachable:
    case SocketError::message_too_big:
    case SocketError::other:
      return TcpRefusal::host_unreachable;
    case SocketError::timed_out:  // silence is what the endpoint would have met
    case SocketError::address_in_use:
    case SocketError::no_resources:
      return TcpRefusal::busy;
  }
  return TcpRefusal::refused;
}

}  // namespace

void Handshake::accept(const SocketAddress& endpoint, const SocketAddress& far, const Segment& syn,
                       std::optional<TcpSequence> after, Instant now) noexcept {
  if (core_.table.full(endpoint.ip)) {
    ++core_.counters.refused;
    core_.drops.count(DropReason::flow_limit);
    return;
  }
  if (core_.forwarder == nullptr) {
    refuse(endpoint, far, syn, TcpRefusal::refused, now);
    return;
  }
  auto opened = core_.forwarder->open({endpoint, far}, now);
  if (!opened) {
    refuse(endpoint, far, syn, opened.error(), now);
    return;
  }
  Flow& flow = *core_.table.insert(endpoint, far);
  flow.stream = std::move(*opened);
  flow.stream->set_handler(&flow);
  prepare(flow, after, now);
  take_syn(flow, syn);
  core_.work.add(flow);
}

void Handshake::prepare(Flow& flow, std::optional<TcpSequence> after, Instant now) noexcept {
  TcpSequence initial = core_.sequences.initial(flow.endpoint, flow.far, now);
  if (after && initial < *after + kIncarnationStep) initial = *after + kIncarnationStep;
  flow.timestamp_offset = core_.sequences.timestamp_offset(flow.endpoint, flow.far);
  flow.idle_since = now;
  flow.send.initial = flow.send.unacknowledged = flow.send.recover = initial;
  flow.send.next = initial + 1U;
  const std::uint32_t headers = flow.endpoint.ip.is_v4() ? 40 : 60;
  const std::uint32_t mtu = core_.output.mtu_to(flow.endpoint.ip);
  flow.receive.mss = static_cast<std::uint16_t>(
      std::max<std::uint32_t>(mtu - std::min(mtu, headers), limits::kTcpMinMss));
}

// What the endpoint's SYN says. An option counts when both sides have it; we offer all.
void Handshake::take_syn(Flow& flow, const Segment& syn) noexcept {
  const wire::TcpOptions& options = syn.options;
  flow.timestamps = options.timestamps.has_value();
  flow.receive.timestamp = flow.timestamps ? options.timestamps->value : 0;
  flow.sack = options.sack_permitted;
  flow.scaled = options.window_scale.has_value();
  flow.send.scale = flow.scaled ? std::min(*options.window_scale, kMostScale) : std::uint8_t{0};
  flow.receive.scale = flow.scaled ? kOurWindowScale : std::uint8_t{0};
  flow.receive.initial = syn.sequence;
  const std::int32_t offered = flow.receive.edge - flow.receive.next;
  flow.receive.next = syn.sequence + 1U;
  flow.receive.edge = flow.receive.next + static_cast<std::uint32_t>(std::max(offered, 0));
  flow.receive.furthest = flow.receive.edge;
  flow.receive.acknowledged = flow.receive.next;
  flow.send.window_sequence = syn.sequence;
  flow.send.window_acknowledgement = syn.flags.ack ? syn.acknowledgement : flow.send.initial;
  sender_.take_window(flow, syn);
  const bool v4 = flow.endpoint.ip.is_v4();
  sender_.start(flow, options.mss.value_or(v4 ? kDefaultMss4 : kDefaultMss6));
}

void Handshake::send_syn(Flow& flow, FlowState state, Instant now) noexcept {
  flow.state = state;
  flow.send.timed = flow.send.initial;
  flow.send.timed_at = now;
  writer_.synchronize(flow, now);
  flow.retransmit_at = now + flow.send.rtt.timeout();
}

bool Handshake::follow_connect(Flow& flow, Instant now) noexcept {
  switch (flow.stream->state()) {
    case Stream::State::connecting:
      return true;
    case Stream::State::open:
      send_syn(flow, FlowState::syn_received, now);
      return true;
    case Stream::State::failed:
      break;
  }
  Segment syn;
  syn.flags.syn = true;
  syn.sequence = flow.receive.initial;
  refuse(flow.endpoint, flow.far, syn, refusal_for(flow.stream->error()), now);
  core_.release(flow);
  return false;
}

void Handshake::refuse(const SocketAddress& endpoint, const SocketAddress& far, const Segment& syn,
                       TcpRefusal reason, Instant now) noexcept {
  ++core_.counters.refused;
  switch (reason) {
    case TcpRefusal::refused:
      core_.drops.count(DropReason::host_refused);
      writer_.reset_stray(endpoint, far, syn, now);
      break;
    case TcpRefusal::prohibited:
      core_.drops.count(DropReason::policy_denied);
      tell_unreachable({endpoint, far}, syn.sequence, Unreachable::prohibited, now);
      break;
    case TcpRefusal::host_unreachable:
      core_.drops.count(DropReason::host_refused);
      tell_unreachable({endpoint, far}, syn.sequence, Unreachable::host, now);
      break;
    case TcpRefusal::network_unreachable:
      core_.drops.count(DropReason::host_refused);
      tell_unreachable({endpoint, far}, syn.sequence, Unreachable::network, now);
      break;
    case TcpRefusal::busy:
      core_.drops.count(DropReason::host_refused);
      break;
  }
}

void Handshake::tell_unreachable(const FlowKey& key, TcpSequence sequence, Unreachable reason,
                                 Instant now) noexcept {
  IcmpErrorSpec error;
  error.reason = reason;
  error.quoted = IcmpErrorSpec::Quoted::tcp;
  error.flow = key;
  error.tcp_sequence = sequence.value;
  core_.output.send_icmp_error(error, now);
}

void Handshake::on_segment_while_held(Flow& flow, const Segment& segment, Instant now) noexcept {
  if (segment.flags.rst) {
    const TcpSequence expected = flow.receive.next;
    if (segment.sequence != expected && segment.sequence != flow.receive.initial) {
      core_.drops.count(DropReason::tcp_out_of_window);
      return;
    }
    ++core_.counters.reset;
    core_.abort(flow);
  } else if (segment.flags.ack) {
    core_.drops.count(DropReason::tcp_bad_ack);  // we have not said anything yet
    writer_.reset_stray(flow.endpoint, flow.far, segment, now);
  } else if (segment.flags.syn) {
    take_syn(flow, segment);  // again, or by an endpoint that started anew: the last one counts
  } else {
    core_.drops.count(DropReason::tcp_out_of_window);
  }
}

bool Handshake::open(const FlowKey& key, std::unique_ptr<Stream> stream,
                     std::optional<TcpSequence> after, Instant now) noexcept {
  Flow* flow = core_.table.insert(key.target, key.initiator);
  if (flow == nullptr) {
    ++core_.counters.refused;
    core_.drops.count(DropReason::flow_limit);
    stream->abort();
    return false;
  }
  flow->from_endpoint = false;
  flow->stream = std::move(stream);
  flow->stream->set_handler(flow);
  prepare(*flow, after, now);
  flow->timestamps = flow->sack = flow->scaled = true;
  send_syn(*flow, FlowState::syn_sent, now);
  core_.work.add(*flow);
  return true;
}

void Handshake::on_answer(Flow& flow, const Segment& segment, Instant now) noexcept {
  const bool acceptable = segment.flags.ack && segment.acknowledgement > flow.send.initial &&
                          segment.acknowledgement <= flow.send.next;
  if (segment.flags.ack && !acceptable) {
    core_.drops.count(DropReason::tcp_bad_ack);
    writer_.reset_stray(flow.endpoint, flow.far, segment, now);
    return;
  }
  if (segment.flags.rst) {
    if (acceptable) {
      refused(flow);
    } else {
      core_.drops.count(DropReason::tcp_bad_ack);
    }
    return;
  }
  if (!segment.flags.syn) {
    core_.drops.count(DropReason::tcp_out_of_window);
    return;
  }
  take_syn(flow, segment);
  if (acceptable) {
    establish(flow, segment, now);
    flow.receive.acknowledgement_due = true;
  } else {
    // RFC 9293 3.5, figure 8: both sides have opened; our SYN goes again, now with an ACK.
    send_syn(flow, FlowState::syn_received, now);
  }
}

void Handshake::establish(Flow& flow, const Segment& segment, Instant now) noexcept {
  core_.table.opened(flow);
  ++core_.counters.opened;
  flow.state = FlowState::established;
  flow.idle_since = now;
  flow.retransmit_at = kNever;
  SendSide& send = flow.send;
  send.unacknowledged = send.initial + 1U;
  send.retries = 0;
  if (send.timed_at != kNever) send.rtt.sample(now - send.timed_at);
  send.timed_at = kNever;
  sender_.take_window(flow, segment);
}

bool Handshake::on_timeout(Flow& flow, Instant now) noexcept {
  SendSide& send = flow.send;
  if (++send.retries > limits::kTcpSynRetries) {
    ++core_.counters.timed_out;
    core_.abort(flow);
    return false;
  }
  send.rtt.back_off();
  send.timed_at = kNever;
  ++core_.counters.retransmitted_segments;
  writer_.synchronize(flow, now);
  flow.retransmit_at = now + send.rtt.timeout();
  return true;
}

void Handshake::refused(Flow& flow) noexcept {
  ++core_.counters.refused;
  core_.abort(flow);
}

}  // namespace pontoon::stack::tcp
