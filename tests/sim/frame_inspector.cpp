#include "tests/sim/frame_inspector.h"

#include <fmt/format.h>

namespace pontoon::sim {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kLeastFrame = 60;  // may be padded to this

unsigned u16_at(ByteView bytes, std::size_t at) {
  return static_cast<unsigned>(bytes[at]) << 8 | bytes[at + 1];
}

// RFC 1071 in its plainest form: 16-bit words in network order, an odd octet is padded with zero.
unsigned sum_of(ByteView bytes, unsigned start) {
  unsigned long long sum = start;
  for (std::size_t i = 0; i < bytes.size(); i += 2)
    sum += static_cast<unsigned>(bytes[i]) << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
  while (sum > 0xffff)
    sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<unsigned>(sum);
}

unsigned pseudo_header_sum(ByteView ip, std::size_t length) {
  return sum_of(ip.subspan(12, 8), ip[9] + static_cast<unsigned>(length));
}

std::optional<std::string> fault_of_tcp(ByteView ip, ByteView segment) {
  if (segment.size() < 20) return "a TCP segment without a whole header";
  const std::size_t header = 4U * (segment[12] >> 4);
  if (header < 20 || header > segment.size()) return "a wrong TCP data offset";
  if ((segment[12] & 0x0f) != 0) return "reserved bits of TCP that are set";
  if (sum_of(segment, pseudo_header_sum(ip, segment.size())) != 0xffff)
    return fmt::format("a wrong TCP checksum over {} octets", segment.size());
  return std::nullopt;
}

std::optional<std::string> fault_of_udp(ByteView ip, ByteView datagram) {
  if (datagram.size() < 8) return "a UDP datagram without a whole header";
  if (u16_at(datagram, 4) != datagram.size()) return "a wrong UDP length";
  if (u16_at(datagram, 6) == 0) return "a UDP datagram without a checksum";
  if (sum_of(datagram, pseudo_header_sum(ip, datagram.size())) != 0xffff)
    return fmt::format("a wrong UDP checksum over {} octets", datagram.size());
  return std::nullopt;
}

std::optional<std::string> fault_of_ipv4(ByteView packet, bool may_be_padded) {
  if (packet.size() < 20 || packet[0] >> 4 != 4) return "no IPv4 header";
  const std::size_t header = 4U * (packet[0] & 0x0f);
  const std::size_t length = u16_at(packet, 2);
  if (header < 20 || length < header || length > packet.size()) return "wrong IPv4 lengths";
  if (length < packet.size() && !may_be_padded) return "octets behind the IPv4 packet";
  if (sum_of(packet.first(header), 0) != 0xffff) return "a wrong IPv4 header checksum";
  if (packet[8] == 0) return "a TTL of zero";
  if (length > 1500) return "a packet larger than the network's MTU";
  const bool fragment = (u16_at(packet, 6) & 0x3fff) != 0;
  const ByteView transport = packet.subspan(header, length - header);
  if (fragment) return std::nullopt;
  switch (packet[9]) {
    case 1:
      if (sum_of(transport, 0) != 0xffff) return "a wrong ICMP checksum";
      return std::nullopt;
    case 6:
      return fault_of_tcp(packet, transport);
    case 17:
      return fault_of_udp(packet, transport);
    default:
      return fmt::format("IP protocol {}, which the gateway does not speak", packet[9]);
  }
}

}  // namespace

std::optional<std::string> fault_of(ByteView frame) {
  if (frame.size() < kEthernet) return "no Ethernet header";
  const ByteView packet = frame.subspan(kEthernet);
  switch (u16_at(frame, 12)) {
    case 0x0800:
      return fault_of_ipv4(packet, frame.size() <= kLeastFrame);
    case 0x0806:
      if (packet.size() < 28 || u16_at(packet, 0) != 1 || u16_at(packet, 2) != 0x0800 ||
          packet[4] != 6 || packet[5] != 4)
        return "an ARP packet of other kinds of address";
      return std::nullopt;
    case 0x86dd:
      return std::nullopt;  // the endpoints here do not speak IPv6
    default:
      return fmt::format("EtherType {:#06x}", u16_at(frame, 12));
  }
}

void FrameInspector::on_sent(std::string_view endpoint, ByteView frame) {
  if (const auto fault = fault_of(frame))
    report_.fail("well-formed frames", fmt::format("the gateway sends {} {}", endpoint, *fault));
}

}  // namespace pontoon::sim
