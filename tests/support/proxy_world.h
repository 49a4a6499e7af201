// What the proxy's tests stand on: an endpoint side that remembers what it was told, and a host
// that knows what the test says.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/endpoint_side.h"
#include "proxy/host_facts.h"
#include "tests/support/memory_network.h"

namespace pontoon::test {

inline IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

inline SocketAddress at(std::string_view address, unsigned port) {
  return {ip(address), static_cast<std::uint16_t>(port)};
}

class RecordingSide final : public proxy::EndpointSide {
 public:
  struct Datagram {
    SocketAddress source;
    SocketAddress target;
    std::string payload;
  };
  struct Reply {
    stack::EchoRequest about;  // its payload view is void
    std::string payload;
  };
  struct Connection {
    stack::FlowKey flow;
    std::unique_ptr<Stream> stream;
  };

  bool send_udp(const SocketAddress& source, const SocketAddress& target, ByteView payload,
                Instant) noexcept override {
    datagrams.push_back({source, target, std::string(as_text(payload))});
    return true;
  }
  bool send_echo_reply(const stack::EchoRequest& about, ByteView payload,
                       Instant) noexcept override {
    replies.push_back({about, std::string(as_text(payload))});
    replies.back().about.payload = {};
    return true;
  }
  bool send_icmp_error(const stack::IcmpErrorSpec& error, Instant) noexcept override {
    errors.push_back(error);
    errors.back().payload = {};
    return true;
  }
  bool open_tcp(const stack::FlowKey& flow, std::unique_ptr<Stream> stream,
                Instant) noexcept override {
    if (refuse_tcp || has_tcp_flow(flow)) {
      stream->abort();
      return false;
    }
    connections.push_back({flow, std::move(stream)});
    return true;
  }
  bool has_tcp_flow(const stack::FlowKey& flow) const noexcept override {
    for (const Connection& connection : connections) {
      if (connection.flow == flow) return true;
    }
    return false;
  }

  std::vector<Datagram> datagrams;
  std::vector<Reply> replies;
  std::vector<stack::IcmpErrorSpec> errors;
  std::vector<Connection> connections;
  bool refuse_tcp = false;
};

class ToldFacts final : public proxy::HostFacts {
 public:
  std::optional<proxy::PortHolder> port_holder(const proxy::HostPort&) const override {
    return holder;
  }
  std::uint16_t unprivileged_port_start() const override { return unprivileged_start; }

  std::optional<proxy::PortHolder> holder;
  std::uint16_t unprivileged_start = 1024;
};

}  // namespace pontoon::test
