// Where a frame's own, validated headers put its transport header. What the offload metadata claims
// is never used to find anything: it comes from whoever sent the frame.
#pragma once

#include <optional>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/wire/ip_protocol.h"

namespace pontoon {

struct TransportLocation {
  IpFamily family = IpFamily::v4;
  wire::IpProtocol protocol = wire::IpProtocol::no_next_header;
  bool fragment = false;
  std::size_t network_offset = 0;    // of the IP header, from the first byte of the frame
  std::size_t transport_offset = 0;  // of what is behind the IP header and its extensions
  std::size_t end = 0;               // of the IP packet; Ethernet padding may follow
};

// Nullopt when the frame is no valid IPv4 or IPv6 packet. At most one VLAN tag is skipped.
std::optional<TransportLocation> locate_transport(ByteView frame) noexcept;

}  // namespace pontoon
