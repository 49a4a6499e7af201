#include "tests/support/packets.h"

#include <stdexcept>

#include "core/frame/transport.h"
#include "core/wire/checksum.h"

namespace pontoon::test {
namespace {

using wire::ChecksumFill;
using wire::IpProtocol;

template <class T>
T required(const std::optional<T>& value, std::string_view text) {
  if (!value) throw std::invalid_argument("not an address: " + std::string(text));
  return *value;
}

Bytes with_ip_header(const PacketEnds& ends, IpProtocol protocol, ByteView transport) {
  if (ends.source.is_v4()) {
    wire::Ipv4Repr repr;
    repr.source = ends.source.v4();
    repr.destination = ends.target.v4();
    repr.protocol = protocol;
    repr.payload_length = static_cast<std::uint16_t>(transport.size());
    repr.ttl = ends.hop_limit;
    repr.ecn = ends.ecn;
    repr.identification = ends.identification;
    repr.dont_fragment = ends.dont_fragment;
    Bytes header(repr.header_size());
    repr.emit(header);
    return joined(header, transport);
  }
  wire::Ipv6Repr repr;
  repr.source = ends.source.v6();
  repr.destination = ends.target.v6();
  repr.next_header = protocol;
  repr.payload_length = static_cast<std::uint16_t>(transport.size());
  repr.hop_limit = ends.hop_limit;
  repr.traffic_class = ends.ecn;
  Bytes header(wire::Ipv6Repr::header_size());
  repr.emit(header);
  return joined(header, transport);
}

template <class Repr>
Bytes segment_bytes(const PacketEnds& ends, const Repr& repr, ByteView payload,
                    ChecksumFill fill = ChecksumFill::complete) {
  Bytes header(repr.header_size());
  repr.emit(header, payload, ends.source, ends.target, fill);
  return joined(header, payload);
}

void dissect_udp(const wire::UdpView& udp, Dissected& out) {
  if (!udp.checksum_ok(out.source, out.target)) {
    out.problem = "UDP checksum";
    return;
  }
  out.udp = wire::UdpRepr::from(udp);
  out.payload = to_bytes(udp.payload());
}

void dissect_tcp(const wire::TcpView& tcp, Dissected& out) {
  if (!tcp.checksum_ok(out.source, out.target)) {
    out.problem = "TCP checksum";
    return;
  }
  out.tcp = wire::TcpRepr::from(tcp);
  out.payload = to_bytes(tcp.payload());
}

void dissect_icmp(const wire::IcmpView& icmp, Dissected& out) {
  if (!icmp.checksum_ok()) {
    out.problem = "ICMP checksum";
    return;
  }
  out.icmp = wire::IcmpRepr::from(icmp);
  out.payload = to_bytes(icmp.payload());
}

void dissect_icmpv6(const wire::Icmpv6View& icmp, Dissected& out) {
  if (!icmp.checksum_ok(out.source, out.target)) {
    out.problem = "ICMPv6 checksum";
    return;
  }
  out.icmpv6 = wire::Icmpv6Repr::from(icmp);
  out.payload = to_bytes(icmp.payload());
}

template <class View>
void dissect_as(ByteView bytes, Dissected& out, void (*next)(const View&, Dissected&),
                const char* problem) {
  if (const auto view = View::parse(bytes)) {
    next(*view, out);
  } else {
    out.problem = problem;
  }
}

void dissect_transport(IpProtocol protocol, ByteView bytes, Dissected& out) {
  out.transport = to_bytes(bytes);
  switch (protocol) {
    case IpProtocol::udp:
      return dissect_as<wire::UdpView>(bytes, out, dissect_udp, "UDP length");
    case IpProtocol::tcp:
      return dissect_as<wire::TcpView>(bytes, out, dissect_tcp, "TCP length");
    case IpProtocol::icmp:
      return dissect_as<wire::IcmpView>(bytes, out, dissect_icmp, "ICMP length");
    case IpProtocol::icmpv6:
      return dissect_as<wire::Icmpv6View>(bytes, out, dissect_icmpv6, "ICMPv6 length");
    case IpProtocol::hop_by_hop:
    case IpProtocol::routing:
    case IpProtocol::fragment:
    case IpProtocol::no_next_header:
    case IpProtocol::destination_options:
      break;
  }
  out.problem = "unknown transport";
}

void dissect_ipv4(const wire::Ipv4View& ip, Dissected& out) {
  if (!ip.checksum_ok()) {
    out.problem = "IPv4 checksum";
    return;
  }
  out.ipv4 = wire::Ipv4Repr::from(ip);
  out.source = ip.source();
  out.target = ip.destination();
  if (ip.is_fragment()) {
    out.transport = to_bytes(ip.payload());
  } else {
    dissect_transport(ip.protocol(), ip.payload(), out);
  }
}

void dissect_ipv6(const wire::Ipv6View& ip, Dissected& out) {
  out.ipv6 = wire::Ipv6Repr::from(ip);
  out.source = ip.source();
  out.target = ip.destination();
  const wire::Ipv6Chain chain = ip.chain();
  if (chain.status != wire::Ipv6ChainStatus::ok) {
    out.problem = "IPv6 extension headers";
  } else if (chain.fragment && !chain.fragment->is_atomic()) {
    out.transport = to_bytes(chain.payload);
  } else {
    dissect_transport(chain.protocol, chain.payload, out);
  }
}

void dissect_arp(const wire::ArpView& arp, Dissected& out) {
  out.arp = wire::ArpRepr::from(arp);
}

void dissect_network(wire::EtherType type, ByteView bytes, Dissected& out) {
  switch (type) {
    case wire::EtherType::arp:
      return dissect_as<wire::ArpView>(bytes, out, dissect_arp, "ARP");
    case wire::EtherType::ipv4:
      return dissect_as<wire::Ipv4View>(bytes, out, dissect_ipv4, "IPv4 length");
    case wire::EtherType::ipv6:
      return dissect_as<wire::Ipv6View>(bytes, out, dissect_ipv6, "IPv6 length");
    case wire::EtherType::vlan:
      break;
  }
  out.problem = "unknown EtherType";
}

}  // namespace

MacAddress mac(std::string_view text) {
  return required(MacAddress::parse(text), text);
}
IpAddress ip(std::string_view text) {
  return required(IpAddress::parse(text), text);
}
Ipv4Address ip4(std::string_view text) {
  return required(Ipv4Address::parse(text), text);
}
Ipv6Address ip6(std::string_view text) {
  return required(Ipv6Address::parse(text), text);
}

Bytes pattern(std::size_t size, std::uint8_t first) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

Bytes joined(ByteView front, ByteView back) {
  Bytes bytes(front.begin(), front.end());
  bytes.insert(bytes.end(), back.begin(), back.end());
  return bytes;
}

PacketEnds PacketEnds::reversed() const {
  PacketEnds other = *this;
  std::swap(other.source_mac, other.target_mac);
  std::swap(other.source, other.target);
  return other;
}

PacketEnds between(std::string_view source, std::string_view target) {
  PacketEnds ends;
  ends.source_mac = mac("02:00:00:00:00:01");
  ends.target_mac = mac("02:00:00:00:00:02");
  ends.source = ip(source);
  ends.target = ip(target);
  return ends;
}

Bytes ethernet_frame(const MacAddress& source, const MacAddress& target, wire::EtherType type,
                     ByteView payload) {
  Bytes header(wire::EthernetRepr::header_size());
  wire::EthernetRepr{target, source, type}.emit(header);
  return joined(header, payload);
}

Bytes tagged(ByteView frame, std::uint16_t vlan) {
  const auto ethernet = wire::EthernetView::parse(frame).value();
  wire::VlanRepr tag;
  tag.identifier = vlan;
  tag.ether_type = ethernet.ether_type();
  Bytes header(wire::VlanRepr::header_size());
  tag.emit(header);
  return ethernet_frame(ethernet.source(), ethernet.destination(), wire::EtherType::vlan,
                        joined(header, ethernet.payload()));
}

Bytes arp_frame(const wire::ArpRepr& repr) {
  Bytes packet(wire::ArpRepr::header_size());
  repr.emit(packet);
  const bool request = repr.operation == wire::ArpOperation::request;
  return ethernet_frame(repr.sender_mac, request ? MacAddress::broadcast() : repr.target_mac,
                        wire::EtherType::arp, packet);
}

Bytes ip_frame(const PacketEnds& ends, IpProtocol protocol, ByteView transport) {
  const auto type = ends.source.is_v4() ? wire::EtherType::ipv4 : wire::EtherType::ipv6;
  return ethernet_frame(ends.source_mac, ends.target_mac, type,
                        with_ip_header(ends, protocol, transport));
}

Bytes udp_frame(const PacketEnds& ends, std::uint16_t source_port, std::uint16_t target_port,
                ByteView payload) {
  return ip_frame(ends, IpProtocol::udp,
                  segment_bytes(ends, wire::UdpRepr{source_port, target_port}, payload));
}

Bytes tcp_frame(const PacketEnds& ends, const wire::TcpRepr& repr, ByteView payload) {
  return ip_frame(ends, IpProtocol::tcp, segment_bytes(ends, repr, payload));
}

Bytes icmp_frame(const PacketEnds& ends, const wire::IcmpRepr& repr, ByteView payload) {
  Bytes header(wire::IcmpRepr::header_size());
  repr.emit(header, payload);
  return ip_frame(ends, IpProtocol::icmp, joined(header, payload));
}

Bytes icmpv6_frame(const PacketEnds& ends, const wire::Icmpv6Repr& repr, ByteView payload) {
  Bytes header(wire::Icmpv6Repr::header_size());
  repr.emit(header, payload, ends.source, ends.target);
  return ip_frame(ends, IpProtocol::icmpv6, joined(header, payload));
}

Bytes echo_frame(const PacketEnds& ends, bool request, std::uint16_t identifier,
                 std::uint16_t sequence, ByteView payload) {
  if (ends.source.is_v4()) {
    return icmp_frame(ends,
                      request ? wire::IcmpRepr::echo_request(identifier, sequence)
                              : wire::IcmpRepr::echo_reply(identifier, sequence),
                      payload);
  }
  return icmpv6_frame(ends,
                      request ? wire::Icmpv6Repr::echo_request(identifier, sequence)
                              : wire::Icmpv6Repr::echo_reply(identifier, sequence),
                      payload);
}

SuperFrame tcp_super_frame(const PacketEnds& ends, const wire::TcpRepr& repr, ByteView payload,
                           std::uint16_t segment_size) {
  SuperFrame super;
  super.bytes = ip_frame(ends, IpProtocol::tcp,
                         segment_bytes(ends, repr, payload, ChecksumFill::pseudo_header));
  super.offload = partial_checksum(super.bytes);
  super.offload.gso = ends.source.is_v4() ? Gso::tcp4 : Gso::tcp6;
  super.offload.segment_size = segment_size;
  super.offload.header_length = static_cast<std::uint16_t>(super.bytes.size() - payload.size());
  return super;
}

SuperFrame udp_super_frame(const PacketEnds& ends, std::uint16_t source_port,
                           std::uint16_t target_port, ByteView payload,
                           std::uint16_t segment_size) {
  SuperFrame super;
  const wire::UdpRepr repr{source_port, target_port};
  super.bytes = ip_frame(ends, IpProtocol::udp,
                         segment_bytes(ends, repr, payload, ChecksumFill::pseudo_header));
  super.offload = partial_checksum(super.bytes);
  super.offload.gso = Gso::udp;
  super.offload.segment_size = segment_size;
  super.offload.header_length = static_cast<std::uint16_t>(super.bytes.size() - payload.size());
  return super;
}

Offload partial_checksum(ByteView frame) {
  const TransportLocation at = locate_transport(frame).value();
  Offload offload;
  offload.needs_checksum = true;
  offload.checksum_start = static_cast<std::uint16_t>(at.transport_offset);
  offload.checksum_offset = at.protocol == IpProtocol::udp ? 6 : 16;
  return offload;
}

FrameRef to_frame(FramePool& pool, ByteView bytes, const Offload& offload) {
  FrameRef frame = pool.allocate(bytes.size());
  if (!frame) throw std::runtime_error("the test's frame pool is exhausted");
  ByteWriter(frame->append(bytes.size())).bytes(bytes);
  frame->offload = offload;
  return frame;
}

Bytes to_bytes(ByteView view) {
  return {view.begin(), view.end()};
}

Dissected dissect(ByteView frame) {
  Dissected out;
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet) {
    out.problem = "Ethernet header";
    return out;
  }
  out.ethernet = wire::EthernetRepr::from(*ethernet);
  wire::EtherType type = ethernet->ether_type();
  ByteView payload = ethernet->payload();
  if (type == wire::EtherType::vlan) {
    const auto vlan = wire::VlanView::parse(payload);
    if (!vlan) {
      out.problem = "VLAN tag";
      return out;
    }
    out.vlan = vlan->identifier();
    type = vlan->ether_type();
    payload = vlan->payload();
  }
  dissect_network(type, payload, out);
  return out;
}

}  // namespace pontoon::test
