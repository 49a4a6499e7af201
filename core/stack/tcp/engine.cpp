#include "core/stack/tcp/engine.h"

#include <algorithm>

#include "core/stack/tcp/input.h"

namespace pontoon::stack {

using tcp::Flow;
using tcp::FlowState;
using tcp::Segment;

// Puts the parts together: finds the flow of a segment, works off what became ready, and keeps each
// flow's one timer at its earliest deadline. Every event of a flow, whatever it was, ends in the
// work list, so that work_off() is the only place where a flow's turn is concluded.
class TcpEngine::Impl final : public tcp::FlowEvents {
 public:
  Impl(const StackContext& context, SegmentOutput& output, DropCounters& drops)
      : core(context, output, drops, *this) {}
  ~Impl();

  void on_segment(const SocketAddress& endpoint, const SocketAddress& far, const Segment& segment,
                  Instant now) noexcept;
  void on_icmp_error(Flow& flow, Unreachable reason, std::uint32_t mtu) noexcept;
  bool open(const FlowKey& key, std::unique_ptr<Stream> stream, Instant now) noexcept;
  void drop_endpoint(const IpAddress& endpoint) noexcept;
  void pump(Instant now) noexcept;
  std::vector<TcpFlowInfo> flows();

  tcp::Core core;

 private:
  void on_stream_ready(Flow& flow) noexcept override;
  void on_flow_timer(Flow& flow, Instant now) noexcept override;

  void on_stray(const SocketAddress& endpoint, const SocketAddress& far, const Segment& segment,
                Instant now) noexcept;
  bool starts_anew(const Flow& flow, const Segment& segment) const noexcept;
  void work_off(Flow& flow, Instant now) noexcept;
  bool translate(Flow& flow, Instant now) noexcept;
  bool run_timeouts(Flow& flow, Instant now) noexcept;
  bool expire(Flow& flow, Instant now) noexcept;
  void reset_both(Flow& flow, Instant now) noexcept;
  void arm_timer(Flow& flow) noexcept;

  tcp::SegmentWriter writer_{core};
  tcp::Sender sender_{core, writer_};
  tcp::Receiver receiver_{core, writer_};
  tcp::Handshake handshake_{core, writer_, sender_};
  tcp::Input input_{core, writer_, handshake_, sender_, receiver_};
};

namespace {

// When a flow that nobody moves is given up.
Instant idle_deadline(const Flow& flow) noexcept {
  switch (flow.state) {
    case FlowState::syn_held:
      return flow.idle_since + limits::kTcpConnectTimeout;
    case FlowState::syn_sent:
    case FlowState::syn_received:
    case FlowState::fin_wait_1:
    case FlowState::closing:
    case FlowState::last_ack:
      return flow.idle_since + limits::kTcpTransitoryIdle;
    case FlowState::established:
    case FlowState::fin_wait_2:  // half-closed is no transition: the other half may be in use
    case FlowState::close_wait:
      return flow.idle_since + limits::kTcpEstablishedIdle;
    case FlowState::time_wait:
      return flow.idle_since + limits::kTcpTimeWait;
  }
  return kNever;
}

}  // namespace

TcpEngine::Impl::~Impl() {
  core.table.for_each([this](Flow& flow) { core.release(flow); });
}

void TcpEngine::Impl::on_segment(const SocketAddress& endpoint, const SocketAddress& far,
                                 const Segment& segment, Instant now) noexcept {
  Flow* flow = core.table.find(endpoint, far);
  if (flow == nullptr) {
    on_stray(endpoint, far, segment, now);
    return;
  }
  if (starts_anew(*flow, segment)) {
    const wire::TcpSequence after = flow->send.next;
    ++core.counters.closed;
    core.release(*flow);
    handshake_.accept(endpoint, far, segment, after, now);
    return;
  }
  core.work.add(*flow);
  switch (flow->state) {
    case FlowState::syn_held:
      handshake_.on_segment_while_held(*flow, segment, now);
      break;
    case FlowState::syn_sent:
      handshake_.on_answer(*flow, segment, now);
      break;
    case FlowState::syn_received:
    case FlowState::established:
    case FlowState::fin_wait_1:
    case FlowState::fin_wait_2:
    case FlowState::close_wait:
    case FlowState::closing:
    case FlowState::last_ack:
    case FlowState::time_wait:
      input_.process(*flow, segment, now);
      break;
  }
}

void TcpEngine::Impl::on_stray(const SocketAddress& endpoint, const SocketAddress& far,
                               const Segment& segment, Instant now) noexcept {
  const wire::TcpFlags flags = segment.flags;
  if (flags.syn && flags.fin) {
    core.drops.count(DropReason::malformed_tcp);
  } else if (flags.syn && !flags.ack && !flags.rst) {
    handshake_.accept(endpoint, far, segment, std::nullopt, now);
  } else {
    core.drops.count(DropReason::tcp_no_flow);
    writer_.reset_stray(endpoint, far, segment, now);
  }
}

// RFC 9293 3.10.7.4 and RFC 6191: a SYN beyond everything that the old incarnation has sent, or
// with a later timestamp, ends TIME-WAIT.
bool TcpEngine::Impl::starts_anew(const Flow& flow, const Segment& segment) const noexcept {
  if (flow.state != FlowState::time_wait || !segment.flags.syn) return false;
  if (segment.flags.ack || segment.flags.rst || segment.flags.fin) return false;
  if (flow.timestamps && segment.options.timestamps &&
      static_cast<std::int32_t>(segment.options.timestamps->value - flow.receive.timestamp) > 0)
    return true;
  return segment.sequence > flow.receive.next;
}

void TcpEngine::Impl::on_icmp_error(Flow& flow, Unreachable reason, std::uint32_t mtu) noexcept {
  switch (reason) {
    case Unreachable::too_big:
      core.work.add(flow);
      if (!half_open(flow.state)) sender_.limit_packets(flow, mtu);
      return;
    case Unreachable::network:
    case Unreachable::host:
    case Unreachable::port:
    case Unreachable::prohibited:
      // RFC 5927 4.1: an established connection is not ended by what anybody can forge.
      if (flow.state == FlowState::syn_sent) handshake_.refused(flow);
      return;
    case Unreachable::time_exceeded:
      return;
  }
}

bool TcpEngine::Impl::open(const FlowKey& key, std::unique_ptr<Stream> stream,
                           Instant now) noexcept {
  std::optional<wire::TcpSequence> after;
  if (Flow* old = core.table.find(key.target, key.initiator)) {
    if (old->state != FlowState::time_wait) {
      ++core.counters.refused;
      stream->abort();
      return false;
    }
    after = old->send.next;
    ++core.counters.closed;
    core.release(*old);
  }
  return handshake_.open(key, std::move(stream), after, now);
}

void TcpEngine::Impl::drop_endpoint(const IpAddress& endpoint) noexcept {
  core.table.for_each([this, &endpoint](Flow& flow) {
    if (flow.endpoint.ip != endpoint) return;
    ++core.counters.reset;
    core.abort(flow);
  });
}

void TcpEngine::Impl::pump(Instant now) noexcept {
  // Flows that ask for another turn queue up behind the others.
  std::size_t left = std::min(core.work.size(), limits::kTurnFlows);
  for (; left > 0; --left) {
    Flow* flow = core.work.take();
    if (flow == nullptr) return;
    work_off(*flow, now);
  }
}

void TcpEngine::Impl::work_off(Flow& flow, Instant now) noexcept {
  switch (flow.state) {
    case FlowState::syn_held:
      if (!handshake_.follow_connect(flow, now)) return;
      break;
    case FlowState::syn_sent:
    case FlowState::syn_received:
      if (flow.stream->state() == Stream::State::failed) {
        ++core.counters.reset;
        reset_both(flow, now);
        return;
      }
      break;
    case FlowState::established:
    case FlowState::fin_wait_1:
    case FlowState::fin_wait_2:
    case FlowState::close_wait:
    case FlowState::closing:
    case FlowState::last_ack:
    case FlowState::time_wait:
      if (!translate(flow, now)) return;
      break;
  }
  arm_timer(flow);
}

// Moves bytes both ways. False: the flow has gone.
bool TcpEngine::Impl::translate(Flow& flow, Instant now) noexcept {
  if (flow.stream != nullptr) receiver_.deliver(flow, now);
  if (flow.stream != nullptr) {
    if (flow.stream->state() == Stream::State::failed) flow.stream_failed = true;
    if (sender_.transmit(flow, now)) core.work.add(flow);
    if (sender_.nothing_left(flow)) {
      ++core.counters.reset;
      reset_both(flow, now);
      return false;
    }
  }
  receiver_.conclude(flow, now);
  return true;
}

void TcpEngine::Impl::reset_both(Flow& flow, Instant now) noexcept {
  writer_.reset(flow, now);
  core.abort(flow);
}

void TcpEngine::Impl::on_stream_ready(Flow& flow) noexcept {
  flow.send.drained = false;
  core.work.add(flow);
}

void TcpEngine::Impl::on_flow_timer(Flow& flow, Instant now) noexcept {
  if (!run_timeouts(flow, now)) return;
  core.work.add(flow);
  arm_timer(flow);
}

// False: the flow has gone.
bool TcpEngine::Impl::run_timeouts(Flow& flow, Instant now) noexcept {
  if (flow.room_poll_at <= now) flow.room_poll_at = kNever;
  if (flow.loss_check_at <= now) sender_.on_loss_check(flow, now);
  if (flow.retransmit_at <= now) {
    if (half_open(flow.state)) {
      if (!handshake_.on_timeout(flow, now)) return false;
    } else if (!sender_.on_timeout(flow, now)) {
      ++core.counters.timed_out;
      reset_both(flow, now);
      return false;
    }
  }
  return idle_deadline(flow) > now || expire(flow, now);
}

// Always false: the flow has gone.
bool TcpEngine::Impl::expire(Flow& flow, Instant now) noexcept {
  if (flow.state == FlowState::time_wait) {
    ++core.counters.closed;
    core.release(flow);
    return false;
  }
  ++core.counters.timed_out;
  // A SYN that was never answered meets silence, as it would have outside.
  if (flow.state != FlowState::syn_held) writer_.reset(flow, now);
  core.abort(flow);
  return false;
}

// The timer only ever moves to an earlier deadline; when it fires too early it is set again. So a
// segment that pushes a deadline back costs nothing.
void TcpEngine::Impl::arm_timer(Flow& flow) noexcept {
  const Instant due =
      std::min({flow.retransmit_at, flow.loss_check_at, flow.room_poll_at, idle_deadline(flow)});
  if (!flow.timer.armed() || due < flow.timer.deadline()) core.timers.arm(flow.timer, due);
}

std::vector<TcpFlowInfo> TcpEngine::Impl::flows() {
  std::vector<TcpFlowInfo> all;
  all.reserve(core.table.size());
  core.table.for_each([&all](const Flow& flow) {
    all.push_back({flow.key(), tcp::to_string(flow.state), flow.from_endpoint, flow.receive.bytes,
                   flow.send.bytes});
  });
  return all;
}

TcpEngine::TcpEngine(const StackContext& context, SegmentOutput& output, DropCounters& drops)
    : impl_(std::make_unique<Impl>(context, output, drops)) {}

TcpEngine::~TcpEngine() = default;

void TcpEngine::set_forwarder(TcpForwarder* forwarder) noexcept {
  impl_->core.forwarder = forwarder;
}

void TcpEngine::on_segment(const IpAddress& source, const IpAddress& target,
                           const wire::TcpView& segment, Instant now) noexcept {
  const SocketAddress endpoint{source, segment.source_port()};
  const SocketAddress far{target, segment.destination_port()};
  if (endpoint.port == 0 || far.port == 0) {
    impl_->core.drops.count(DropReason::malformed_tcp);
    return;
  }
  impl_->on_segment(endpoint, far, Segment::from(segment), now);
}

void TcpEngine::on_icmp_error(const FlowKey& flow, Unreachable reason, std::uint32_t mtu,
                              Instant) noexcept {
  if (Flow* found = impl_->core.table.find(flow.target, flow.initiator))
    impl_->on_icmp_error(*found, reason, mtu);
}

bool TcpEngine::open(const FlowKey& flow, std::unique_ptr<Stream> stream, Instant now) noexcept {
  return impl_->open(flow, std::move(stream), now);
}

bool TcpEngine::has_flow(const FlowKey& flow) const noexcept {
  return impl_->core.table.find(flow.target, flow.initiator) != nullptr ||
         impl_->core.table.find(flow.initiator, flow.target) != nullptr;
}

void TcpEngine::drop_endpoint(const IpAddress& endpoint) noexcept {
  impl_->drop_endpoint(endpoint);
}

void TcpEngine::pump(Instant now) noexcept {
  impl_->pump(now);
}

bool TcpEngine::has_work() const noexcept {
  return !impl_->core.work.empty();
}

std::size_t TcpEngine::flow_count() const noexcept {
  return impl_->core.table.size();
}

std::vector<TcpFlowInfo> TcpEngine::flows() const {
  return impl_->flows();
}

const TcpCounters& TcpEngine::counters() const noexcept {
  return impl_->core.counters;
}

}  // namespace pontoon::stack
