#include "proxy/egress.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/base/limits.h"
#include "core/socket/pipe_stream.h"
#include "proxy/datagram_batch.h"
#include "proxy/echo_egress.h"
#include "proxy/host_errors.h"
#include "proxy/udp_egress.h"

namespace pontoon::proxy {

struct Egress::Carriers {
  Carriers(HostNetwork& host, EndpointSide& inside, TimerQueue& timers, const Policy& policy,
           DropCounters& drops)
      : udp(host, inside, timers, policy, batch, drops),
        echo(host, inside, timers, policy, batch, drops) {}

  DatagramBatch batch;
  UdpEgress udp;
  EchoEgress echo;
};

Egress::Egress(PolicyConfig policy, HostNetwork& host, EndpointSide& inside, TimerQueue& timers)
    : policy_(std::move(policy)),
      host_(host),
      inside_(inside),
      carriers_(std::make_unique<Carriers>(host, inside, timers, policy_, drops_)) {}

Egress::~Egress() = default;

void Egress::register_tcp_service(std::uint16_t port, StreamAcceptor& acceptor) {
  services_[port] = &acceptor;
}

Result<std::unique_ptr<Stream>, stack::TcpRefusal> Egress::open(const stack::FlowKey& flow,
                                                                Instant now) noexcept {
  const auto service = services_.find(flow.target.port);
  if (service != services_.end() && policy_.is_gateway(flow.target.ip)) {
    StreamPair pair = make_pipe(limits::kServicePipeBytes);
    service->second->accept(std::move(pair.second), flow.initiator, now);
    return std::move(pair.first);
  }
  const Decision decision = policy_.decide(flow.target.ip);
  switch (decision.verdict) {
    case Verdict::allowed:
      break;
    case Verdict::gateway:
      return stack::TcpRefusal::refused;
    case Verdict::denied:
      return stack::TcpRefusal::prohibited;  // which the TCP engine counts
  }
  auto stream = host_.connect({decision.host_target, flow.target.port});
  if (!stream) return refusal_for(stream.error());
  if ((*stream)->state() == Stream::State::failed) return refusal_for((*stream)->error());
  return std::move(*stream);
}

void Egress::on_datagram(const stack::UdpDatagram& datagram, Instant now) noexcept {
  if (replies_ != nullptr && replies_->on_reply(datagram, now)) return;
  const Decision decision = policy_.decide(datagram.target.ip);
  switch (decision.verdict) {
    case Verdict::allowed:
      carriers_->udp.forward(datagram, decision.host_target, now);
      return;
    case Verdict::gateway:
      refuse(datagram, DropReason::udp_no_flow, stack::Unreachable::port, now);
      return;
    case Verdict::denied:
      refuse(datagram, DropReason::policy_denied, stack::Unreachable::prohibited, now);
      return;
  }
}

void Egress::refuse(const stack::UdpDatagram& datagram, DropReason reason,
                    stack::Unreachable unreachable, Instant now) noexcept {
  drops_.count(reason);
  // RFC 1122 3.2.2: no ICMP error about a datagram for a group.
  if (policy_.is_group(datagram.target.ip)) return;
  stack::IcmpErrorSpec spec;
  spec.reason = unreachable;
  spec.quoted = stack::IcmpErrorSpec::Quoted::udp;
  spec.flow = {datagram.source, datagram.target};
  spec.payload = datagram.payload;
  inside_.send_icmp_error(spec, now);
}

void Egress::on_echo_request(const stack::EchoRequest& request, Instant now) noexcept {
  const Decision decision = policy_.decide(request.target);
  if (decision.verdict == Verdict::allowed) {
    carriers_->echo.forward(request, decision.host_target, now);
    return;
  }
  drops_.count(DropReason::policy_denied);
  if (policy_.is_group(request.target)) return;
  stack::IcmpErrorSpec spec;
  spec.reason = stack::Unreachable::prohibited;
  spec.quoted = stack::IcmpErrorSpec::Quoted::echo;
  spec.flow = {{request.source, request.identifier}, {request.target, 0}};
  spec.echo_sequence = request.sequence;
  spec.payload = request.payload;
  inside_.send_icmp_error(spec, now);
}

void Egress::pump(Instant now) noexcept {
  carriers_->udp.pump(now);
  carriers_->echo.pump(now);
}

bool Egress::has_work() const noexcept {
  return carriers_->udp.has_work() || carriers_->echo.has_work();
}

void Egress::drop_endpoint(const IpAddress& endpoint) noexcept {
  carriers_->udp.drop_endpoint(endpoint);
  carriers_->echo.drop_endpoint(endpoint);
}

std::vector<FlowInfo> Egress::flows(Instant now) const {
  std::vector<FlowInfo> all;
  carriers_->udp.list(all, now);
  carriers_->echo.list(all, now);
  std::sort(all.begin(), all.end(), [](const FlowInfo& a, const FlowInfo& b) {
    return std::tie(a.protocol, a.flow) < std::tie(b.protocol, b.flow);
  });
  return all;
}

bool Egress::echo_unavailable() const noexcept {
  return carriers_->echo.unavailable();
}

}  // namespace pontoon::proxy
