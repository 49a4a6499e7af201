// What a capture file holds, whatever its format: interfaces and the packets seen on them. Readers
// and writers of pcap and pcapng meet here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/bytes.h"

namespace pontoon::capture {

// Seen from the endpoint, as on its own interface: inbound is what it gets.
enum class Direction : std::uint8_t { unknown, inbound, outbound };

// Link types of https://www.tcpdump.org/linktypes.html that the reader turns into Ethernet.
enum class LinkType : std::uint16_t {
  null = 0,
  ethernet = 1,
  raw = 101,
  loop = 108,
  linux_sll = 113,
  ipv4 = 228,
  ipv6 = 229,
  linux_sll2 = 276,
};

struct Interface {
  std::string name;         // if_name; empty when the file has none
  std::string description;  // if_description
  LinkType link_type = LinkType::ethernet;
  std::uint32_t snap_length = 0;  // 0: no limit
  std::optional<MacAddress> mac;
  std::optional<IpPrefix> ipv4;
};

struct Packet {
  std::uint32_t interface = 0;  // index into the interfaces known so far
  std::int64_t time_ns = 0;     // since 1970, UTC
  Direction direction = Direction::unknown;
  std::vector<std::uint8_t> bytes;    // as in the file, possibly cut
  std::uint32_t original_length = 0;  // on the wire
  std::string comment;

  bool cut() const noexcept { return bytes.size() < original_length; }
};

}  // namespace pontoon::capture
