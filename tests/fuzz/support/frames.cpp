#include "tests/fuzz/support/frames.h"

#include <array>

#include "core/frame/transport.h"
#include "core/wire/checksum.h"
#include "dhcp/message.h"
#include "tests/support/packets.h"

namespace pontoon::fuzz {
namespace {

using test::PacketEnds;
using Bytes = std::vector<std::uint8_t>;

const IpAddress kForeign = Ipv4Address::of(198, 51, 100, 7);

IpAddress some_target(Input& input) {
  switch (input.below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return gateway_ip();
    case 4:
    case 5:
    case 6:
      return kForeign;
    case 7:
      return endpoint_ip(input.below(4));
    case 8:
      return Ipv4Address::broadcast();
    case 9:
      return Ipv4Address::of(172, 17, 255, 255);
    case 10:
      return Ipv4Address::of(127, 0, 0, 1);
    default:
      return Ipv4Address{input.u32()};
  }
}

Ipv6Address link_local(unsigned sender) {
  return Ipv6Address::link_local(endpoint_mac(sender));
}

PacketEnds ends_of(Input& input, unsigned sender) {
  PacketEnds ends;
  ends.source_mac = endpoint_mac(sender);
  ends.source = endpoint_ip(sender);
  ends.target = some_target(input);
  ends.target_mac = gateway_mac();
  if (ends.target == IpAddress(endpoint_ip(1 - sender % 2)))
    ends.target_mac = endpoint_mac(1 - sender % 2);
  if (ends.target == IpAddress(Ipv4Address::broadcast())) ends.target_mac = MacAddress::broadcast();
  const std::uint8_t bits = input.u8();
  if ((bits & 7) == 7) ends.hop_limit = input.u8();
  ends.dont_fragment = (bits & 8) != 0;
  ends.identification = bits >> 4;
  return ends;
}

PacketEnds ends6_of(Input& input, unsigned sender) {
  PacketEnds ends;
  ends.source_mac = endpoint_mac(sender);
  ends.target_mac = gateway_mac();
  ends.source = link_local(sender);
  const std::array<IpAddress, 4> targets{
      IpAddress(Ipv6Address::link_local(gateway_mac())), IpAddress(wire::all_nodes()),
      IpAddress(wire::all_routers()),
      IpAddress(wire::solicited_node(Ipv6Address::link_local(gateway_mac())))};
  ends.target = targets[input.below(targets.size())];
  if (ends.target.is_multicast()) ends.target_mac = wire::multicast_mac(ends.target.v6());
  return ends;
}

Bytes arp(Input& input, unsigned sender) {
  wire::ArpRepr repr;
  repr.operation = static_cast<wire::ArpOperation>(1 + input.below(3));
  repr.sender_mac = endpoint_mac(sender);
  repr.sender_ip = input.below(4) == 0 ? endpoint_ip(input.below(4)) : endpoint_ip(sender);
  repr.target_mac = input.flag() ? gateway_mac() : MacAddress{};
  const IpAddress target = some_target(input);
  repr.target_ip = target.v4();
  return test::arp_frame(repr);
}

Bytes dhcp(Input& input, unsigned sender) {
  dhcp::Message message;
  message.chaddr = endpoint_mac(sender);
  message.type = static_cast<dhcp::MessageType>(1 + input.below(8));
  message.xid = input.u8();
  const std::uint8_t with = input.u8();
  message.broadcast = (with & 1) != 0;
  if ((with & 2) != 0) message.requested_address = endpoint_ip(input.below(8));
  if ((with & 4) != 0) message.server_identifier = gateway_ip();
  if ((with & 8) != 0) message.ciaddr = endpoint_ip(input.below(8));
  if ((with & 16) != 0) {
    const ByteView asked = input.take(input.below(32));
    message.parameter_requests.assign(asked.begin(), asked.end());
  }
  PacketEnds ends = ends_of(input, sender);
  if ((with & 32) == 0) {
    ends.source = Ipv4Address::any();
    ends.target = Ipv4Address::broadcast();
    ends.target_mac = MacAddress::broadcast();
  }
  return test::udp_frame(ends, 68, 67, message.emit(1500));
}

Bytes dns(Input& input, unsigned sender) {
  static constexpr std::array<std::string_view, 6> kNames{
      "web", "web.default.internal", "x.y", "example.com", "2.0.17.172.in-addr.arpa", ""};
  Bytes query{input.u8(), 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  std::string_view name = kNames[input.below(kNames.size())];
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    query.push_back(static_cast<std::uint8_t>(label.size()));
    query.insert(query.end(), label.begin(), label.end());
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  query.insert(query.end(), {0, 0, input.u8(), 0, 1});
  PacketEnds ends = ends_of(input, sender);
  ends.target = gateway_ip();
  ends.target_mac = gateway_mac();
  return test::udp_frame(ends, static_cast<std::uint16_t>(1024 + input.u8()), 53, query);
}

Bytes tcp(Input& input, unsigned sender) {
  static constexpr std::array<std::uint16_t, 4> kPorts{80, 53, 9, 8080};
  wire::TcpRepr repr;
  repr.source_port = static_cast<std::uint16_t>(40000 + input.below(4));
  repr.destination_port = kPorts[input.below(kPorts.size())];
  repr.flags = wire::TcpFlags::from_bits(input.u8());
  repr.sequence = {1000U + input.u8()};
  repr.acknowledgement = {input.u32()};
  repr.window = input.u16();
  if (repr.flags.syn) repr.options.mss = input.u16();
  return test::tcp_frame(ends_of(input, sender), repr, input.take(input.below(200)));
}

Bytes udp(Input& input, unsigned sender) {
  const auto from = static_cast<std::uint16_t>(input.u8() * 64);
  const std::uint16_t to = input.u16();
  return test::udp_frame(ends_of(input, sender), from, to, input.take(input.u8()));
}

Bytes icmp(Input& input, unsigned sender) {
  wire::IcmpRepr repr;
  static constexpr std::array<std::uint8_t, 6> kTypes{8, 0, 3, 5, 11, 12};
  repr.type = static_cast<wire::IcmpType>(kTypes[input.below(kTypes.size())]);
  repr.code = static_cast<std::uint8_t>(input.below(16));
  repr.rest = input.u32();
  return test::icmp_frame(ends_of(input, sender), repr, input.take(input.u8()));
}

Bytes fragment(Input& input, unsigned sender) {
  const ByteView data = input.take(input.u8());
  Bytes payload(data.begin(), data.end());
  payload.resize(payload.size() & ~std::size_t{7});
  const auto protocol = static_cast<wire::IpProtocol>(input.flag() ? 17 : input.u8());
  Bytes frame = test::ip_frame(ends_of(input, sender), protocol, payload);
  if (frame.size() < 34) return frame;
  store_be(frame.data() + 20, static_cast<std::uint16_t>(input.u16() & 0x3fff));
  repair(frame);
  return frame;
}

Bytes neighbour(Input& input, unsigned sender) {
  const PacketEnds ends = ends6_of(input, sender);
  wire::NdpOptions options;
  if (input.flag()) options.source_link = endpoint_mac(sender);
  if (input.flag()) options.target_link = endpoint_mac(sender);
  const Ipv6Address target = input.flag() ? link_local(sender) : ends.target.v6();
  switch (input.below(4)) {
    case 0:
      return test::ndp_frame(ends, wire::NeighbourSolicitationRepr{target, options});
    case 1:
      return test::ndp_frame(
          ends, wire::NeighbourAdvertisementRepr{false, input.flag(), true, target, options});
    case 2:
      return test::ndp_frame(ends, wire::RouterSolicitationRepr{options});
    default:
      return test::echo_frame(ends, true, input.u8(), input.u8(), input.take(input.u8()));
  }
}

Bytes other_ip(Input& input, unsigned sender) {
  const auto protocol = static_cast<wire::IpProtocol>(input.u8());
  if (input.flag())
    return test::ip_frame(ends6_of(input, sender), protocol, input.take(input.u8()));
  return test::ip_frame(ends_of(input, sender), protocol, input.take(input.u8()));
}

Bytes raw(Input& input, unsigned) {
  const ByteView bytes = input.block();
  return {bytes.begin(), bytes.end()};
}

using Template = Bytes (*)(Input&, unsigned);
constexpr std::array<Template, 10> kTemplates{arp,  dhcp,     dns,       tcp,      udp,
                                              icmp, fragment, neighbour, other_ip, raw};

void mutate(Input& input, Bytes& frame) {
  const std::uint8_t kind = input.u8();
  const std::uint16_t at = input.u16();
  if (kind < 160 && !frame.empty()) {
    frame[at % frame.size()] = input.u8();
  } else if (kind < 208) {
    frame.resize(frame.empty() ? 0 : at % frame.size());
  } else {
    frame.resize(frame.size() + at % 64, kind);
  }
}

void repair_transport(Bytes& frame, const TransportLocation& where, const IpAddress& source,
                      const IpAddress& target) {
  const MutableBytes bytes = std::span(frame).subspan(where.transport_offset);
  std::size_t at = 0;
  switch (where.protocol) {
    case wire::IpProtocol::tcp:
      at = 16;
      break;
    case wire::IpProtocol::udp:
      at = 6;
      if (bytes.size() >= 8) store_be(bytes.data() + 4, static_cast<std::uint16_t>(bytes.size()));
      break;
    case wire::IpProtocol::icmp:
    case wire::IpProtocol::icmpv6:
      at = 2;
      break;
    default:
      return;
  }
  if (bytes.size() < at + 2) return;
  store_be(bytes.data() + at, std::uint16_t{0});
  wire::Checksum sum;
  if (where.protocol != wire::IpProtocol::icmp)
    sum = wire::Checksum::pseudo_header(source, target, where.protocol, bytes.size());
  sum.add(bytes);
  store_be(bytes.data() + at, sum.nonzero_value());
}

}  // namespace

MacAddress gateway_mac() {
  return {{2, 0, 0, 0, 1, 0}};
}
MacAddress endpoint_mac(unsigned number) {
  return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(2 + number)}};
}
Ipv4Address gateway_ip() {
  return Ipv4Address::of(172, 17, 0, 1);
}
Ipv4Address endpoint_ip(unsigned number) {
  return Ipv4Address::of(172, 17, 0, 2 + number);
}

void repair(std::vector<std::uint8_t>& frame) {
  constexpr std::size_t kIp = wire::EthernetView::kHeaderSize;
  if (frame.size() < kIp + 20 || frame.size() > 65000) return;
  const MutableBytes packet = std::span(frame).subspan(kIp);
  if (packet[0] >> 4 == 4) {
    store_be(packet.data() + 2, static_cast<std::uint16_t>(packet.size()));
    const std::size_t header = (packet[0] & 15U) * 4U;
    if (header < 20 || header > packet.size()) return;
    store_be(packet.data() + 10, std::uint16_t{0});
    wire::Checksum sum;
    sum.add(packet.first(header));
    store_be(packet.data() + 10, sum.value());
  } else if (packet.size() >= 40) {
    store_be(packet.data() + 4, static_cast<std::uint16_t>(packet.size() - 40));
  }
  const auto where = locate_transport(frame);
  if (!where || where->fragment) return;
  if (where->family == IpFamily::v4) {
    const auto view = wire::Ipv4View::parse(packet);
    repair_transport(frame, *where, view->source(), view->destination());
  } else {
    const auto view = wire::Ipv6View::parse(packet);
    repair_transport(frame, *where, view->source(), view->destination());
  }
}

std::vector<std::uint8_t> make_frame(Input& input, unsigned sender) {
  const std::uint8_t how = input.u8();
  Bytes frame = kTemplates[how % kTemplates.size()](input, sender);
  const unsigned mutations = how < 128 ? 0 : how & 3U;
  for (unsigned i = 0; i < mutations; ++i)
    mutate(input, frame);
  if (mutations > 0 && input.below(4) != 0) repair(frame);
  return frame;
}

}  // namespace pontoon::fuzz
