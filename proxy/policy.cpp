#include "proxy/policy.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace pontoon::proxy {
namespace {

struct V4Block {
  Ipv4Address network;
  unsigned length;

  constexpr bool contains(Ipv4Address address) const noexcept {
    return ((address.value ^ network.value) >> (32 - length)) == 0;
  }
};

// RFC 6890 where no RFC is named.
constexpr std::array kClosedV4{
    V4Block{Ipv4Address::of(0, 0, 0, 0), 8},           // "this network"; Linux takes it for itself
    V4Block{Ipv4Address::of(127, 0, 0, 0), 8},         // loopback
    V4Block{Ipv4Address::of(169, 254, 0, 0), 16},      // link-local: cloud metadata
    V4Block{Ipv4Address::of(224, 0, 0, 0), 4},         // multicast
    V4Block{Ipv4Address::of(240, 0, 0, 0), 4},         // class E and the limited broadcast
    V4Block{Ipv4Address::of(100, 100, 100, 200), 32},  // Alibaba Cloud's metadata
    V4Block{Ipv4Address::of(192, 0, 0, 192), 32},      // Oracle Cloud's metadata
};

bool closed_v4(Ipv4Address address) noexcept {
  return std::any_of(kClosedV4.begin(), kClosedV4.end(),
                     [&](const V4Block& block) { return block.contains(address); });
}

using Octets = std::array<std::uint8_t, 16>;

bool begins_with(const Octets& octets, std::initializer_list<unsigned> bytes) noexcept {
  return std::equal(bytes.begin(), bytes.end(), octets.begin());
}

Ipv4Address embedded_at(const Octets& octets, std::size_t offset) noexcept {
  return Ipv4Address::from(ByteView(octets).subspan(offset, 4));
}

// The IPv4 address to which a translator or tunnel on the host's side would take the packet.
std::optional<Ipv4Address> embedded_v4(const Octets& o) noexcept {
  if (begins_with(o, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {
    return embedded_at(o, 12);  // RFC 6052 2.1: 64:ff9b::/96
  }
  if (begins_with(o, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0})) {
    return embedded_at(o, 12);  // RFC 2765: ::ffff:0:a.b.c.d
  }
  if (begins_with(o, {0x20, 0x02})) return embedded_at(o, 2);  // RFC 3056 2: 6to4
  if (begins_with(o, {0x20, 0x01, 0, 0})) {
    return Ipv4Address{~embedded_at(o, 12).value};  // RFC 4380 4: Teredo's client, inverted
  }
  return std::nullopt;
}

bool closed_v6(const Octets& o) noexcept {
  // RFC 4291 2.5.2, 2.5.3, 2.5.5.1: "::", "::1" and the old IPv4-compatible addresses.
  if (begins_with(o, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) return true;
  // RFC 8215: a translator of the site, in a format that only it knows.
  if (begins_with(o, {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01})) return true;
  // AWS and Google serve metadata at unique local addresses too.
  if (begins_with(o, {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}))
    return true;
  return begins_with(o, {0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54});
}

bool within(const std::vector<IpPrefix>& prefixes, const IpAddress& address) noexcept {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

}  // namespace

bool never_allowed(const IpAddress& target) noexcept {
  if (target.is_v4()) return closed_v4(target.v4());
  if (target.is_link_local() || target.is_multicast()) return true;
  return closed_v6(target.octets());
}

Decision Policy::decide(const IpAddress& target) const noexcept {
  if (config_.allow_host_loopback && config_.host_v4 == target) {
    return {Verdict::allowed, Ipv4Address::of(127, 0, 0, 1)};
  }
  if (config_.allow_host_loopback && config_.host_v6 == target) {
    return {Verdict::allowed, *Ipv6Address::parse("::1")};
  }
  if (is_gateway(target)) return {Verdict::gateway, target};
  if (config_.internal || never_allowed(target)) return {Verdict::denied, target};
  if (config_.host_v4 == target || config_.host_v6 == target) return {Verdict::denied, target};
  if (within(config_.networks, target)) return {Verdict::denied, target};
  if (!target.is_v4()) {
    const auto embedded = embedded_v4(target.octets());
    if (embedded && (closed_v4(*embedded) || within(config_.networks, IpAddress(*embedded)))) {
      return {Verdict::denied, target};
    }
  }
  return {Verdict::allowed, target};
}

bool Policy::is_gateway(const IpAddress& target) const noexcept {
  const auto& own = config_.gateway;
  return std::find(own.begin(), own.end(), target) != own.end();
}

bool Policy::is_group(const IpAddress& target) const noexcept {
  if (target.is_multicast()) return true;
  if (!target.is_v4()) return false;
  return target.v4().is_broadcast() ||
         std::any_of(config_.networks.begin(), config_.networks.end(),
                     [&](const IpPrefix& prefix) { return prefix.last() == target; });
}

IpAddress Policy::inside_name(const IpAddress& host_peer) const noexcept {
  if (!host_peer.is_loopback()) return host_peer;
  const auto& name = host_peer.is_v4() ? config_.host_v4 : config_.host_v6;
  return name.value_or(host_peer);
}

}  // namespace pontoon::proxy
