#include "core/capture/headers.h"

#include "core/base/limits.h"

namespace pontoon::capture {
namespace {

using wire::EtherType;
using wire::IpProtocol;

constexpr int kVlanTags = 2;  // IEEE 802.1ad nests them once

template <class Address>
std::optional<IpAddress> read_address(ByteReader& reader, std::size_t size) noexcept {
  const ByteView bytes = reader.take(size);
  if (!reader.ok()) return std::nullopt;
  return Address::from(bytes);
}

void read_ports(ByteReader& reader, Headers& headers) noexcept {
  if (headers.protocol != IpProtocol::tcp && headers.protocol != IpProtocol::udp) return;
  const std::uint16_t source = reader.u16();
  if (reader.ok()) headers.source_port = source;
  const std::uint16_t destination = reader.u16();
  if (reader.ok()) headers.destination_port = destination;
}

void read_ipv4(ByteReader reader, Headers& headers) noexcept {
  const std::uint8_t first = reader.u8();
  const std::size_t length = (first & 0x0fU) * 4U;
  reader.skip(5);
  const bool later_fragment = (reader.u16() & 0x1fff) != 0;
  reader.skip(1);
  const IpProtocol protocol{reader.u8()};
  reader.skip(2);
  if (!reader.ok() || first >> 4 != 4 || length < 20) return;
  headers.protocol = protocol;
  headers.source = read_address<Ipv4Address>(reader, 4);
  headers.destination = read_address<Ipv4Address>(reader, 4);
  reader.skip(length - 20);
  if (!later_fragment) read_ports(reader, headers);
}

struct Extension {
  IpProtocol next = IpProtocol::no_next_header;
  bool later_fragment = false;
};

// RFC 8200 4.3 to 4.6: one extension header.
Extension read_extension(ByteReader& reader, IpProtocol kind) noexcept {
  Extension extension;
  extension.next = IpProtocol{reader.u8()};
  if (kind == IpProtocol::fragment) {
    reader.skip(1);
    extension.later_fragment = (reader.u16() & 0xfff8) != 0;
    reader.skip(4);
  } else {
    const std::size_t units = reader.u8();
    reader.skip(6 + units * 8);
  }
  return extension;
}

bool is_extension(IpProtocol protocol) noexcept {
  return protocol == IpProtocol::hop_by_hop || protocol == IpProtocol::routing ||
         protocol == IpProtocol::fragment || protocol == IpProtocol::destination_options;
}

void read_ipv6(ByteReader reader, Headers& headers) noexcept {
  const std::uint8_t first = reader.u8();
  reader.skip(5);
  IpProtocol protocol{reader.u8()};
  reader.skip(1);
  if (!reader.ok() || first >> 4 != 6) return;
  headers.source = read_address<Ipv6Address>(reader, 16);
  headers.destination = read_address<Ipv6Address>(reader, 16);
  bool later_fragment = false;
  for (std::size_t i = 0; i < limits::kIpv6ExtensionHeaders && is_extension(protocol); ++i) {
    const Extension extension = read_extension(reader, protocol);
    if (!reader.ok()) return;
    protocol = extension.next;
    later_fragment = later_fragment || extension.later_fragment;
    // What follows in a later fragment is payload, whatever its first byte would say.
    if (later_fragment) break;
  }
  headers.protocol = protocol;
  if (!later_fragment) read_ports(reader, headers);
}

void read_arp(ByteReader reader, Headers& headers) noexcept {
  const std::uint16_t hardware = reader.u16();
  const std::uint16_t protocol = reader.u16();
  const std::uint16_t sizes = reader.u16();
  if (hardware != 1 || protocol != static_cast<std::uint16_t>(EtherType::ipv4) || sizes != 0x0604)
    return;
  reader.skip(2 + MacAddress::size);
  headers.source = read_address<Ipv4Address>(reader, 4);
  reader.skip(MacAddress::size);
  headers.destination = read_address<Ipv4Address>(reader, 4);
}

}  // namespace

Headers read_headers(ByteView frame) noexcept {
  ByteReader reader(frame);
  Headers headers;
  const ByteView destination = reader.take(MacAddress::size);
  if (reader.ok()) headers.ether_destination = MacAddress::from(destination);
  const ByteView source = reader.take(MacAddress::size);
  if (reader.ok()) headers.ether_source = MacAddress::from(source);
  EtherType type{reader.u16()};
  for (int i = 0; i < kVlanTags && type == EtherType::vlan; ++i) {
    reader.skip(2);
    type = EtherType{reader.u16()};
  }
  if (!reader.ok()) return headers;
  headers.type = type;
  if (type == EtherType::ipv4) read_ipv4(reader, headers);
  if (type == EtherType::ipv6) read_ipv6(reader, headers);
  if (type == EtherType::arp) read_arp(reader, headers);
  return headers;
}

}  // namespace pontoon::capture
