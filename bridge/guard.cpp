#include "bridge/guard.h"

#include "core/wire/arp.h"
#include "core/wire/icmp.h"
#include "core/wire/icmpv6.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/udp.h"

namespace pontoon::bridge {
namespace {

using Verdict = std::optional<DropReason>;
constexpr Verdict kPass = std::nullopt;

// RFC 2131 4.1 and RFC 8415 7.2.
constexpr std::uint16_t kDhcpServer = 67;
constexpr std::uint16_t kDhcpClient = 68;
constexpr std::uint16_t kDhcpv6Client = 546;
constexpr std::uint16_t kDhcpv6Server = 547;

Verdict judge_arp(const GuardPolicy& policy, ByteView bytes) noexcept {
  const auto arp = wire::ArpView::parse(bytes);
  if (!arp) return DropReason::malformed_arp;
  const bool request = arp->operation() == wire::ArpOperation::request;
  // Only what RFC 826 defines: the inverse and reverse kinds make claims of their own.
  if (!request && arp->operation() != wire::ArpOperation::reply) return DropReason::guard_arp;
  if (arp->sender_mac() != policy.mac) return DropReason::guard_arp;
  // RFC 5227 1.1: a probe's sender address is all zeroes, and it claims nothing.
  if (arp->sender_ip().is_any() && request) return kPass;
  return policy.ipv4 == IpAddress(arp->sender_ip()) ? kPass : DropReason::guard_arp;
}

// The ports, where they can be read: null in any but a first fragment.
struct Ports {
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
};

std::optional<Ports> udp_ports(ByteView bytes) noexcept {
  const auto udp = wire::UdpView::parse_quoted(bytes);
  if (!udp) return std::nullopt;
  return Ports{udp->source_port(), udp->destination_port()};
}

// Some clients look at their own port only, so a server's message is recognised by either.
bool from_dhcp_server(const Ports& ports) noexcept {
  return ports.source == kDhcpServer || ports.destination == kDhcpClient;
}
bool from_dhcpv6_server(const Ports& ports) noexcept {
  return ports.source == kDhcpv6Server || ports.destination == kDhcpv6Client;
}

// RFC 1542 4.1.1: what a relay forwards to a server goes from its own server's port. No client
// listens there.
bool from_relay(const GuardPolicy& policy, const Ports& ports) noexcept {
  return policy.relay && ports.source == kDhcpServer && ports.destination == kDhcpServer;
}

Verdict judge_ipv4_service(const GuardPolicy& policy, const wire::Ipv4View& ip,
                           const std::optional<Ports>& ports) noexcept {
  if (ip.protocol() == wire::IpProtocol::udp) {
    if (!ports) return DropReason::malformed_udp;
    if (from_dhcp_server(*ports) && !from_relay(policy, *ports)) return DropReason::guard_service;
  }
  if (ip.protocol() == wire::IpProtocol::icmp && !ip.payload().empty() &&
      static_cast<wire::IcmpType>(ip.payload()[0]) == wire::IcmpType::redirect) {
    return DropReason::guard_service;
  }
  return kPass;
}

Verdict judge_ipv4(const GuardPolicy& policy, ByteView bytes) noexcept {
  const auto ip = wire::Ipv4View::parse(bytes);
  if (!ip) return DropReason::malformed_ip;
  const bool own = policy.ipv4 == IpAddress(ip->source());
  if (ip->fragment_offset() != 0) return own ? kPass : DropReason::guard_source_ip;

  std::optional<Ports> ports;
  if (ip->protocol() == wire::IpProtocol::udp) ports = udp_ports(ip->payload());
  if (own) return judge_ipv4_service(policy, *ip, ports);
  // RFC 2131 4.1: a client without an address sends from 0.0.0.0. Its message is never a fragment.
  const bool dhcp = ip->source().is_any() && !ip->is_fragment() && ports &&
                    ports->source == kDhcpClient && ports->destination == kDhcpServer;
  return dhcp ? kPass : DropReason::guard_source_ip;
}

// RFC 4291 appendix A: the middle of a modified EUI-64 is ff:fe.
bool has_eui64_form(const Ipv6Address& address) noexcept {
  return address.octets[11] == 0xff && address.octets[12] == 0xfe;
}

bool may_use(const GuardPolicy& policy, const Ipv6Address& address) noexcept {
  if (policy.ipv6 == IpAddress(address)) return true;
  if (!address.is_link_local()) return false;
  return !has_eui64_form(address) || address == Ipv6Address::link_local(policy.mac);
}

enum class NdpOption : std::uint8_t { source_link_address = 1, target_link_address = 2 };

// Every link-layer address among the options must be the port's own.
Verdict judge_ndp_options(const GuardPolicy& policy, ByteReader reader) noexcept {
  while (reader.remaining() > 0) {
    const auto type = static_cast<NdpOption>(reader.u8());
    const std::size_t length = std::size_t{8} * reader.u8();
    // RFC 4861 4.6: a length of zero makes the message invalid.
    if (length == 0) return DropReason::malformed_ndp;
    const ByteView value = reader.take(length - 2);
    if (!reader.ok()) return DropReason::malformed_ndp;
    if (type != NdpOption::source_link_address && type != NdpOption::target_link_address) continue;
    if (MacAddress::from(value.first(MacAddress::size)) != policy.mac) return DropReason::guard_arp;
  }
  return kPass;
}

// RFC 4861 4.3 and 4.4: type, code, checksum, 4 bytes of flags, the target, options.
Verdict judge_neighbour(const GuardPolicy& policy, wire::Icmpv6Type type, const Ipv6Address& source,
                        ByteView message) noexcept {
  ByteReader reader(message);
  reader.skip(wire::Icmpv6View::kHeaderSize);
  const ByteView target = reader.take(16);
  if (!reader.ok()) return DropReason::malformed_ndp;
  // An advertisement claims its target; so does a solicitation from ::, which is DAD.
  const bool claims = type == wire::Icmpv6Type::neighbour_advertisement || source.is_any();
  if (claims && !may_use(policy, Ipv6Address::from(target))) return DropReason::guard_arp;
  return judge_ndp_options(policy, reader);
}

// RFC 3122's inverse neighbour discovery; its messages claim link-layer addresses.
constexpr std::uint8_t kInverseSolicitation = 141;
constexpr std::uint8_t kInverseAdvertisement = 142;
constexpr std::uint8_t kRouterRenumbering = 138;

bool is_neighbour_discovery(std::uint8_t type) noexcept {
  return (type >= static_cast<std::uint8_t>(wire::Icmpv6Type::router_solicitation) &&
          type <= static_cast<std::uint8_t>(wire::Icmpv6Type::redirect)) ||
         type == kInverseSolicitation || type == kInverseAdvertisement;
}

Verdict judge_icmpv6(const GuardPolicy& policy, const Ipv6Address& source,
                     const wire::Ipv6Chain& chain) noexcept {
  if (chain.payload.empty()) return DropReason::malformed_icmp;
  const std::uint8_t number = chain.payload[0];
  const auto type = static_cast<wire::Icmpv6Type>(number);
  if (type == wire::Icmpv6Type::router_advertisement || type == wire::Icmpv6Type::redirect ||
      number == kRouterRenumbering) {
    return DropReason::guard_service;
  }
  if (number == kInverseSolicitation || number == kInverseAdvertisement) {
    return DropReason::guard_arp;
  }
  // RFC 6980 5: a node must not send these as fragments, not even as an atomic one.
  if (chain.fragment && is_neighbour_discovery(number)) return DropReason::malformed_ndp;
  if (type == wire::Icmpv6Type::neighbour_solicitation ||
      type == wire::Icmpv6Type::neighbour_advertisement) {
    return judge_neighbour(policy, type, source, chain.payload);
  }
  if (type == wire::Icmpv6Type::router_solicitation) {
    ByteReader options(chain.payload);
    options.skip(wire::Icmpv6View::kHeaderSize);
    return options.ok() ? judge_ndp_options(policy, options) : DropReason::malformed_ndp;
  }
  return kPass;
}

bool is_extension(wire::IpProtocol protocol) noexcept {
  return protocol == wire::IpProtocol::hop_by_hop || protocol == wire::IpProtocol::routing ||
         protocol == wire::IpProtocol::fragment ||
         protocol == wire::IpProtocol::destination_options;
}

Verdict judge_ipv6_payload(const GuardPolicy& policy, const Ipv6Address& source,
                           const wire::Ipv6Chain& chain) noexcept {
  // Behind the header of a true fragment the chain was not walked on. RFC 7112 3 wants all of it in
  // the first fragment.
  // Deviation: a first fragment that goes on with an extension header is dropped even when the
  // rest of its chain is there; nobody sends such fragments but to hide what they carry.
  if (is_extension(chain.protocol)) return DropReason::ip_options;
  if (chain.protocol == wire::IpProtocol::udp) {
    const auto ports = udp_ports(chain.payload);
    if (!ports) return DropReason::malformed_udp;
    return from_dhcpv6_server(*ports) ? DropReason::guard_service : kPass;
  }
  if (chain.protocol == wire::IpProtocol::icmpv6) return judge_icmpv6(policy, source, chain);
  return kPass;
}

// What a node without an address may send from :: (RFC 4861 4.1, RFC 4862 5.4.2, RFC 3590 4).
bool may_be_unspecified(const wire::Ipv6Chain& chain) noexcept {
  if (chain.protocol != wire::IpProtocol::icmpv6 || chain.fragment || chain.payload.empty()) {
    return false;
  }
  const auto type = static_cast<wire::Icmpv6Type>(chain.payload[0]);
  return type == wire::Icmpv6Type::neighbour_solicitation ||
         type == wire::Icmpv6Type::router_solicitation ||
         type == wire::Icmpv6Type::listener_report || type == wire::Icmpv6Type::listener_done ||
         type == wire::Icmpv6Type::listener_report_v2;
}

Verdict judge_ipv6(const GuardPolicy& policy, ByteView bytes) noexcept {
  const auto ip = wire::Ipv6View::parse(bytes);
  if (!ip) return DropReason::malformed_ip;
  const Ipv6Address source = ip->source();
  const wire::Ipv6Chain chain = ip->chain();
  if (chain.status == wire::Ipv6ChainStatus::too_long) return DropReason::ip_options;
  if (chain.status == wire::Ipv6ChainStatus::malformed) return DropReason::malformed_ip;
  const bool allowed = source.is_any() ? may_be_unspecified(chain) : may_use(policy, source);
  if (!allowed) return DropReason::guard_source_ip;
  if (chain.fragment && chain.fragment->offset != 0) return kPass;
  return judge_ipv6_payload(policy, source, chain);
}

}  // namespace

std::optional<DropReason> judge(const GuardPolicy& policy,
                                const wire::EthernetView& frame) noexcept {
  if (frame.source() != policy.mac) return DropReason::guard_source_mac;
  // Tagged frames (802.1Q, 802.1ad) are among what falls through: there are no VLANs here, and a
  // tag would hide what follows.
  const wire::EtherType type = frame.ether_type();
  if (type == wire::EtherType::arp) return judge_arp(policy, frame.payload());
  if (type == wire::EtherType::ipv4) return judge_ipv4(policy, frame.payload());
  if (type == wire::EtherType::ipv6) return judge_ipv6(policy, frame.payload());
  return DropReason::guard_ethertype;
}

}  // namespace pontoon::bridge
