// Between our addresses and the kernel's.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/base/address.h"
#include "core/socket/socket_error.h"

namespace pontoon::host {

struct SockAddr {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  SockAddr() = default;
  explicit SockAddr(const SocketAddress& address) noexcept;
  SocketAddress address() const noexcept;
  sockaddr* raw() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketError socket_error(int number) noexcept;

}  // namespace pontoon::host
