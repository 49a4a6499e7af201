#include "proxy/echo_egress.h"

#include <algorithm>
#include <array>

#include "proxy/host_errors.h"

namespace pontoon::proxy {
namespace {

constexpr std::size_t kHeaderBytes = 8;  // RFC 792, RFC 4443 4.1: type, code, checksum, id, seq
constexpr std::uint8_t kRequestV4 = 8;
constexpr std::uint8_t kReplyV4 = 0;
constexpr std::uint8_t kRequestV6 = 128;
constexpr std::uint8_t kReplyV6 = 129;

struct Pending {
  bool used = false;
  std::uint16_t sequence = 0;
  IpAddress host_target;
};

// Empty when it does not fit.
ByteView emit_request(const stack::EchoRequest& request, MutableBytes out) noexcept {
  ByteWriter writer(out);
  writer.u8(request.target.is_v4() ? kRequestV4 : kRequestV6);
  writer.u8(0);
  writer.u16(0);  // the kernel fills in the checksum and its own identifier
  writer.u16(request.identifier);
  writer.u16(request.sequence);
  writer.bytes(request.payload);
  return writer.ok() ? writer.written() : ByteView{};
}

}  // namespace

struct EchoEgress::Flow final : DatagramHandler {
  Flow(const SocketAddress& endpoint, EchoEgress& egress, std::unique_ptr<EchoSocket> opened,
       const MacAddress& mac, Instant now) noexcept
      : key(endpoint),
        owner(endpoint.ip),
        parent(egress),
        socket(std::move(opened)),
        source_mac(mac),
        created(now),
        last_used(now) {
    socket->set_handler(this);
  }

  void on_ready() noexcept override {
    if (!ready.linked()) parent.ready_.push_back(ready);
  }
  void on_timer(Instant now) {
    const Instant expires = last_used + limits::kEchoIdle;
    if (now < expires) {
      parent.timers_.arm(idle, expires);
    } else {
      parent.flows_.erase(*this);  // `this` is gone
    }
  }

  void remember(std::uint16_t sequence, const IpAddress& host_target) noexcept {
    pending[sequence % pending.size()] = {true, sequence, host_target};
    last_sequence = sequence;
  }
  bool asked(std::uint16_t sequence, const IpAddress& peer) const noexcept {
    const Pending& slot = pending[sequence % pending.size()];
    return slot.used && slot.sequence == sequence && slot.host_target == peer;
  }
  // The most recent request to `peer`: errors do not say which one they are about.
  std::uint16_t sequence_to(const IpAddress& peer) const noexcept {
    for (std::size_t back = 0; back < pending.size(); ++back) {
      const auto sequence = static_cast<std::uint16_t>(last_sequence - back);
      if (asked(sequence, peer)) return sequence;
    }
    return last_sequence;
  }

  const SocketAddress key;
  const IpAddress owner;
  EchoEgress& parent;
  std::unique_ptr<EchoSocket> socket;
  ListHook<Flow> age{*this};
  ListHook<Flow> ready{*this};
  Timer idle = Timer::bind<&Flow::on_timer>(*this);
  MacAddress source_mac;
  Instant created;
  Instant last_used;
  IpAddress last_target;
  std::array<Pending, limits::kEchoPending> pending;
  std::uint16_t last_sequence = 0;
  std::uint64_t bytes_to_host = 0;
  std::uint64_t bytes_to_endpoint = 0;
};

EchoEgress::EchoEgress(HostNetwork& host, EndpointSide& inside, TimerQueue& timers,
                       const Policy& policy, DatagramBatch& batch, DropCounters& drops) noexcept
    : host_(host),
      inside_(inside),
      timers_(timers),
      policy_(policy),
      batch_(batch),
      drops_(drops),
      flows_(limits::kEchoFlows, limits::kEchoFlowsPerEndpoint) {}

EchoEgress::~EchoEgress() = default;

void EchoEgress::forward(const stack::EchoRequest& request, const IpAddress& host_target,
                         Instant now) noexcept {
  const ByteView message = emit_request(request, batch_.scratch());
  if (message.empty()) {
    drops_.count(DropReason::malformed_icmp);
    return;
  }
  Flow* flow = find_or_open(request, now);
  if (flow == nullptr) return;
  flow->last_used = now;
  flow->last_target = request.target;
  flow->source_mac = request.source_mac;
  if (!flow->idle.armed()) timers_.arm(flow->idle, now + limits::kEchoIdle);
  flows_.touch(*flow);
  flow->remember(request.sequence, host_target);

  IoResult sent = flow->socket->send({host_target, 0}, message);
  if (sent.kind == IoResult::Kind::failed && report_errors(*flow, now) > 0 &&
      sent.error != SocketError::message_too_big) {
    sent = flow->socket->send({host_target, 0}, message);
  }
  if (sent.kind == IoResult::Kind::done) {
    flow->bytes_to_host += request.payload.size();
  } else if (sent.kind == IoResult::Kind::failed) {
    refuse(request, sent.error, now);
  } else {
    drops_.count(DropReason::host_refused);
  }
}

EchoEgress::Flow* EchoEgress::find_or_open(const stack::EchoRequest& request,
                                           Instant now) noexcept {
  const SocketAddress key{request.source, request.identifier};
  if (Flow* flow = flows_.find(key)) return flow;
  flows_.make_room(request.source);
  auto socket = host_.open_echo(request.target.family());
  if (!socket && socket.error() == SocketError::no_resources && flows_.evict_for(request.source)) {
    socket = host_.open_echo(request.target.family());
  }
  unavailable_ = !socket && socket.error() == SocketError::prohibited;
  if (!socket) {
    refuse(request, socket.error(), now);
    return nullptr;
  }
  return &flows_.insert(key, *this, std::move(*socket), request.source_mac, now);
}

void EchoEgress::refuse(const stack::EchoRequest& request, SocketError error,
                        Instant now) noexcept {
  drops_.count(DropReason::host_refused);
  DatagramError refusal;
  refusal.target = {request.target, 0};
  refusal.error = error;
  stack::IcmpErrorSpec spec;
  spec.quoted = stack::IcmpErrorSpec::Quoted::echo;
  spec.flow = {{request.source, request.identifier}, {request.target, 0}};
  spec.echo_sequence = request.sequence;
  spec.payload = request.payload;
  if (describe(refusal, spec)) inside_.send_icmp_error(spec, now);
}

std::size_t EchoEgress::report_errors(Flow& flow, Instant now) noexcept {
  std::size_t taken = 0;
  for (; taken < limits::kSocketErrorBatch; ++taken) {
    const auto error = flow.socket->take_error();
    if (!error) break;
    stack::IcmpErrorSpec spec;
    spec.quoted = stack::IcmpErrorSpec::Quoted::echo;
    spec.flow = {flow.key, {policy_.inside_name(error->target.ip), 0}};
    spec.echo_sequence = flow.sequence_to(error->target.ip);
    if (describe(*error, spec)) inside_.send_icmp_error(spec, now);
  }
  return taken;
}

void EchoEgress::pump(Instant now) noexcept {
  const std::size_t visits = std::min(ready_.size(), limits::kTurnFlows);
  for (std::size_t i = 0; i < visits; ++i) {
    Flow* flow = ready_.pop_front();
    const bool more_errors = report_errors(*flow, now) == limits::kSocketErrorBatch;
    const bool more_replies = receive(*flow, now);
    if (more_errors || more_replies) flow->on_ready();
  }
}

bool EchoEgress::receive(Flow& flow, Instant now) noexcept {
  const auto slots = batch_.slots();
  const std::size_t count = flow.socket->receive(slots);
  for (const DatagramSlot& slot : slots.first(count))
    pass_reply(flow, slot, now);
  return count == slots.size();
}

void EchoEgress::pass_reply(Flow& flow, const DatagramSlot& slot, Instant now) noexcept {
  ByteReader reader(payload_of(slot));
  const std::uint8_t type = reader.u8();
  reader.skip(5);  // code, checksum and the kernel's identifier
  const std::uint16_t sequence = reader.u16();
  const std::uint8_t expected = slot.peer.ip.is_v4() ? kReplyV4 : kReplyV6;
  if (!reader.ok() || type != expected) {
    drops_.count(DropReason::malformed_icmp);
    return;
  }
  if (!flow.asked(sequence, slot.peer.ip)) {
    drops_.count(DropReason::udp_unsolicited);
    return;
  }
  stack::EchoRequest about;
  about.source_mac = flow.source_mac;
  about.source = flow.key.ip;
  about.target = policy_.inside_name(slot.peer.ip);
  about.identifier = flow.key.port;
  about.sequence = sequence;
  const ByteView payload = payload_of(slot).subspan(kHeaderBytes);
  inside_.send_echo_reply(about, payload, now);
  flow.bytes_to_endpoint += payload.size();
}

void EchoEgress::drop_endpoint(const IpAddress& endpoint) noexcept {
  flows_.erase_owner(endpoint);
}

void EchoEgress::list(std::vector<FlowInfo>& out, Instant now) const {
  flows_.for_each([&](const Flow& flow) {
    out.push_back({.protocol = "icmp",
                   .flow = {flow.key, {flow.last_target, 0}},
                   .published = false,
                   .age = now - flow.created,
                   .idle = now - flow.last_used,
                   .bytes_to_host = flow.bytes_to_host,
                   .bytes_to_endpoint = flow.bytes_to_endpoint});
  });
}

}  // namespace pontoon::proxy
