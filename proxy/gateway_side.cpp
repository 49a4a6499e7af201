#include "proxy/gateway_side.h"

#include <utility>

#include "core/stack/tcp/engine.h"

namespace pontoon::proxy {

bool GatewaySide::send_udp(const SocketAddress& source, const SocketAddress& target,
                           ByteView payload, Instant now) noexcept {
  return gateway_.send_udp(source, target, payload, now);
}

bool GatewaySide::send_echo_reply(const stack::EchoRequest& about, ByteView payload,
                                  Instant now) noexcept {
  return gateway_.send_echo_reply(about, payload, now);
}

bool GatewaySide::send_icmp_error(const stack::IcmpErrorSpec& error, Instant now) noexcept {
  return gateway_.send_icmp_error(error, now);
}

bool GatewaySide::open_tcp(const stack::FlowKey& flow, std::unique_ptr<Stream> stream,
                           Instant now) noexcept {
  return gateway_.tcp().open(flow, std::move(stream), now);
}

bool GatewaySide::has_tcp_flow(const stack::FlowKey& flow) const noexcept {
  return gateway_.tcp().has_flow(flow);
}

}  // namespace pontoon::proxy
