// From Ethernet to transport: is the frame for us, is the IP header valid, may these addresses be
// here, is it a whole packet. In this order, so that the cheapest check comes first and a drop is
// named after the first rule that was broken.
#include "core/stack/gateway_impl.h"

#include "core/wire/tcp.h"

namespace pontoon::stack {
namespace {

using wire::EtherType;
using wire::IpProtocol;

constexpr std::uint8_t kLooseSourceRoute = 131;
constexpr std::uint8_t kStrictSourceRoute = 137;

// RFC 791 3.1. Options do no harm but source routes, by which a sender takes paths that are not
// its to take (RFC 7126 4.3 and 4.4). A list that makes no sense is refused with them.
bool options_acceptable(ByteView options) noexcept {
  ByteReader reader(options);
  while (reader.remaining() > 0) {
    const std::uint8_t kind = reader.u8();
    if (kind == 0) return true;
    if (kind == 1) continue;
    if (kind == kLooseSourceRoute || kind == kStrictSourceRoute) return false;
    const std::size_t length = reader.u8();
    if (length < 2) return false;
    reader.skip(length - 2);
  }
  return reader.ok();
}

// RFC 5095 and RFC 8200 4.4: a routing header with segments left would have us forward the packet
// to where its sender pleases. The chain has been found well-formed.
bool has_source_route(const wire::Ipv6View& view, const wire::Ipv6Chain& chain) noexcept {
  ByteReader reader(view.bytes().first(chain.offset));
  reader.skip(wire::Ipv6View::kHeaderSize);
  IpProtocol next = view.next_header();
  while (reader.remaining() >= 8) {
    const ByteView head = reader.take(8);
    if (next == IpProtocol::routing && head[3] != 0) return true;
    if (next != IpProtocol::fragment) reader.skip(head[1] * 8U);
    next = static_cast<IpProtocol>(head[0]);
  }
  return false;
}

bool trusted(const Offload& offload) noexcept {
  return offload.checksum_valid || offload.needs_checksum;
}

// ff02::1:2, where DHCPv6 servers listen (RFC 8415 7.1).
bool is_dhcpv6_group(const IpAddress& group) noexcept {
  static constexpr Ipv6Address kServers{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2}};
  return group == IpAddress(kServers);
}

constexpr std::uint16_t kDhcpv6ServerPort = 547;

}  // namespace

void Gateway::Impl::on_frame(const Frame& frame, bool reassembled, Instant now) noexcept {
  const auto ethernet = wire::EthernetView::parse(frame.bytes());
  if (!ethernet) return drop(DropReason::malformed_ethernet);
  const MacAddress source = ethernet->source();
  if (source.is_multicast() || source.is_zero()) return drop(DropReason::malformed_ethernet);
  if (source == addresses_.mac()) return drop(DropReason::guard_source_mac);
  const MacAddress destination = ethernet->destination();
  if (!destination.is_multicast() && destination != addresses_.mac()) {
    return drop(DropReason::link_not_ours);
  }
  const Link link{*ethernet, frame.offload, reassembled};
  if (ethernet->ether_type() == EtherType::ipv4) return on_ipv4(link, now);
  if (ethernet->ether_type() == EtherType::ipv6) return on_ipv6(link, now);
  if (ethernet->ether_type() == EtherType::arp) return on_arp(*ethernet, now);
  drop(DropReason::link_protocol);
}

Packet Gateway::Impl::describe(const Link& link, const IpAddress& source,
                               const IpAddress& target) const noexcept {
  Packet packet;
  packet.source_mac = link.ethernet.source();
  packet.to_group = link.ethernet.destination().is_multicast();
  packet.source = source;
  packet.target = target;
  packet.source_kind = addresses_.judge_source(source);
  packet.target_kind = addresses_.judge_target(target);
  packet.reassembled = link.reassembled;
  packet.checksum_trusted = trusted(link.offload);
  if (link.offload.gso == Gso::udp) packet.udp_segment_size = link.offload.segment_size;
  return packet;
}

bool Gateway::Impl::joined(const IpAddress& group) const noexcept {
  if (addresses_.in_group(group)) return true;
  return is_dhcpv6_group(group) && find_service(kDhcpv6ServerPort, UdpReach::link) != nullptr;
}

std::optional<DropReason> Gateway::Impl::judge(const Packet& packet) const noexcept {
  if (packet.source_kind == SourceKind::martian) return DropReason::ip_martian;
  switch (packet.target_kind) {
    case TargetKind::martian:
      return DropReason::ip_martian;
    case TargetKind::broadcast:
      return std::nullopt;
    case TargetKind::multicast:
      if (joined(packet.target)) return std::nullopt;
      return DropReason::multicast_not_routed;
    case TargetKind::neighbour:
      return DropReason::ip_not_ours;
    case TargetKind::ours:
    case TargetKind::foreign:
      break;
  }
  // RFC 1122 3.3.6: what came to everybody on the link but is for one only is discarded.
  if (packet.to_group) return DropReason::ip_not_ours;
  if (packet.source_kind != SourceKind::on_link) return DropReason::ip_martian;
  // RFC 4291 2.5.6: a link-local source never leaves its link.
  const bool leaves = packet.target_kind == TargetKind::foreign;
  if (leaves && !packet.source.is_v4() && packet.source.is_link_local()) {
    return DropReason::ip_martian;
  }
  return std::nullopt;
}

// We stand for a router: what it may not forward any more ends here, and its sender learns of us
// (RFC 1812 5.3.1). What is for us may have any TTL.
bool Gateway::Impl::expire(const Packet& packet, bool first_piece, Instant now) noexcept {
  if (packet.target_kind != TargetKind::foreign || packet.hop_limit > 1) return false;
  drop(DropReason::ip_ttl_expired);
  if (first_piece) {
    complain(packet, icmp_message(packet.source.family(), Unreachable::time_exceeded), now);
  }
  return true;
}

void Gateway::Impl::on_ipv4(const Link& link, Instant now) noexcept {
  const auto view = wire::Ipv4View::parse(link.ethernet.payload());
  if (!view) return drop(DropReason::malformed_ip);
  if (!link.offload.checksum_valid && !view->checksum_ok()) return drop(DropReason::ip_checksum);
  Packet packet = describe(link, view->source(), view->destination());
  if (const auto reason = judge(packet)) return drop(*reason);
  if (!options_acceptable(view->options())) return drop(DropReason::ip_options);
  packet.protocol = view->protocol();
  packet.hop_limit = view->ttl();
  packet.whole = view->bytes();
  packet.transport = view->payload();
  if (expire(packet, view->fragment_offset() == 0, now)) return;
  if (view->is_fragment()) return on_ipv4_fragment(link, *view, now);
  deliver(packet, now);
}

void Gateway::Impl::on_ipv4_fragment(const Link& link, const wire::Ipv4View& view,
                                     Instant now) noexcept {
  Fragment fragment;
  fragment.key = {view.source(), view.destination(), view.identification(),
                  static_cast<std::uint8_t>(view.protocol())};
  fragment.offset = view.fragment_offset();
  fragment.more = view.more_fragments();
  fragment.data = view.payload();
  fragment.link_header = link.ethernet.header();
  fragment.ip_header = view.header();
  fragment.protocol = fragment.key.protocol;
  reassemble(fragment, now);
}

void Gateway::Impl::on_ipv6(const Link& link, Instant now) noexcept {
  const auto view = wire::Ipv6View::parse(link.ethernet.payload());
  if (!view) return drop(DropReason::malformed_ip);
  Packet packet = describe(link, view->source(), view->destination());
  if (const auto reason = judge(packet)) return drop(*reason);
  const wire::Ipv6Chain chain = view->chain();
  if (chain.status == wire::Ipv6ChainStatus::malformed) return drop(DropReason::malformed_ip);
  if (chain.status == wire::Ipv6ChainStatus::too_long || has_source_route(*view, chain)) {
    return drop(DropReason::ip_options);
  }
  packet.protocol = chain.protocol;
  packet.hop_limit = view->hop_limit();
  packet.whole = view->bytes();
  packet.transport = chain.payload;
  const bool piece = chain.fragment && !chain.fragment->is_atomic();
  if (expire(packet, !piece || chain.fragment->offset == 0, now)) return;
  if (chain.fragment) {
    // A datagram that was put together has no fragment header left; one inside it would be a
    // way to make us work in circles.
    if (link.reassembled) return drop(DropReason::fragment_malformed);
    if (piece) return on_ipv6_fragment(link, *view, chain, now);
    packet.reassembled = true;
  }
  deliver(packet, now);
}

void Gateway::Impl::on_ipv6_fragment(const Link& link, const wire::Ipv6View& view,
                                     const wire::Ipv6Chain& chain, Instant now) noexcept {
  Fragment fragment;
  fragment.key = {view.source(), view.destination(), chain.fragment->identification, 0};
  fragment.offset = chain.fragment->offset;
  fragment.more = chain.fragment->more;
  fragment.data = chain.payload;
  fragment.link_header = link.ethernet.header();
  // Headers in front of the fragment header have done their work; the packet goes on without them.
  fragment.ip_header = view.header();
  fragment.protocol = static_cast<std::uint8_t>(chain.fragment->next_header);
  reassemble(fragment, now);
}

void Gateway::Impl::reassemble(const Fragment& fragment, Instant now) noexcept {
  const FrameRef whole = reassembly_.add(fragment, now);
  if (whole) on_frame(*whole, true, now);
}

void Gateway::Impl::on_reassembly_timeout(FrameRef first, Instant now) noexcept {
  const auto ethernet = wire::EthernetView::parse(first->bytes());
  INVARIANT(ethernet);
  const Link link{*ethernet, first->offload, true};
  if (const auto view = wire::Ipv4View::parse(ethernet->payload())) {
    Packet packet = describe(link, view->source(), view->destination());
    packet.protocol = view->protocol();
    packet.whole = view->bytes();
    packet.transport = view->payload();
    complain(packet, icmp_reassembly_timeout(IpFamily::v4), now);
  } else if (const auto six = wire::Ipv6View::parse(ethernet->payload())) {
    Packet packet = describe(link, six->source(), six->destination());
    packet.protocol = six->next_header();
    packet.whole = six->bytes();
    packet.transport = six->payload();
    complain(packet, icmp_reassembly_timeout(IpFamily::v6), now);
  }
}

void Gateway::Impl::deliver(const Packet& packet, Instant now) noexcept {
  const bool v4 = packet.source.is_v4();
  if (packet.protocol == IpProtocol::tcp) return on_tcp(packet, now);
  if (packet.protocol == IpProtocol::udp) return on_udp(packet, now);
  if (v4 && packet.protocol == IpProtocol::icmp) return on_icmp(packet, now);
  if (!v4 && packet.protocol == IpProtocol::icmpv6) return on_icmpv6(packet, now);
  drop(DropReason::ip_protocol);
  refuse_protocol(packet, now);
}

void Gateway::Impl::refuse_protocol(const Packet& packet, Instant now) noexcept {
  const IpFamily family = packet.source.family();
  if (packet.protocol == IpProtocol::no_next_header) return;
  if (packet.target_kind == TargetKind::foreign) {
    return complain(packet, icmp_message(family, Unreachable::prohibited), now);
  }
  if (family == IpFamily::v4) {
    // RFC 1122 3.2.2.1: protocol unreachable.
    return complain(packet, {3, static_cast<std::uint8_t>(wire::IcmpUnreachable::protocol), 0},
                    now);
  }
  // RFC 4443 3.4, code 1; the pointer names the next header field that we do not know.
  constexpr std::uint32_t kNextHeaderOffset = 6;
  const bool plain = packet.whole.size() - packet.transport.size() == wire::Ipv6View::kHeaderSize;
  if (plain) complain(packet, {4, 1, kNextHeaderOffset}, now);
}

void Gateway::Impl::complain(const Packet& packet, const IcmpMessage& message,
                             Instant now) noexcept {
  const Offender offender{
      packet.source,
      packet.target,
      packet.source_kind == SourceKind::on_link && !packet.to_group && !packet.to_many(),
      packet.protocol,
      packet.whole,
      packet.transport};
  icmp.complain(offender, message, now);
}

void Gateway::Impl::on_tcp(const Packet& packet, Instant now) noexcept {
  if (packet.to_many()) return drop(DropReason::multicast_not_routed);
  const auto segment = wire::TcpView::parse(packet.transport);
  if (!segment) return drop(DropReason::malformed_tcp);
  if (!packet.checksum_trusted && !segment->checksum_ok(packet.source, packet.target)) {
    return drop(DropReason::tcp_checksum);
  }
  tcp.on_segment(packet.source, packet.target, *segment, now);
}

}  // namespace pontoon::stack
