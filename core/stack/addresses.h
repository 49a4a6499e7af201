// Which addresses are the gateway's, which lie on its link, and which must never appear on a wire.
// Pure judgement: the tables of the martians tests are its specification.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/address.h"

namespace pontoon::stack {

enum class SourceKind : std::uint8_t {
  on_link,      // one of our networks: we can answer it
  unspecified,  // 0.0.0.0 or ::, good for DHCP and duplicate address detection only
  off_link,     // a unicast address that is not of our networks
  martian,      // must not be a source: RFC 1122 3.2.1.3, RFC 4291 2.5 and 2.7
};

enum class TargetKind : std::uint8_t {
  ours,       // an address of the gateway
  foreign,    // somewhere behind us
  neighbour,  // on the link but not us: nothing to route
  broadcast,  // 255.255.255.255 or the network's directed broadcast
  multicast,  // of a group that the gateway is in, or of any other: see in_group()
  martian,    // must not be a target
};

class Addresses {
 public:
  // The prefixes hold the gateway's own address with the network's length.
  Addresses(const MacAddress& mac, const IpPrefix& ipv4,
            const std::optional<IpPrefix>& ipv6) noexcept;

  const MacAddress& mac() const noexcept { return mac_; }
  Ipv4Address ipv4() const noexcept { return ipv4_.v4(); }
  const Ipv6Address& link_local() const noexcept { return link_local_; }
  // What we show as our own address to `other`: the same family and, for IPv6, the same scope.
  IpAddress toward(const IpAddress& other) const noexcept;

  bool ours(const IpAddress& address) const noexcept;
  // Unicast of one of our networks (fe80::/10 included), ours too; not a network or broadcast
  // address.
  bool on_link(const IpAddress& address) const noexcept;
  bool is_broadcast(const IpAddress& address) const noexcept;
  // 224.0.0.1 and .2; ff02::1 and ::2; the solicited-node groups of our addresses.
  bool in_group(const IpAddress& group) const noexcept;

  SourceKind judge_source(const IpAddress& source) const noexcept;
  TargetKind judge_target(const IpAddress& target) const noexcept;

 private:
  SourceKind judge_source4(Ipv4Address source) const noexcept;
  SourceKind judge_source6(const Ipv6Address& source) const noexcept;
  TargetKind judge_target4(Ipv4Address target) const noexcept;
  TargetKind judge_target6(const Ipv6Address& target) const noexcept;

  // A prefix as its first and last address: looked at for every packet, so no bit is counted then.
  struct Range {
    IpAddress first;
    IpAddress last;
    bool contains(const IpAddress& address) const noexcept {
      return first <= address && address <= last;
    }
  };

  MacAddress mac_;
  IpAddress ipv4_;
  std::optional<IpAddress> ipv6_;
  Ipv6Address link_local_;
  Range network4_;
  Range network6_;
  bool has_directed_broadcast_;
};

// Where a multicast or broadcast address goes on Ethernet (RFC 1112 6.4, RFC 2464 7).
MacAddress multicast_mac(const IpAddress& group) noexcept;

}  // namespace pontoon::stack
