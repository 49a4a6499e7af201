// The protocol numbers of IPv4's `protocol` and IPv6's `next header` (IANA protocol-numbers).
#pragma once

#include <cstdint>

namespace pontoon::wire {

enum class IpProtocol : std::uint8_t {
  hop_by_hop = 0,  // IPv6 only
  icmp = 1,
  tcp = 6,
  udp = 17,
  routing = 43,   // IPv6 only
  fragment = 44,  // IPv6 only
  icmpv6 = 58,
  no_next_header = 59,       // IPv6 only
  destination_options = 60,  // IPv6 only
};

}  // namespace pontoon::wire
