// Frames for tests, built from the wire library's own reprs and taken apart again.
//
//   const PacketEnds ends = between("172.17.0.2", "172.17.0.1");
//   port.inject(udp_frame(ends, 4000, 53, unhex("...")));
//   const Dissected got = dissect(sent[0]->bytes());
//   REQUIRE(got.udp);
//   CHECK(got.udp->destination_port == 4000);
//
// The builders give bytes with right lengths and checksums; tests that need wrong ones patch them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/frame/frame.h"
#include "core/wire/arp.h"
#include "core/wire/ethernet.h"
#include "core/wire/icmp.h"
#include "core/wire/icmpv6.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/ndp.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"
#include "core/wire/vlan.h"

namespace pontoon::test {

using Bytes = std::vector<std::uint8_t>;

// Throw std::invalid_argument when the text is no address.
MacAddress mac(std::string_view text);
IpAddress ip(std::string_view text);
Ipv4Address ip4(std::string_view text);
Ipv6Address ip6(std::string_view text);

// `size` bytes 0, 1, 2, ... so that a shifted or swapped payload shows.
Bytes pattern(std::size_t size, std::uint8_t first = 0);
Bytes joined(ByteView front, ByteView back);

// Who sends to whom; both addresses of one family.
struct PacketEnds {
  MacAddress source_mac;
  MacAddress target_mac;
  IpAddress source;
  IpAddress target;
  std::uint8_t hop_limit = 64;
  std::uint8_t ecn = 0;
  std::uint16_t identification = 0;  // IPv4 only
  bool dont_fragment = true;         // IPv4 only

  PacketEnds reversed() const;
};
// With MACs 02:00:00:00:00:01 and 02:00:00:00:00:02.
PacketEnds between(std::string_view source, std::string_view target);

Bytes ethernet_frame(const MacAddress& source, const MacAddress& target, wire::EtherType type,
                     ByteView payload);
// The same frame with a VLAN tag.
Bytes tagged(ByteView frame, std::uint16_t vlan);
// To the broadcast address when it is a request, else to repr.target_mac.
Bytes arp_frame(const wire::ArpRepr& repr);
// IPv4 or IPv6 by the family of the ends.
Bytes ip_frame(const PacketEnds& ends, wire::IpProtocol protocol, ByteView transport);
Bytes udp_frame(const PacketEnds& ends, std::uint16_t source_port, std::uint16_t target_port,
                ByteView payload);
Bytes tcp_frame(const PacketEnds& ends, const wire::TcpRepr& repr, ByteView payload = {});
Bytes icmp_frame(const PacketEnds& ends, const wire::IcmpRepr& repr, ByteView payload = {});
Bytes icmpv6_frame(const PacketEnds& ends, const wire::Icmpv6Repr& repr, ByteView payload = {});
// Echo request or reply in the family of the ends.
Bytes echo_frame(const PacketEnds& ends, bool request, std::uint16_t identifier,
                 std::uint16_t sequence, ByteView payload = {});
// Any repr of ndp.h, with hop limit 255.
template <class Repr>
Bytes ndp_frame(PacketEnds ends, const Repr& repr) {
  Bytes message(repr.header_size());
  repr.emit(message, ends.source.v6(), ends.target.v6());
  ends.hop_limit = wire::kNdpHopLimit;
  return ip_frame(ends, wire::IpProtocol::icmpv6, message);
}

// A super-frame as a container's TSO or USO makes it: whole, with only the pseudo-header's sum in
// the checksum field, and the offload to inject with it.
struct SuperFrame {
  Bytes bytes;
  Offload offload;
};
SuperFrame tcp_super_frame(const PacketEnds& ends, const wire::TcpRepr& repr, ByteView payload,
                           std::uint16_t segment_size);
SuperFrame udp_super_frame(const PacketEnds& ends, std::uint16_t source_port,
                           std::uint16_t target_port, ByteView payload, std::uint16_t segment_size);
// The offload of a plain TCP or UDP frame whose checksum somebody else is to finish.
Offload partial_checksum(ByteView frame);

FrameRef to_frame(FramePool& pool, ByteView bytes, const Offload& offload = {});
Bytes to_bytes(ByteView view);

// A frame taken apart as far as it parses. Layers that are not there, or fail their checksum, are
// absent, and `problem` says why; copies everything, so the frame may go.
struct Dissected {
  std::string problem;  // empty when all layers were understood and right
  std::optional<wire::EthernetRepr> ethernet;
  std::optional<std::uint16_t> vlan;
  std::optional<wire::ArpRepr> arp;
  std::optional<wire::Ipv4Repr> ipv4;
  std::optional<wire::Ipv6Repr> ipv6;
  std::optional<wire::UdpRepr> udp;
  std::optional<wire::TcpRepr> tcp;
  std::optional<wire::IcmpRepr> icmp;
  std::optional<wire::Icmpv6Repr> icmpv6;
  IpAddress source;
  IpAddress target;
  Bytes transport;  // all that the IP packet carries
  Bytes payload;    // of the innermost layer: UDP or TCP data, echo data, the quoted packet
};
Dissected dissect(ByteView frame);

}  // namespace pontoon::test
