// What the replay of captures looks at in a frame: who speaks, to whom, and what DHCP
// and DNS messages say of addresses and names. Lenient: a frame may be cut and a message malformed;
// what can be read counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/wire/tcp.h"

namespace pontoon::lab {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint16_t kDhcpServerPort = 67;
constexpr std::uint16_t kDhcpClientPort = 68;

// A DHCP message as far as it goes: options behind the first one that makes no sense are not seen.
struct DhcpSeen {
  bool request = false;   // op is BOOTREQUEST
  std::uint8_t type = 0;  // option 53; 0: there is none
  std::uint32_t xid = 0;
  Ipv4Address ciaddr;
  Ipv4Address yiaddr;
  Ipv4Address giaddr;
  MacAddress chaddr;
  std::optional<Ipv4Address> requested;  // option 50
  std::optional<Ipv4Address> server;     // option 54
  std::optional<Ipv4Address> mask;       // option 1
  std::optional<Ipv4Address> router;     // the first of option 3
  std::optional<Ipv4Address> dns;        // the first of option 6
  std::string name;                      // option 12, else 81; as it was sent

  // nullopt without the fixed fields and the magic cookie.
  static std::optional<DhcpSeen> parse(ByteView payload);
};

struct FrameSeen {
  enum class Kind : std::uint8_t { arp, udp, tcp, icmp, ipv4, ipv6, other } kind = Kind::other;
  MacAddress source;
  MacAddress target;
  Ipv4Address from;  // IPv4 source, or ARP's sender
  Ipv4Address to;    // IPv4 destination, or ARP's target
  bool arp_request = false;
  std::uint16_t source_port = 0;
  std::uint16_t target_port = 0;
  wire::TcpFlags flags;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgement = 0;
  std::uint8_t icmp_type = 0;
  ByteView payload;  // of UDP or TCP; of ICMP the message

  bool is_ipv4() const noexcept {
    return kind == Kind::udp || kind == Kind::tcp || kind == Kind::icmp || kind == Kind::ipv4;
  }
  bool is_dhcp() const noexcept {
    return kind == Kind::udp && (target_port == kDhcpServerPort || source_port == kDhcpServerPort);
  }
  bool has_port(std::uint16_t port) const noexcept {
    return (kind == Kind::udp || kind == Kind::tcp) && target_port == port;
  }
  // QR is set (RFC 1035 4.1.1); over TCP the message begins behind its length.
  bool is_dns_response() const noexcept;

  // An Ethernet frame without a VLAN tag. Nullopt when it is too short to be one.
  static std::optional<FrameSeen> parse(ByteView frame);
};

// Unicast, neither loopback nor link-local.
bool is_host_address(Ipv4Address address) noexcept;

}  // namespace pontoon::lab
