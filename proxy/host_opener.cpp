#include "proxy/host_opener.h"

#include "core/base/limits.h"
#include "proxy/bind_error.h"

namespace pontoon::proxy {
namespace {

std::vector<HostPort> wanted(const PortSpec& spec, std::uint16_t port) {
  if (spec.host_ip) return {{*spec.host_ip, port, spec.protocol}};
  return {{Ipv4Address::any(), port, spec.protocol}, {Ipv6Address::any(), port, spec.protocol}};
}

std::vector<HostPort> places_of(const std::vector<HostSocket>& sockets) {
  std::vector<HostPort> places;
  for (const HostSocket& socket : sockets)
    places.push_back(socket.where);
  return places;
}

// The host has no such family, or has it switched off.
bool lacks_family(SocketError error) noexcept {
  return error == SocketError::unsupported || error == SocketError::address_unavailable;
}

}  // namespace

Result<OpenedPort> HostOpener::open(std::string_view owner, const PortSpec& spec) {
  if (!spec.host_ports) return open_ephemeral(owner, spec);
  if (spec.host_ports->size() > 1) return open_first_free(owner, spec);
  return open_fixed(owner, spec, spec.host_ports->first);
}

Result<OpenedPort> HostOpener::open_fixed(std::string_view owner, const PortSpec& spec,
                                          std::uint16_t port) {
  // The table first: it knows the name of a holder among ours, the kernel does not.
  const std::vector<HostPort> places = wanted(spec, port);
  auto reservation = ports_.reserve(owner, places);
  if (!reservation) return reservation.error();
  auto sockets = open_sockets(spec, port);
  if (!sockets) return bind_error(sockets.error().where, sockets.error().error, facts_);
  if (sockets->size() < places.size()) {  // one family is missing: do not hold its port
    const HostPort& only = sockets->front().where;
    reservation->give_up(only == places[0] ? places[1] : places[0]);
  }
  return OpenedPort{std::move(*sockets), std::move(*reservation)};
}

Result<OpenedPort> HostOpener::open_first_free(std::string_view owner, const PortSpec& spec) {
  for (unsigned port = spec.host_ports->first; port <= spec.host_ports->last; ++port) {
    auto opened = open_fixed(owner, spec, static_cast<std::uint16_t>(port));
    if (opened || opened.error().code != ErrorCode::conflict) return opened;
  }
  const HostPort first = wanted(spec, spec.host_ports->first).front();
  return Error{ErrorCode::conflict, "Bind for " + first.to_string() + "-" +
                                        std::to_string(spec.host_ports->last) +
                                        " failed: all ports of the range are taken; widen it or "
                                        "leave the host port out"};
}

Result<OpenedPort> HostOpener::open_ephemeral(std::string_view owner, const PortSpec& spec) {
  // The kernel chooses for the first address; the second may find that port taken.
  Error last{ErrorCode::conflict, ""};
  for (unsigned attempt = 0; attempt < limits::kEphemeralPortTries; ++attempt) {
    auto sockets = open_sockets(spec, 0);
    if (!sockets) {
      last = bind_error(sockets.error().where, sockets.error().error, facts_);
      if (sockets.error().error != SocketError::address_in_use) return last;
      continue;
    }
    auto reservation = ports_.reserve(owner, places_of(*sockets));
    if (reservation) return OpenedPort{std::move(*sockets), std::move(*reservation)};
    last = reservation.error();
    if (last.code != ErrorCode::conflict) break;
  }
  return last;
}

Result<std::vector<HostSocket>, HostOpener::Failure> HostOpener::open_sockets(const PortSpec& spec,
                                                                              std::uint16_t port) {
  std::vector<HostSocket> sockets;
  std::optional<Failure> skipped;
  for (HostPort where : wanted(spec, port)) {
    if (!sockets.empty()) where.port = sockets.front().where.port;
    auto socket = open_socket(where);
    if (socket) {
      sockets.push_back(std::move(*socket));
      continue;
    }
    skipped = Failure{where, socket.error()};
    // Without an address of the user's choice, one family is enough where there is no other.
    if (spec.host_ip || !lacks_family(socket.error())) return *skipped;
  }
  if (sockets.empty()) return *skipped;
  return sockets;
}

Result<HostSocket, SocketError> HostOpener::open_socket(const HostPort& where) {
  HostSocket socket{where, nullptr, nullptr};
  if (where.protocol == Protocol::tcp) {
    auto listener = host_.listen({where.ip, where.port});
    if (!listener) return listener.error();
    socket.where.port = (*listener)->local().port;
    socket.listener = std::move(*listener);
  } else {
    auto datagram = host_.open_datagram({where.ip, where.port});
    if (!datagram) return datagram.error();
    socket.where.port = (*datagram)->local().port;
    socket.datagram = std::move(*datagram);
  }
  return socket;
}

}  // namespace pontoon::proxy
