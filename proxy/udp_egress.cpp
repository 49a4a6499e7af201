#include "proxy/udp_egress.h"

#include <algorithm>

#include "proxy/host_errors.h"

namespace pontoon::proxy {
namespace {

constexpr std::uint16_t kDnsPort = 53;

// The addresses that may answer, bounded: when full, the one that was added first makes room.
class Peers {
 public:
  bool contains(const IpAddress& address) const noexcept {
    return std::find(addresses_.begin(), addresses_.end(), address) != addresses_.end();
  }
  void add(const IpAddress& address) {
    if (contains(address)) return;
    if (addresses_.size() < limits::kUdpPeersPerFlow) {
      addresses_.push_back(address);
      return;
    }
    addresses_[next_] = address;
    next_ = (next_ + 1) % addresses_.size();
  }

 private:
  std::vector<IpAddress> addresses_;
  std::size_t next_ = 0;
};

SocketAddress any_of_family(const IpAddress& address) noexcept {
  return {address.is_v4() ? IpAddress(Ipv4Address::any()) : IpAddress(Ipv6Address::any()), 0};
}

}  // namespace

struct UdpEgress::Flow final : DatagramHandler {
  Flow(const SocketAddress& endpoint, UdpEgress& egress, std::unique_ptr<Datagram> opened,
       Instant now) noexcept
      : key(endpoint),
        owner(endpoint.ip),
        parent(egress),
        socket(std::move(opened)),
        created(now),
        last_used(now) {
    socket->set_handler(this);
  }

  void on_ready() noexcept override {
    if (!ready.linked()) parent.ready_.push_back(ready);
  }
  // The deadline moves with every datagram, the timer only when it fires.
  void on_timer(Instant now) {
    if (now < expires) {
      parent.timers_.arm(idle, expires);
    } else {
      parent.flows_.erase(*this);  // `this` is gone
    }
  }

  const SocketAddress key;
  const IpAddress owner;
  UdpEgress& parent;
  std::unique_ptr<Datagram> socket;
  ListHook<Flow> age{*this};
  ListHook<Flow> ready{*this};
  Timer idle = Timer::bind<&Flow::on_timer>(*this);
  Instant created;
  Instant last_used;
  Instant expires{};
  bool dns_only = true;
  SocketAddress last_target;  // as the endpoint calls it
  Peers peers;
  std::uint64_t bytes_to_host = 0;
  std::uint64_t bytes_to_endpoint = 0;
};

UdpEgress::UdpEgress(HostNetwork& host, EndpointSide& inside, TimerQueue& timers,
                     const Policy& policy, DatagramBatch& batch, DropCounters& drops) noexcept
    : host_(host),
      inside_(inside),
      timers_(timers),
      policy_(policy),
      batch_(batch),
      drops_(drops),
      flows_(limits::kUdpFlows, limits::kUdpFlowsPerEndpoint) {}

UdpEgress::~UdpEgress() = default;

void UdpEgress::forward(const stack::UdpDatagram& datagram, const IpAddress& host_target,
                        Instant now) noexcept {
  Flow* flow = find_or_open(datagram, now);
  if (flow == nullptr) return;
  refresh(*flow, datagram.target, now);
  flow->peers.add(host_target);
  send_train(*flow, datagram, {host_target, datagram.target.port}, now);
}

UdpEgress::Flow* UdpEgress::find_or_open(const stack::UdpDatagram& datagram, Instant now) noexcept {
  if (Flow* flow = flows_.find(datagram.source)) return flow;
  const IpAddress& owner = datagram.source.ip;
  flows_.make_room(owner);
  const SocketAddress local = any_of_family(datagram.source.ip);
  auto socket = host_.open_datagram(local);
  // Out of descriptors: whoever has the most flows pays, so that a hoard costs a quiet endpoint
  // nothing.
  if (!socket && socket.error() == SocketError::no_resources && flows_.evict_for(owner)) {
    socket = host_.open_datagram(local);
  }
  if (!socket) {
    refuse(datagram, socket.error(), now);
    return nullptr;
  }
  return &flows_.insert(datagram.source, *this, std::move(*socket), now);
}

void UdpEgress::refresh(Flow& flow, const SocketAddress& target, Instant now) noexcept {
  flow.dns_only = flow.dns_only && target.port == kDnsPort;
  flow.last_target = target;
  flow.last_used = now;
  flow.expires = now + (flow.dns_only ? limits::kUdpDnsIdle : limits::kUdpIdle);
  if (!flow.idle.armed()) timers_.arm(flow.idle, flow.expires);
  flows_.touch(flow);
}

void UdpEgress::send_train(Flow& flow, const stack::UdpDatagram& datagram,
                           const SocketAddress& host_target, Instant now) noexcept {
  ByteView rest = datagram.payload;
  if (datagram.segment_size == 0 || rest.size() <= datagram.segment_size) {
    send_one(flow, datagram, host_target, rest, now);
    return;
  }
  for (std::size_t sent = 0; !rest.empty() && sent < limits::kUdpTrainSegments; ++sent) {
    const ByteView segment = rest.first(std::min<std::size_t>(datagram.segment_size, rest.size()));
    send_one(flow, datagram, host_target, segment, now);
    rest = rest.subspan(segment.size());
  }
  if (!rest.empty()) drops_.count(DropReason::malformed_udp);
}

void UdpEgress::send_one(Flow& flow, const stack::UdpDatagram& datagram,
                         const SocketAddress& host_target, ByteView payload, Instant now) noexcept {
  IoResult sent = flow.socket->send(host_target, payload);
  // The kernel reports an earlier datagram's ICMP error instead of sending this one. What is too
  // big stays too big; the error queue says how much would have fitted.
  if (sent.kind == IoResult::Kind::failed && report_errors(flow, now) > 0 &&
      sent.error != SocketError::message_too_big) {
    sent = flow.socket->send(host_target, payload);
  }
  if (sent.kind == IoResult::Kind::done) {
    flow.bytes_to_host += payload.size();
  } else if (sent.kind == IoResult::Kind::failed) {
    refuse(datagram, sent.error, now);
  } else {
    drops_.count(DropReason::host_refused);
  }
}

std::size_t UdpEgress::report_errors(Flow& flow, Instant now) noexcept {
  std::size_t taken = 0;
  for (; taken < limits::kSocketErrorBatch; ++taken) {
    const auto error = flow.socket->take_error();
    if (!error) break;
    stack::IcmpErrorSpec spec;
    spec.quoted = stack::IcmpErrorSpec::Quoted::udp;
    spec.flow = {flow.key, {policy_.inside_name(error->target.ip), error->target.port}};
    if (describe(*error, spec)) inside_.send_icmp_error(spec, now);
  }
  return taken;
}

void UdpEgress::refuse(const stack::UdpDatagram& datagram, SocketError error,
                       Instant now) noexcept {
  drops_.count(DropReason::host_refused);
  stack::IcmpErrorSpec spec;
  spec.quoted = stack::IcmpErrorSpec::Quoted::udp;
  spec.flow = {datagram.source, datagram.target};
  spec.payload = datagram.payload;
  DatagramError refusal;
  refusal.target = datagram.target;
  refusal.error = error;
  if (describe(refusal, spec)) inside_.send_icmp_error(spec, now);
}

void UdpEgress::pump(Instant now) noexcept {
  // Flows that stay ready go to the end and wait for the next turn.
  const std::size_t visits = std::min(ready_.size(), limits::kTurnFlows);
  for (std::size_t i = 0; i < visits; ++i) {
    Flow* flow = ready_.pop_front();
    const bool more_errors = report_errors(*flow, now) == limits::kSocketErrorBatch;
    const bool more_datagrams = receive(*flow, now);
    if (more_errors || more_datagrams) flow->on_ready();
  }
}

// True when there may be more.
bool UdpEgress::receive(Flow& flow, Instant now) noexcept {
  const auto slots = batch_.slots();
  const std::size_t count = flow.socket->receive(slots);
  for (const DatagramSlot& slot : slots.first(count)) {
    if (!flow.peers.contains(slot.peer.ip)) {
      drops_.count(DropReason::udp_unsolicited);
      continue;
    }
    const SocketAddress source{policy_.inside_name(slot.peer.ip), slot.peer.port};
    inside_.send_udp(source, flow.key, payload_of(slot), now);
    flow.bytes_to_endpoint += slot.size;
  }
  return count == slots.size();
}

void UdpEgress::drop_endpoint(const IpAddress& endpoint) noexcept {
  flows_.erase_owner(endpoint);
}

void UdpEgress::list(std::vector<FlowInfo>& out, Instant now) const {
  flows_.for_each([&](const Flow& flow) {
    out.push_back({.protocol = "udp",
                   .flow = {flow.key, flow.last_target},
                   .published = false,
                   .age = now - flow.created,
                   .idle = now - flow.last_used,
                   .bytes_to_host = flow.bytes_to_host,
                   .bytes_to_endpoint = flow.bytes_to_endpoint});
  });
}

}  // namespace pontoon::proxy
