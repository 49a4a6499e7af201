// Writes pcapng (draft-ietf-opsawg-pcapng) block by block into a byte string that the caller hands
// on: no file, no buffer of its own. Little-endian, times in nanoseconds, so equal input gives
// equal bytes.
//
//   std::vector<std::uint8_t> out;
//   append_section_header(out, "pontoon 0.1.0");
//   append_interface(out, interface);                 // index 0
//   append_packet(out, packet);
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/capture/packet.h"

namespace pontoon::capture {

using Bytes = std::vector<std::uint8_t>;

struct InterfaceStatistics {
  std::uint32_t interface = 0;
  std::int64_t time_ns = 0;
  std::uint64_t received = 0;
  std::uint64_t dropped = 0;  // seen, but not in the file: the reader of the capture was too slow
};

void append_section_header(Bytes& out, std::string_view application);
void append_interface(Bytes& out, const Interface& interface);
// Names for addresses, as Wireshark shows them.
void append_names(Bytes& out, const std::vector<std::pair<IpAddress, std::string>>& names);
// A time before 1970 is written as 1970, an original length below the one kept as the one kept.
void append_packet(Bytes& out, const Packet& packet);
void append_statistics(Bytes& out, const InterfaceStatistics& statistics);

}  // namespace pontoon::capture
