#include "proxy/published_udp.h"

#include <algorithm>

namespace pontoon::proxy {

struct PublishedUdp::Flow {
  Flow(const Client& client, PublishedUdp& published, const stack::FlowKey& as_seen_inside,
       Instant now)
      : key(client), parent(published), inside(as_seen_inside), created(now), last_used(now) {
    parent.index_.emplace(inside, this);
  }
  ~Flow() { parent.index_.erase(inside); }
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  void on_timer(Instant now) {
    const Instant expires = last_used + limits::kUdpIdle;
    if (now < expires) {
      parent.context_.timers.arm(idle, expires);
    } else {
      parent.flows_.erase(*this);  // `this` is gone
    }
  }

  const Client key;
  const IpAddress owner;  // addresses outside are cheap to forge: all clients are one owner
  PublishedUdp& parent;
  const stack::FlowKey inside;
  ListHook<Flow> age{*this};
  Timer idle = Timer::bind<&Flow::on_timer>(*this);
  Instant created;
  Instant last_used;
  std::uint64_t bytes_to_host = 0;
  std::uint64_t bytes_to_endpoint = 0;
};

PublishedUdp::PublishedUdp(PublisherContext& context, IntrusiveList<PublishedUdp>& ready,
                           Index& index, std::unique_ptr<Datagram> socket,
                           const PublishedTo& to) noexcept
    : context_(context),
      ready_list_(ready),
      index_(index),
      socket_(std::move(socket)),
      to_(to),
      flows_(limits::kPublishedUdpFlows, limits::kPublishedUdpFlows) {
  socket_->set_handler(this);
  on_ready();  // a client may have been faster than the handler
}

PublishedUdp::~PublishedUdp() = default;

void PublishedUdp::on_ready() noexcept {
  if (!ready_.linked()) ready_list_.push_back(ready_);
}

void PublishedUdp::receive_batch(DatagramBatch& batch, Instant now) noexcept {
  // A pending error would fail the next send.
  std::size_t errors = 0;
  while (errors < limits::kSocketErrorBatch && socket_->take_error())
    ++errors;
  const auto slots = batch.slots();
  const std::size_t count = socket_->receive(slots);
  for (const DatagramSlot& slot : slots.first(count)) {
    Flow* flow = find_or_open({slot.peer, slot.local}, now);
    if (flow == nullptr) continue;
    refresh(*flow, now);
    context_.inside.send_udp(flow->inside.initiator, flow->inside.target, payload_of(slot), now);
    flow->bytes_to_endpoint += slot.size;
  }
  if (count == slots.size() || errors == limits::kSocketErrorBatch) on_ready();
}

PublishedUdp::Flow* PublishedUdp::find_or_open(const Client& client, Instant now) noexcept {
  if (Flow* flow = flows_.find(client)) return flow;
  auto inside = preferred_flow(context_.config, to_.target, to_.container_port, client.address);
  const auto in_use = [&](const stack::FlowKey& key) { return index_.contains(key); };
  if (!inside || !context_.udp_ports.make_unique(*inside, in_use)) {
    context_.drops.count(DropReason::flow_limit);
    return nullptr;
  }
  const std::uint64_t evicted = flows_.evicted();
  flows_.make_room(IpAddress{});
  context_.counters.udp_evicted += flows_.evicted() - evicted;
  ++context_.counters.udp_flows;
  return &flows_.insert(client, *this, *inside, now);
}

void PublishedUdp::retarget(const PublishTarget& target) noexcept {
  flows_.erase_owner(IpAddress{});  // all clients are one owner
  to_.target = target;
}

void PublishedUdp::refresh(Flow& flow, Instant now) noexcept {
  flow.last_used = now;
  if (!flow.idle.armed()) context_.timers.arm(flow.idle, now + limits::kUdpIdle);
  flows_.touch(flow);
}

bool PublishedUdp::reply(Index& index, const stack::UdpDatagram& datagram, Instant now) noexcept {
  const auto found = index.find({datagram.target, datagram.source});
  if (found == index.end()) return false;
  Flow& flow = *found->second;
  PublishedUdp& published = flow.parent;
  published.refresh(flow, now);
  ByteView rest = datagram.payload;
  const std::size_t segment = datagram.segment_size == 0 ? rest.size() : datagram.segment_size;
  std::size_t sent = 0;
  do {
    published.send_back(flow, rest.first(std::min(segment, rest.size())));
    rest = rest.subspan(std::min(segment, rest.size()));
  } while (!rest.empty() && ++sent < limits::kUdpTrainSegments);
  if (!rest.empty()) published.context_.drops.count(DropReason::malformed_udp);
  return true;
}

void PublishedUdp::send_back(Flow& flow, ByteView payload) noexcept {
  const Client& client = flow.key;
  std::optional<IpAddress> source;
  if (socket_->local().ip.is_any()) source = client.local;
  IoResult sent = socket_->send(client.address, payload, source);
  // The kernel reports an earlier datagram's ICMP error instead of sending this one.
  if (sent.kind == IoResult::Kind::failed && socket_->take_error()) {
    sent = socket_->send(client.address, payload, source);
  }
  if (sent.kind == IoResult::Kind::done) {
    flow.bytes_to_host += payload.size();
  } else {
    context_.drops.count(DropReason::host_refused);
  }
}

void PublishedUdp::list(std::vector<FlowInfo>& out, Instant now) const {
  flows_.for_each([&](const Flow& flow) {
    out.push_back({.protocol = "udp",
                   .flow = flow.inside,
                   .published = true,
                   .age = now - flow.created,
                   .idle = now - flow.last_used,
                   .bytes_to_host = flow.bytes_to_host,
                   .bytes_to_endpoint = flow.bytes_to_endpoint});
  });
}

}  // namespace pontoon::proxy
