// The guard judges what an endpoint sends, before the switch learns or forwards anything: an
// endpoint speaks with its own addresses only, and offers none of the services that the network
// itself gives (DHCP, router advertisements). It reads the bytes in place and keeps no state.
//
//   Ethernet   the port's MAC; ARP, IPv4 and IPv6 only
//   ARP        requests and replies from the port's MAC and IPv4 address; probes (RFC 5227 1.1)
//   IPv4       the port's address, or 0.0.0.0 in a DHCP client's message; no DHCP server (a relay
//              may speak from port 67 to port 67), no redirects
//   IPv6       the port's address, its link-local ones, or :: for DAD, router solicitation and
//              multicast listener reports; no DHCPv6 server, router advertisement or redirect;
//              neighbour messages claim nothing but these addresses for the port's own MAC
//
// Link-local addresses: a container's kernel makes them from the MAC (modified EUI-64) or from a
// secret (RFC 7217), so a port may use any address in fe80::/10 with one exception: one of EUI-64
// form belongs to the MAC that it spells, the gateway's among them. What remains possible is to
// claim another endpoint's RFC 7217 address.
//
// Fragments: ports and ICMPv6 types can be read in a first fragment only. Later ones pass when
// their addresses do, since without a first one they come to nothing. A first one must hold all of
// its header chain (RFC 7112), and neighbour discovery is never fragmented (RFC 6980).
#pragma once

#include <optional>

#include "bridge/switch.h"
#include "core/base/drop.h"
#include "core/wire/ethernet.h"

namespace pontoon::bridge {

// Why the frame must not go on; nullopt when it may.
std::optional<DropReason> judge(const GuardPolicy& policy,
                                const wire::EthernetView& frame) noexcept;

}  // namespace pontoon::bridge
