#include "core/stack/gateway.h"

#include "core/stack/gateway_impl.h"

namespace pontoon::stack {

Gateway::Impl::Impl(const GatewayConfig& given, const StackContext& context)
    : config(given),
      addresses_(given.mac, given.ipv4, given.ipv6),
      input_(limits::kPortQueueFrames),
      output(addresses_, given.mtu, context, counters.drops, *this),
      icmp(addresses_, output, counters.drops),
      reassembly_(context.pool, context.timers, *this, counters.drops),
      tcp(context, *this, counters.drops) {
  INVARIANT(given.ipv4.address.is_v4() && (!given.ipv6 || !given.ipv6->address.is_v4()));
  watch_drops(counters.drops);
}

void Gateway::Impl::enqueue(FrameRef frame, Instant now) noexcept {
  if (input_.full()) {
    drop(DropReason::port_queue_full);
    if (drop_observer_ != nullptr) {
      drop_observer_->on_frame(drop_tag_, FrameEvent::dropped, frame, DropReason::port_queue_full,
                               now);
    }
    return;
  }
  ++counters.sent_frames;
  counters.sent_bytes += frame->size();
  input_.push(std::move(frame));
}

std::size_t Gateway::Impl::dequeue(std::span<FrameRef> out) noexcept {
  FrameRing& queue = output.queue();
  std::size_t count = 0;
  for (; count < out.size() && !queue.empty(); ++count) {
    out[count] = queue.pop();
    ++counters.received_frames;
    counters.received_bytes += out[count]->size();
  }
  return count;
}

void Gateway::Impl::run(Instant now) noexcept {
  if (drop_observer_ != nullptr) forget_earlier_drops();
  for (std::size_t left = input_.size(); left > 0; --left) {
    const FrameRef frame = input_.pop();
    on_frame(*frame, false, now);
    if (drop_observer_ != nullptr) report_drop(frame, now);
  }
}

void Gateway::Impl::set_drop_observer(FrameObserver* observer, std::uint32_t tag) noexcept {
  drop_observer_ = observer;
  drop_tag_ = tag;
}

void Gateway::Impl::watch_drops(const DropCounters& watched) {
  watched_.push_back({&watched, 0});
}

// What timers and pumps have dropped since the last run was of no frame at hand.
void Gateway::Impl::forget_earlier_drops() noexcept {
  for (Watched& watched : watched_)
    watched.seen = watched.drops->total();
}

// One frame, one report: that of the first counter that has grown.
void Gateway::Impl::report_drop(const FrameRef& frame, Instant now) noexcept {
  std::optional<DropReason> reason;
  for (Watched& watched : watched_) {
    const std::uint64_t total = watched.drops->total();
    if (total != watched.seen && !reason) reason = watched.drops->last();
    watched.seen = total;
  }
  if (reason) drop_observer_->on_frame(drop_tag_, FrameEvent::dropped, frame, reason, now);
}

bool Gateway::Impl::send_udp(const std::optional<MacAddress>& link, const SocketAddress& source,
                             const SocketAddress& target, ByteView payload, Instant now) noexcept {
  const Route route{source.ip, target.ip, link};
  return output.send_udp(route, source.port, target.port, payload, now);
}

bool Gateway::Impl::send_segment(const IpAddress& source, const IpAddress& target, FrameRef frame,
                                 std::uint16_t segment_size, Instant now) noexcept {
  return output.send_tcp(Route{source, target, std::nullopt}, std::move(frame), segment_size, now);
}

void Gateway::Impl::send_icmp_error(const IcmpErrorSpec& error, Instant now) noexcept {
  icmp.send_error(error, now);
}

std::uint16_t Gateway::Impl::mtu_to(const IpAddress&) const noexcept {
  return output.mtu();
}

Gateway::Gateway(const GatewayConfig& config, const StackContext& context)
    : impl_(std::make_unique<Impl>(config, context)) {}
Gateway::~Gateway() = default;

const GatewayConfig& Gateway::config() const noexcept {
  return impl_->config;
}
TcpEngine& Gateway::tcp() noexcept {
  return impl_->tcp;
}
void Gateway::bind_udp(std::uint16_t port, UdpHandler& handler, UdpReach reach) {
  impl_->bind_udp(port, handler, reach);
}
void Gateway::set_udp_forwarder(UdpHandler* handler) noexcept {
  impl_->udp_forwarder = handler;
}
void Gateway::set_echo_forwarder(EchoHandler* handler) noexcept {
  impl_->echo_forwarder = handler;
}

bool Gateway::send_udp(const SocketAddress& source, const SocketAddress& target, ByteView payload,
                       Instant now) noexcept {
  return impl_->send_udp(std::nullopt, source, target, payload, now);
}
bool Gateway::send_udp_to_link(const MacAddress& link, const SocketAddress& source,
                               const SocketAddress& target, ByteView payload,
                               Instant now) noexcept {
  return impl_->send_udp(link, source, target, payload, now);
}
bool Gateway::send_echo_reply(const EchoRequest& about, ByteView payload, Instant now) noexcept {
  return impl_->icmp.send_echo_reply(about, payload, now);
}
bool Gateway::send_icmp_error(const IcmpErrorSpec& error, Instant now) noexcept {
  return impl_->icmp.send_error(error, now);
}

void Gateway::learn_neighbour(const IpAddress& address, const MacAddress& mac, Instant now) {
  impl_->output.neighbours().learn(address, mac, now);
}
void Gateway::forget_neighbour(const IpAddress& address) noexcept {
  impl_->output.neighbours().forget(address);
}

void Gateway::run(Instant now) noexcept {
  impl_->run(now);
}
void Gateway::pump(Instant now) noexcept {
  impl_->tcp.pump(now);
}
bool Gateway::has_work() const noexcept {
  return impl_->has_input() || impl_->tcp.has_work();
}

void Gateway::set_drop_observer(FrameObserver* observer, std::uint32_t tag) noexcept {
  impl_->set_drop_observer(observer, tag);
}
void Gateway::watch_drops(const DropCounters& watched) {
  impl_->watch_drops(watched);
}

std::size_t Gateway::receive(std::span<FrameRef> out, Instant) noexcept {
  return impl_->dequeue(out);
}
void Gateway::send(FrameRef frame, Instant now) noexcept {
  impl_->enqueue(std::move(frame), now);
}
// The network runs the gateway once the whole batch is switched; nothing waits for a kernel here.
void Gateway::flush(Instant) noexcept {}
PortFeatures Gateway::features() const noexcept {
  PortFeatures features;
  features.checksum = features.tso4 = features.tso6 = features.uso = true;
  features.mtu = impl_->config.mtu;
  return features;
}
bool Gateway::open() const noexcept {
  return true;
}
const PortCounters& Gateway::counters() const noexcept {
  return impl_->counters;
}
void Gateway::set_ready_sink(ReadySink* sink) noexcept {
  impl_->output.set_ready_sink(sink);
}

}  // namespace pontoon::stack
