#include "core/stack/addresses.h"

#include "core/wire/ndp.h"

namespace pontoon::stack {
namespace {

constexpr Ipv4Address kAllSystems = Ipv4Address::of(224, 0, 0, 1);
constexpr Ipv4Address kAllRouters = Ipv4Address::of(224, 0, 0, 2);

bool is_zero_network(Ipv4Address address) noexcept {
  return (address.value >> 24) == 0;
}

// 240.0.0.0/4 but for the limited broadcast (RFC 1112 4).
bool is_reserved(Ipv4Address address) noexcept {
  return (address.value >> 28) == 0xf && !address.is_broadcast();
}

}  // namespace

Addresses::Addresses(const MacAddress& mac, const IpPrefix& ipv4,
                     const std::optional<IpPrefix>& ipv6) noexcept
    : mac_(mac),
      ipv4_(ipv4.address),
      link_local_(Ipv6Address::link_local(mac)),
      network4_{ipv4.network(), ipv4.last()},
      // RFC 3021: a /31 (and a single address) has no broadcast address.
      has_directed_broadcast_(ipv4.length <= 30) {
  if (!ipv6) return;
  ipv6_ = ipv6->address;
  network6_ = {ipv6->network(), ipv6->last()};
}

IpAddress Addresses::toward(const IpAddress& other) const noexcept {
  if (other.is_v4()) return ipv4_;
  if (ipv6_ && !other.is_link_local()) return *ipv6_;
  return link_local_;
}

bool Addresses::ours(const IpAddress& address) const noexcept {
  return address == ipv4_ || address == IpAddress(link_local_) || address == ipv6_;
}

bool Addresses::on_link(const IpAddress& address) const noexcept {
  if (address.is_v4()) {
    if (!network4_.contains(address)) return false;
    return !has_directed_broadcast_ || (address != network4_.first && address != network4_.last);
  }
  if (address.is_multicast() || address.is_any()) return false;
  return address.is_link_local() || (ipv6_ && network6_.contains(address));
}

bool Addresses::is_broadcast(const IpAddress& address) const noexcept {
  if (!address.is_v4()) return false;
  return address.v4().is_broadcast() || (has_directed_broadcast_ && address == network4_.last);
}

bool Addresses::in_group(const IpAddress& group) const noexcept {
  if (group.is_v4()) return group.v4() == kAllSystems || group.v4() == kAllRouters;
  const Ipv6Address six = group.v6();
  return six == wire::all_nodes() || six == wire::all_routers() ||
         six == wire::solicited_node(link_local_) ||
         (ipv6_ && six == wire::solicited_node(ipv6_->v6()));
}

SourceKind Addresses::judge_source(const IpAddress& source) const noexcept {
  if (ours(source)) return SourceKind::martian;
  return source.is_v4() ? judge_source4(source.v4()) : judge_source6(source.v6());
}

SourceKind Addresses::judge_source4(Ipv4Address source) const noexcept {
  if (source.is_any()) return SourceKind::unspecified;
  // RFC 1122 3.2.1.3: {0, host}, loopback, multicast and broadcasts are never a source.
  if (is_zero_network(source) || source.is_loopback() || source.is_multicast() ||
      source.is_broadcast() || is_reserved(source)) {
    return SourceKind::martian;
  }
  if (on_link(source)) return SourceKind::on_link;
  return network4_.contains(source) ? SourceKind::martian : SourceKind::off_link;
}

SourceKind Addresses::judge_source6(const Ipv6Address& source) const noexcept {
  if (source.is_any()) return SourceKind::unspecified;
  if (source.is_loopback() || source.is_multicast() || source.is_v4_mapped()) {
    return SourceKind::martian;
  }
  return on_link(source) ? SourceKind::on_link : SourceKind::off_link;
}

TargetKind Addresses::judge_target(const IpAddress& target) const noexcept {
  if (ours(target)) return TargetKind::ours;
  if (is_broadcast(target)) return TargetKind::broadcast;
  return target.is_v4() ? judge_target4(target.v4()) : judge_target6(target.v6());
}

TargetKind Addresses::judge_target4(Ipv4Address target) const noexcept {
  if (target.is_multicast()) return TargetKind::multicast;
  if (is_zero_network(target) || target.is_loopback() || is_reserved(target)) {
    return TargetKind::martian;
  }
  if (on_link(target)) return TargetKind::neighbour;
  return network4_.contains(target) ? TargetKind::martian : TargetKind::foreign;
}

TargetKind Addresses::judge_target6(const Ipv6Address& target) const noexcept {
  if (target.is_multicast()) return TargetKind::multicast;
  if (target.is_any() || target.is_loopback() || target.is_v4_mapped()) return TargetKind::martian;
  return on_link(target) ? TargetKind::neighbour : TargetKind::foreign;
}

MacAddress multicast_mac(const IpAddress& group) noexcept {
  const auto& o = group.octets();
  if (!group.is_v4()) return wire::multicast_mac(group.v6());
  if (!group.is_multicast()) return MacAddress::broadcast();
  return {{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(o[13] & 0x7f), o[14], o[15]}};
}

}  // namespace pontoon::stack
