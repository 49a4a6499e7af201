// The way out of one network: connections, datagrams and echo requests of endpoints become sockets
// of the host. TCP is the engine's business (we only open the stream), UDP and echo are kept here.
//
// Wiring: gateway.tcp().set_forwarder(&egress), gateway.set_udp_forwarder(&egress),
// gateway.set_echo_forwarder(&egress); egress.pump() in step 5 of the turn.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "core/base/drop.h"
#include "core/socket/host_network.h"
#include "core/stack/tcp/engine.h"
#include "proxy/endpoint_side.h"
#include "proxy/flow_info.h"
#include "proxy/policy.h"
#include "proxy/udp_replies.h"

namespace pontoon::proxy {

// A TCP service inside this process at the gateway's address (DNS over TCP). `stream` is one end of
// a pipe and already open; the endpoint is at the other.
class StreamAcceptor {
 public:
  virtual ~StreamAcceptor() = default;
  virtual void accept(std::unique_ptr<Stream> stream, const SocketAddress& client,
                      Instant now) noexcept = 0;
};

class Egress final : public stack::TcpForwarder,
                     public stack::UdpHandler,
                     public stack::EchoHandler {
 public:
  // Everything by reference must outlive the egress.
  Egress(PolicyConfig policy, HostNetwork& host, EndpointSide& inside, TimerQueue& timers);
  ~Egress() override;

  void register_tcp_service(std::uint16_t port, StreamAcceptor& acceptor);
  // Whom to ask first about datagrams (the network's Publisher). May be null.
  void set_udp_replies(UdpReplies* replies) noexcept { replies_ = replies; }
  Policy& policy() noexcept { return policy_; }

  Result<std::unique_ptr<Stream>, stack::TcpRefusal> open(const stack::FlowKey& flow,
                                                          Instant now) noexcept override;
  void on_datagram(const stack::UdpDatagram& datagram, Instant now) noexcept override;
  void on_echo_request(const stack::EchoRequest& request, Instant now) noexcept override;

  void pump(Instant now) noexcept;
  bool has_work() const noexcept;

  // Forgets the UDP and echo flows of an endpoint that has gone (TCP: TcpEngine::drop_endpoint).
  void drop_endpoint(const IpAddress& endpoint) noexcept;

  std::vector<FlowInfo> flows(Instant now) const;
  const DropCounters& drops() const noexcept { return drops_; }
  // The kernel refused us ping sockets; net.ipv4.ping_group_range decides who gets them.
  bool echo_unavailable() const noexcept;

 private:
  struct Carriers;  // of UDP and of echo

  void refuse(const stack::UdpDatagram& datagram, DropReason reason, stack::Unreachable unreachable,
              Instant now) noexcept;

  Policy policy_;
  HostNetwork& host_;
  EndpointSide& inside_;
  UdpReplies* replies_ = nullptr;
  DropCounters drops_;
  std::map<std::uint16_t, StreamAcceptor*> services_;
  std::unique_ptr<Carriers> carriers_;
};

}  // namespace pontoon::proxy
