// Opens the host side of one publication: its sockets on every address that it is for, all on one
// port, with the port reserved in the daemon's table while that goes on.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/socket/host_network.h"
#include "proxy/host_facts.h"
#include "proxy/port_table.h"

namespace pontoon::proxy {

// One of the two, by protocol.
struct HostSocket {
  HostPort where;
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Datagram> datagram;
};

struct OpenedPort {
  std::vector<HostSocket> sockets;  // IPv4 before IPv6
  PortTable::Reservation reservation;
};

class HostOpener {
 public:
  HostOpener(HostNetwork& host, PortTable& ports, const HostFacts& facts) noexcept
      : host_(host), ports_(ports), facts_(facts) {}

  Result<OpenedPort> open(std::string_view owner, const PortSpec& spec);

 private:
  struct Failure {
    HostPort where;
    SocketError error;
  };

  Result<OpenedPort> open_fixed(std::string_view owner, const PortSpec& spec, std::uint16_t port);
  Result<OpenedPort> open_first_free(std::string_view owner, const PortSpec& spec);
  Result<OpenedPort> open_ephemeral(std::string_view owner, const PortSpec& spec);
  Result<std::vector<HostSocket>, Failure> open_sockets(const PortSpec& spec, std::uint16_t port);
  Result<HostSocket, SocketError> open_socket(const HostPort& where);

  HostNetwork& host_;
  PortTable& ports_;
  const HostFacts& facts_;
};

}  // namespace pontoon::proxy
