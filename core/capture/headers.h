// What a frame's headers show, as far as they are there. The frame may be cut or garbage: what
// cannot be read is absent, and nothing is checked beyond what reading takes.
#pragma once

#include <optional>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/wire/ethernet.h"
#include "core/wire/ip_protocol.h"

namespace pontoon::capture {

struct Headers {
  std::optional<MacAddress> ether_source;
  std::optional<MacAddress> ether_destination;
  std::optional<wire::EtherType> type;  // behind VLAN tags
  std::optional<IpAddress> source;      // of IP; the sender of ARP
  std::optional<IpAddress> destination;
  std::optional<wire::IpProtocol> protocol;  // behind IPv6's extension headers
  std::optional<std::uint16_t> source_port;  // of TCP and UDP; absent in a later fragment
  std::optional<std::uint16_t> destination_port;
};

Headers read_headers(ByteView frame) noexcept;

}  // namespace pontoon::capture
