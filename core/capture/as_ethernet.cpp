// Ethernet headers for packets that were captured without one.
//
// What a cooked header knows is used: the sender's MAC, whether it was a broadcast, what an ARP
// packet says about its target. Else stations are made up so that one address is always one
// station: 02:00 and the four bytes of an IPv4 address, 02:01 and the words of an IPv6 address
// folded into four bytes, 02:02:00:00:00:00 where there is no address. Group addresses get the
// group's MAC (RFC 1112 6.4, RFC 2464 7).
#include <algorithm>

#include "core/capture/formats.h"
#include "core/wire/ethernet.h"

namespace pontoon::capture {
namespace {

using wire::EtherType;

constexpr MacAddress kNobody{{0x02, 0x02, 0, 0, 0, 0}};
constexpr std::size_t kIpv4Addresses = 12;
constexpr std::size_t kIpv6Addresses = 8;
// Where ARP over Ethernet has its target's MAC (RFC 826).
constexpr std::size_t kArpTarget = 18;
// Below it an EtherType is a length.
constexpr std::uint16_t kSmallestType = 0x0600;

// Of the kinds of a cooked packet the one that names its destination.
constexpr std::uint16_t kBroadcast = 1;

struct Stations {
  MacAddress destination = kNobody;
  MacAddress source = kNobody;
};

MacAddress station_of(const IpAddress& address) noexcept {
  const auto& octets = address.octets();
  if (address.is_v4()) {
    if (address.v4().is_broadcast()) return MacAddress::broadcast();
    const auto v4 = address.v4().bytes();
    if (address.is_multicast())
      return {{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(v4[1] & 0x7f), v4[2], v4[3]}};
    return {{0x02, 0x00, v4[0], v4[1], v4[2], v4[3]}};
  }
  if (address.is_multicast()) return {{0x33, 0x33, octets[12], octets[13], octets[14], octets[15]}};
  MacAddress folded{{0x02, 0x01, 0, 0, 0, 0}};
  for (std::size_t i = 0; i < octets.size(); ++i)
    folded.octets[2 + i % 4] ^= octets[i];
  return folded;
}

// What the payload tells about who speaks to whom.
Stations stations_of(EtherType type, ByteView payload) noexcept {
  Stations stations;
  ByteReader reader(payload);
  if (type == EtherType::ipv4) {
    reader.skip(kIpv4Addresses);
    const ByteView source = reader.take(4);
    const ByteView destination = reader.take(4);
    if (!reader.ok()) return stations;
    return {station_of(Ipv4Address::from(destination)), station_of(Ipv4Address::from(source))};
  }
  if (type == EtherType::ipv6) {
    reader.skip(kIpv6Addresses);
    const ByteView source = reader.take(16);
    const ByteView destination = reader.take(16);
    if (!reader.ok()) return stations;
    return {station_of(Ipv6Address::from(destination)), station_of(Ipv6Address::from(source))};
  }
  if (type == EtherType::arp) {
    reader.skip(kArpTarget);
    const ByteView target = reader.take(MacAddress::size);
    if (reader.ok()) stations.destination = MacAddress::from(target);
  }
  return stations;
}

std::vector<std::uint8_t> framed(const Stations& stations, EtherType type, ByteView payload) {
  std::vector<std::uint8_t> frame(wire::EthernetView::kHeaderSize + payload.size());
  wire::EthernetRepr{stations.destination, stations.source, type}.emit(frame);
  std::copy(payload.begin(), payload.end(), frame.begin() + wire::EthernetView::kHeaderSize);
  return frame;
}

struct Cooked {
  std::uint16_t protocol = 0;
  std::uint16_t kind = 0;
  std::uint16_t address_length = 0;
  ByteView address;  // 8 bytes, of which `address_length` count
  ByteView payload;
};

// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html
std::optional<Cooked> read_sll(ByteView bytes) noexcept {
  ByteReader reader(bytes);
  Cooked cooked;
  cooked.kind = reader.u16();
  reader.skip(2);  // ARPHRD
  cooked.address_length = reader.u16();
  cooked.address = reader.take(8);
  cooked.protocol = reader.u16();
  if (!reader.ok()) return std::nullopt;
  cooked.payload = reader.rest();
  return cooked;
}

// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html
std::optional<Cooked> read_sll2(ByteView bytes) noexcept {
  ByteReader reader(bytes);
  Cooked cooked;
  cooked.protocol = reader.u16();
  reader.skip(2 + 4 + 2);  // reserved, interface, ARPHRD
  cooked.kind = reader.u8();
  cooked.address_length = reader.u8();
  cooked.address = reader.take(8);
  if (!reader.ok()) return std::nullopt;
  cooked.payload = reader.rest();
  return cooked;
}

std::optional<std::vector<std::uint8_t>> from_cooked(const std::optional<Cooked>& cooked) {
  if (!cooked || cooked->payload.empty()) return std::nullopt;
  // Numbers below are Linux's own for frames of IEEE 802.3, whose header has a length there.
  const std::uint16_t type = cooked->protocol >= kSmallestType
                                 ? cooked->protocol
                                 : static_cast<std::uint16_t>(std::min<std::size_t>(
                                       cooked->payload.size(), kSmallestType - 1U));
  Stations stations = stations_of(EtherType{type}, cooked->payload);
  if (cooked->address_length == MacAddress::size)
    stations.source = MacAddress::from(cooked->address.first(MacAddress::size));
  if (cooked->kind == kBroadcast) stations.destination = MacAddress::broadcast();
  // Who sends to nobody yet (an ARP request) sends to all.
  if (stations.destination.is_zero()) stations.destination = MacAddress::broadcast();
  return framed(stations, EtherType{type}, cooked->payload);
}

std::optional<std::vector<std::uint8_t>> from_ip(EtherType type, ByteView packet) {
  if (packet.empty()) return std::nullopt;
  return framed(stations_of(type, packet), type, packet);
}

std::optional<std::vector<std::uint8_t>> from_raw(ByteView packet) {
  const int version = packet.empty() ? 0 : packet[0] >> 4;
  if (version != 4 && version != 6) return std::nullopt;
  return from_ip(version == 4 ? EtherType::ipv4 : EtherType::ipv6, packet);
}

// BSD's loopback: the address family, in the byte order of the host that captured (`null`) or of
// the network (`loop`). Every system has its own number for IPv6.
std::optional<std::vector<std::uint8_t>> from_loopback(ByteView bytes) {
  ByteReader reader(bytes);
  std::uint32_t family = reader.u32();
  if (!reader.ok()) return std::nullopt;
  if (family > 0xffff) family = byte_swap(family);
  constexpr std::uint32_t kInet = 2;
  constexpr std::uint32_t kInet6[] = {10, 23, 24, 28, 30};
  if (family == kInet) return from_ip(EtherType::ipv4, reader.rest());
  if (std::find(std::begin(kInet6), std::end(kInet6), family) == std::end(kInet6))
    return std::nullopt;
  return from_ip(EtherType::ipv6, reader.rest());
}

}  // namespace

std::optional<std::vector<std::uint8_t>> as_ethernet(const Packet& packet, LinkType type) {
  switch (type) {
    case LinkType::ethernet:
      if (packet.bytes.size() < wire::EthernetView::kHeaderSize) return std::nullopt;
      return packet.bytes;
    case LinkType::linux_sll:
      return from_cooked(read_sll(packet.bytes));
    case LinkType::linux_sll2:
      return from_cooked(read_sll2(packet.bytes));
    case LinkType::raw:
      return from_raw(packet.bytes);
    case LinkType::ipv4:
      return from_ip(EtherType::ipv4, packet.bytes);
    case LinkType::ipv6:
      return from_ip(EtherType::ipv6, packet.bytes);
    case LinkType::null:
    case LinkType::loop:
      return from_loopback(packet.bytes);
  }
  return std::nullopt;
}

}  // namespace pontoon::capture
