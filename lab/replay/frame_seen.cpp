#include "lab/replay/frame_seen.h"

#include <algorithm>

#include "core/wire/arp.h"
#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "core/wire/udp.h"

namespace pontoon::lab {
namespace {

constexpr std::uint8_t kBootRequest = 1;
constexpr std::uint32_t kMagicCookie = 0x63825363;

enum Option : std::uint8_t {
  kPad = 0,
  kMask = 1,
  kRouter = 3,
  kDns = 6,
  kHostName = 12,
  kRequested = 50,
  kType = 53,
  kServer = 54,
  kFqdn = 81,
  kEnd = 255,
};

std::optional<Ipv4Address> first_address(ByteView value) {
  if (value.size() < 4) return std::nullopt;
  return Ipv4Address::from(value.first(4));
}

// RFC 4702 2: flags, two codes, then the name; bit 2 of the flags (E) means DNS wire format.
std::string fqdn(ByteView value) {
  constexpr std::uint8_t kWireFormat = 0x04;
  if (value.size() <= 3) return {};
  ByteView name = value.subspan(3);
  if ((value[0] & kWireFormat) != 0) {
    const std::size_t length = name[0];
    name = name.subspan(1);
    name = name.first(std::min(length, name.size()));
  }
  return std::string(as_text(name));
}

void take_option(DhcpSeen& seen, std::uint8_t code, ByteView value) {
  switch (code) {
    case kMask:
      seen.mask = first_address(value);
      break;
    case kRouter:
      seen.router = first_address(value);
      break;
    case kDns:
      seen.dns = first_address(value);
      break;
    case kHostName:
      seen.name = std::string(as_text(value));
      break;
    case kRequested:
      seen.requested = first_address(value);
      break;
    case kType:
      if (!value.empty()) seen.type = value[0];
      break;
    case kServer:
      seen.server = first_address(value);
      break;
    case kFqdn:
      if (seen.name.empty()) seen.name = fqdn(value);
      break;
    default:
      break;
  }
}

void read_transport(FrameSeen& seen, const wire::Ipv4View& ip) {
  if (ip.fragment_offset() != 0) return;
  if (ip.protocol() == wire::IpProtocol::udp) {
    const auto udp = wire::UdpView::parse_quoted(ip.payload());
    if (!udp) return;
    seen.kind = FrameSeen::Kind::udp;
    seen.source_port = udp->source_port();
    seen.target_port = udp->destination_port();
    seen.payload = udp->payload();
  } else if (ip.protocol() == wire::IpProtocol::tcp) {
    const auto tcp = wire::TcpView::parse(ip.payload());
    if (!tcp) return;
    seen.kind = FrameSeen::Kind::tcp;
    seen.source_port = tcp->source_port();
    seen.target_port = tcp->destination_port();
    seen.flags = tcp->flags();
    seen.sequence = tcp->sequence().value;
    seen.acknowledgement = tcp->acknowledgement().value;
    seen.payload = tcp->payload();
  } else if (ip.protocol() == wire::IpProtocol::icmp && !ip.payload().empty()) {
    seen.kind = FrameSeen::Kind::icmp;
    seen.icmp_type = ip.payload()[0];
    seen.payload = ip.payload();
  }
}

}  // namespace

std::optional<DhcpSeen> DhcpSeen::parse(ByteView payload) {
  ByteReader reader(payload);
  DhcpSeen seen;
  seen.request = reader.u8() == kBootRequest;
  reader.skip(3);
  seen.xid = reader.u32();
  reader.skip(4);
  seen.ciaddr = {reader.u32()};
  seen.yiaddr = {reader.u32()};
  reader.skip(4);
  seen.giaddr = {reader.u32()};
  const ByteView chaddr = reader.take(16);
  reader.skip(64 + 128);
  if (reader.u32() != kMagicCookie || !reader.ok()) return std::nullopt;
  seen.chaddr = MacAddress::from(chaddr.first(MacAddress::size));
  while (reader.remaining() > 0) {
    const std::uint8_t code = reader.u8();
    if (code == kPad) continue;
    if (code == kEnd) break;
    const ByteView value = reader.take(reader.u8());
    if (!reader.ok()) break;
    take_option(seen, code, value);
  }
  return seen;
}

bool FrameSeen::is_dns_response() const noexcept {
  constexpr std::uint8_t kResponse = 0x80;
  const std::size_t at = kind == Kind::tcp ? 4 : 2;
  return payload.size() > at && (payload[at] & kResponse) != 0;
}

std::optional<FrameSeen> FrameSeen::parse(ByteView frame) {
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet) return std::nullopt;
  FrameSeen seen;
  seen.source = ethernet->source();
  seen.target = ethernet->destination();
  if (ethernet->ether_type() == wire::EtherType::arp) {
    const auto arp = wire::ArpView::parse(ethernet->payload());
    if (!arp) return seen;
    seen.kind = Kind::arp;
    seen.from = arp->sender_ip();
    seen.to = arp->target_ip();
    seen.arp_request = arp->operation() == wire::ArpOperation::request;
  } else if (ethernet->ether_type() == wire::EtherType::ipv6) {
    seen.kind = Kind::ipv6;
  } else if (ethernet->ether_type() == wire::EtherType::ipv4) {
    const auto ip = wire::Ipv4View::parse_quoted(ethernet->payload());
    if (!ip) return seen;
    seen.kind = Kind::ipv4;
    seen.from = ip->source();
    seen.to = ip->destination();
    read_transport(seen, *ip);
  }
  return seen;
}

bool is_host_address(Ipv4Address address) noexcept {
  constexpr std::uint32_t kReserved = 240;  // RFC 1112 4: class E
  return (address.value >> 24) != 0 && (address.value >> 24) < kReserved &&
         !address.is_multicast() && !address.is_loopback() && !address.is_link_local();
}

}  // namespace pontoon::lab
