#include "proxy/bind_error.h"

namespace pontoon::proxy {
namespace {

std::string holder_text(const std::optional<PortHolder>& holder) {
  if (!holder) return "another process";
  return "another process (" + holder->process + ", pid " + std::to_string(holder->pid) + ")";
}

std::string privileged_text(const HostPort& port, std::uint16_t start) {
  // 80 -> 8080, 443 -> 8443: what people type anyway.
  const unsigned suggestion = port.port + 8000U;
  const std::string number = std::to_string(port.port);
  return "port " + number + " is below " + std::to_string(start) +
         " and you are not root: publish a port >= " + std::to_string(start) + ", e.g. -p " +
         std::to_string(suggestion) + ":" + number +
         ", or lower it with: sysctl net.ipv4.ip_unprivileged_port_start=" + number;
}

}  // namespace

Error bind_error(const HostPort& port, SocketError error, const HostFacts& facts) {
  const std::string failed = "Bind for " + port.to_string() + " failed: ";
  switch (error) {
    case SocketError::address_in_use:
      return {ErrorCode::conflict, failed + holder_text(facts.port_holder(port)) +
                                       " listens there; stop it or choose another host port"};
    case SocketError::prohibited: {
      const std::uint16_t start = facts.unprivileged_port_start();
      if (port.port != 0 && port.port < start) {
        return {ErrorCode::permission_denied, failed + privileged_text(port, start)};
      }
      return {ErrorCode::permission_denied, failed + "the host does not permit it"};
    }
    case SocketError::address_unavailable:
      return {ErrorCode::invalid_argument,
              failed + "no interface of this host has the address " + port.ip.to_string()};
    case SocketError::no_resources:
      return {ErrorCode::exhausted,
              failed + "out of file descriptors or memory; raise the limit with: ulimit -n"};
    case SocketError::unsupported:
      return {ErrorCode::unsupported,
              failed + "this host has no " + (port.ip.is_v4() ? "IPv4" : "IPv6")};
    case SocketError::refused:
    case SocketError::reset:
    case SocketError::timed_out:
    case SocketError::host_unreachable:
    case SocketError::network_unreachable:
    case SocketError::message_too_big:
    case SocketError::other:
      return {ErrorCode::internal, failed + std::string(to_string(error))};
  }
  return {ErrorCode::internal, failed + "unexpected error"};
}

}  // namespace pontoon::proxy
