#include "core/host/sockaddr.h"

#include <cerrno>
#include <cstring>

namespace pontoon::host {

SockAddr::SockAddr(const SocketAddress& address) noexcept {
  if (address.ip.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = be16(address.port).raw();
    v4.sin_addr.s_addr = be32(address.ip.v4().value).raw();
    std::memcpy(&storage, &v4, sizeof v4);
    length = sizeof v4;
    return;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = be16(address.port).raw();
  std::memcpy(&v6.sin6_addr, address.ip.octets().data(), 16);
  std::memcpy(&storage, &v6, sizeof v6);
  length = sizeof v6;
}

SocketAddress SockAddr::address() const noexcept {
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    return {Ipv4Address{
                load_be<std::uint32_t>(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr.s_addr))},
            load_be<std::uint16_t>(reinterpret_cast<const std::uint8_t*>(&v4.sin_port))};
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, &storage, sizeof v6);
  const Ipv6Address ip =
      Ipv6Address::from({reinterpret_cast<const std::uint8_t*>(&v6.sin6_addr), 16});
  return {ip, load_be<std::uint16_t>(reinterpret_cast<const std::uint8_t*>(&v6.sin6_port))};
}

SocketError socket_error(int number) noexcept {
  switch (number) {
    case ECONNREFUSED:
      return SocketError::refused;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
      return SocketError::reset;
    case ETIMEDOUT:
      return SocketError::timed_out;
    case EHOSTUNREACH:
    case EHOSTDOWN:
      return SocketError::host_unreachable;
    case ENETUNREACH:
    case ENETDOWN:
      return SocketError::network_unreachable;
    case EMSGSIZE:
      return SocketError::message_too_big;
    case EACCES:
    case EPERM:
      return SocketError::prohibited;
    case EADDRINUSE:
      return SocketError::address_in_use;
    case EADDRNOTAVAIL:
      return SocketError::address_unavailable;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return SocketError::no_resources;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
      return SocketError::unsupported;
    default:
      return SocketError::other;
  }
}

}  // namespace pontoon::host
