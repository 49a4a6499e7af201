// Who stands outside in every world, and where endpoints listen.
#pragma once

#include <fmt/format.h>

#include "core/base/address.h"
#include "tests/support/packets.h"

namespace pontoon::sim {

constexpr std::uint16_t kEndpointPort = 80;

constexpr std::size_t kBulk = 1 << 20;  // what buffers hold where there is bulk

// 1 accepts, 2 after a while; 3 refuses, 4 is silent, 5 cannot be reached; 9 says what it hears.
inline SocketAddress host_at(unsigned number) {
  return {test::ip(fmt::format("198.51.100.{}", number)), 80};
}
// For datagrams and pings.
inline SocketAddress echo_host() {
  return {test::ip("198.51.100.1"), 7};
}

}  // namespace pontoon::sim
