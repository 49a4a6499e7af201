#include "proxy/host_errors.h"

#include "proxy/policy.h"

namespace pontoon::proxy {
namespace {

constexpr std::uint8_t kIcmpTimeExceeded = 11;   // RFC 792
constexpr std::uint8_t kIcmpv6TimeExceeded = 3;  // RFC 4443 3.3; in ICMPv4 it is "unreachable"

// The kernel reports an expired TTL as EHOSTUNREACH; only the ICMP type tells (traceroute).
bool is_time_exceeded(const DatagramError& error) noexcept {
  if (!error.reporter) return false;
  return error.icmp_type == (error.target.ip.is_v4() ? kIcmpTimeExceeded : kIcmpv6TimeExceeded);
}

}  // namespace

std::optional<stack::Unreachable> unreachable_for(SocketError error) noexcept {
  switch (error) {
    case SocketError::refused:
      return stack::Unreachable::port;
    case SocketError::host_unreachable:
    case SocketError::timed_out:
      return stack::Unreachable::host;
    case SocketError::network_unreachable:
    case SocketError::address_unavailable:
    case SocketError::unsupported:
      return stack::Unreachable::network;
    case SocketError::prohibited:
      return stack::Unreachable::prohibited;
    case SocketError::message_too_big:
      return stack::Unreachable::too_big;
    case SocketError::reset:
    case SocketError::address_in_use:
    case SocketError::no_resources:
    case SocketError::other:
      return std::nullopt;
  }
  return std::nullopt;
}

bool describe(const DatagramError& error, stack::IcmpErrorSpec& spec) noexcept {
  const auto reason = unreachable_for(error.error);
  if (!reason) return false;
  spec.reason = is_time_exceeded(error) ? stack::Unreachable::time_exceeded : *reason;
  spec.mtu = error.mtu;
  // "Too big" without a size would have the endpoint guess (RFC 1191 5); it is better lost.
  if (spec.reason == stack::Unreachable::too_big && spec.mtu == 0) return false;
  const bool same_family =
      error.reporter && error.reporter->is_v4() == spec.flow.initiator.ip.is_v4();
  if (same_family && !never_allowed(*error.reporter)) spec.reporter = error.reporter;
  return true;
}

stack::TcpRefusal refusal_for(SocketError error) noexcept {
  switch (error) {
    case SocketError::refused:
    case SocketError::reset:
    case SocketError::other:
      return stack::TcpRefusal::refused;
    case SocketError::prohibited:
      return stack::TcpRefusal::prohibited;
    case SocketError::host_unreachable:
    case SocketError::timed_out:
      return stack::TcpRefusal::host_unreachable;
    case SocketError::network_unreachable:
    case SocketError::address_unavailable:
    case SocketError::unsupported:
      return stack::TcpRefusal::network_unreachable;
    case SocketError::address_in_use:  // connect(2): no local port is left
    case SocketError::no_resources:
    case SocketError::message_too_big:
      return stack::TcpRefusal::busy;
  }
  return stack::TcpRefusal::refused;
}

}  // namespace pontoon::proxy
