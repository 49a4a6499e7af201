// EndpointSide on top of a real gateway.
#pragma once

#include "core/stack/gateway.h"
#include "proxy/endpoint_side.h"

namespace pontoon::proxy {

class GatewaySide final : public EndpointSide {
 public:
  explicit GatewaySide(stack::Gateway& gateway) noexcept : gateway_(gateway) {}

  bool send_udp(const SocketAddress& source, const SocketAddress& target, ByteView payload,
                Instant now) noexcept override;
  bool send_echo_reply(const stack::EchoRequest& about, ByteView payload,
                       Instant now) noexcept override;
  bool send_icmp_error(const stack::IcmpErrorSpec& error, Instant now) noexcept override;
  bool open_tcp(const stack::FlowKey& flow, std::unique_ptr<Stream> stream,
                Instant now) noexcept override;
  bool has_tcp_flow(const stack::FlowKey& flow) const noexcept override;

 private:
  stack::Gateway& gateway_;
};

}  // namespace pontoon::proxy
