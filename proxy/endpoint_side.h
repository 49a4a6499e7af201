// What the proxy asks of the virtual side of a network: the few calls of the gateway that it needs,
// so that it can be tested without one. GatewaySide (gateway_side.h) is the real thing.
#pragma once

#include <memory>

#include "core/socket/stream.h"
#include "core/stack/types.h"

namespace pontoon::proxy {

class EndpointSide {
 public:
  virtual ~EndpointSide() = default;

  // As in stack::Gateway. What cannot be sent is counted there.
  virtual bool send_udp(const SocketAddress& source, const SocketAddress& target, ByteView payload,
                        Instant now) noexcept = 0;
  virtual bool send_echo_reply(const stack::EchoRequest& about, ByteView payload,
                               Instant now) noexcept = 0;
  virtual bool send_icmp_error(const stack::IcmpErrorSpec& error, Instant now) noexcept = 0;

  // As in stack::TcpEngine: opens a connection to an endpoint for a client's accepted stream.
  virtual bool open_tcp(const stack::FlowKey& flow, std::unique_ptr<Stream> stream,
                        Instant now) noexcept = 0;
  virtual bool has_tcp_flow(const stack::FlowKey& flow) const noexcept = 0;
};

}  // namespace pontoon::proxy
