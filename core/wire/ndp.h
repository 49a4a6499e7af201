// Neighbour discovery for IPv6 (RFC 4861): solicitations and advertisements of neighbours and
// routers, with the options for link-layer addresses, MTU, prefixes and DNS servers (RFC 8106).
//
// The views parse a whole ICMPv6 message whose checksum was verified by the caller. What the RFC
// demands of the IP header around it is acceptable()'s matter.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/base/limits.h"
#include "core/wire/icmpv6.h"

namespace pontoon::wire {

// RFC 4861 6.1 and 7.1: proves that the message was not forwarded by a router.
constexpr std::uint8_t kNdpHopLimit = 255;

Ipv6Address all_nodes() noexcept;                                 // ff02::1
Ipv6Address all_routers() noexcept;                               // ff02::2
Ipv6Address solicited_node(const Ipv6Address& address) noexcept;  // RFC 4291 2.7.1
MacAddress multicast_mac(const Ipv6Address& multicast) noexcept;  // RFC 2464 7
constexpr std::uint32_t kNdpInfiniteLifetime = 0xffffffff;        // RFC 4861 4.6.2

// RFC 4861 4.6.2.
struct NdpPrefix {
  Ipv6Address prefix;
  std::uint8_t length = 64;
  bool on_link = true;
  bool autonomous = true;
  std::uint32_t valid_s = 0;
  std::uint32_t preferred_s = 0;
  friend bool operator==(const NdpPrefix&, const NdpPrefix&) = default;
};

// Which of them a message may carry is the business of its sender; unknown ones are skipped.
struct NdpOptions {
  std::optional<MacAddress> source_link;
  std::optional<MacAddress> target_link;
  std::optional<std::uint32_t> mtu;
  std::array<NdpPrefix, limits::kNdpPrefixes> prefixes{};
  std::uint8_t prefix_count = 0;
  std::array<Ipv6Address, limits::kNdpDnsServers> dns_servers{};
  std::uint8_t dns_server_count = 0;
  std::uint32_t dns_lifetime_s = 0;  // of all servers

  // False when there is no room for another.
  bool add_prefix(const NdpPrefix& prefix) noexcept;
  bool add_dns_server(const Ipv6Address& server) noexcept;
  std::span<const NdpPrefix> prefix_list() const noexcept {
    return std::span(prefixes).first(prefix_count);
  }
  std::span<const Ipv6Address> dns_server_list() const noexcept {
    return std::span(dns_servers).first(dns_server_count);
  }

  // Nullopt when an option is truncated or has length zero (RFC 4861 4.6: discard the packet), or
  // when there are more than limits::kNdpOptions. Of known ones a wrong length skips the option.
  static std::optional<NdpOptions> parse(ByteView bytes) noexcept;
  std::size_t size() const noexcept;
  void emit(ByteWriter& writer) const noexcept;
  friend bool operator==(const NdpOptions&, const NdpOptions&) = default;
};

class NeighbourSolicitationView {
 public:
  static constexpr std::size_t kFixedSize = 24;

  // Type and code right, long enough, target no multicast address, options well-formed.
  static std::optional<NeighbourSolicitationView> parse(ByteView message) noexcept;
  // RFC 4861 7.1.1.
  bool acceptable(const Ipv6Address& source, const Ipv6Address& destination,
                  std::uint8_t hop_limit) const noexcept;

  Ipv6Address target() const noexcept { return Ipv6Address::from(bytes_.subspan(8, 16)); }
  const NdpOptions& options() const noexcept { return options_; }

 private:
  NeighbourSolicitationView(ByteView bytes, const NdpOptions& options) noexcept
      : bytes_(bytes), options_(options) {}
  ByteView bytes_;
  NdpOptions options_;
};

class NeighbourAdvertisementView {
 public:
  static constexpr std::size_t kFixedSize = 24;

  static std::optional<NeighbourAdvertisementView> parse(ByteView message) noexcept;
  // RFC 4861 7.1.2.
  bool acceptable(const Ipv6Address& destination, std::uint8_t hop_limit) const noexcept;

  bool router() const noexcept { return (bytes_[4] & 0x80) != 0; }
  bool solicited() const noexcept { return (bytes_[4] & 0x40) != 0; }
  bool overrides() const noexcept { return (bytes_[4] & 0x20) != 0; }
  Ipv6Address target() const noexcept { return Ipv6Address::from(bytes_.subspan(8, 16)); }
  const NdpOptions& options() const noexcept { return options_; }

 private:
  NeighbourAdvertisementView(ByteView bytes, const NdpOptions& options) noexcept
      : bytes_(bytes), options_(options) {}
  ByteView bytes_;
  NdpOptions options_;
};

class RouterSolicitationView {
 public:
  static constexpr std::size_t kFixedSize = 8;

  static std::optional<RouterSolicitationView> parse(ByteView message) noexcept;
  // RFC 4861 6.1.1.
  bool acceptable(const Ipv6Address& source, std::uint8_t hop_limit) const noexcept;

  const NdpOptions& options() const noexcept { return options_; }

 private:
  explicit RouterSolicitationView(const NdpOptions& options) noexcept : options_(options) {}
  NdpOptions options_;
};

class RouterAdvertisementView {
 public:
  static constexpr std::size_t kFixedSize = 16;

  static std::optional<RouterAdvertisementView> parse(ByteView message) noexcept;
  // RFC 4861 6.1.2.
  bool acceptable(const Ipv6Address& source, std::uint8_t hop_limit) const noexcept;

  std::uint8_t hop_limit() const noexcept { return bytes_[4]; }  // 0: unspecified
  bool managed() const noexcept { return (bytes_[5] & 0x80) != 0; }
  bool other() const noexcept { return (bytes_[5] & 0x40) != 0; }
  std::uint16_t lifetime_s() const noexcept { return load_be<std::uint16_t>(bytes_.data() + 6); }
  std::uint32_t reachable_ms() const noexcept { return load_be<std::uint32_t>(bytes_.data() + 8); }
  std::uint32_t retransmit_ms() const noexcept {
    return load_be<std::uint32_t>(bytes_.data() + 12);
  }
  const NdpOptions& options() const noexcept { return options_; }

 private:
  RouterAdvertisementView(ByteView bytes, const NdpOptions& options) noexcept
      : bytes_(bytes), options_(options) {}
  ByteView bytes_;
  NdpOptions options_;
};

// The reprs emit the whole ICMPv6 message with its options and checksum.

struct NeighbourSolicitationRepr {
  Ipv6Address target;
  NdpOptions options;

  static NeighbourSolicitationRepr from(const NeighbourSolicitationView& view) noexcept;
  std::size_t header_size() const noexcept;
  void emit(MutableBytes message, const Ipv6Address& source,
            const Ipv6Address& destination) const noexcept;
  friend bool operator==(const NeighbourSolicitationRepr&,
                         const NeighbourSolicitationRepr&) = default;
};

struct NeighbourAdvertisementRepr {
  bool router = false;
  bool solicited = false;
  bool overrides = false;
  Ipv6Address target;
  NdpOptions options;

  static NeighbourAdvertisementRepr from(const NeighbourAdvertisementView& view) noexcept;
  std::size_t header_size() const noexcept;
  void emit(MutableBytes message, const Ipv6Address& source,
            const Ipv6Address& destination) const noexcept;
  friend bool operator==(const NeighbourAdvertisementRepr&,
                         const NeighbourAdvertisementRepr&) = default;
};

struct RouterSolicitationRepr {
  NdpOptions options;

  static RouterSolicitationRepr from(const RouterSolicitationView& view) noexcept;
  std::size_t header_size() const noexcept;
  void emit(MutableBytes message, const Ipv6Address& source,
            const Ipv6Address& destination) const noexcept;
  friend bool operator==(const RouterSolicitationRepr&, const RouterSolicitationRepr&) = default;
};

struct RouterAdvertisementRepr {
  std::uint8_t hop_limit = 64;
  bool managed = false;  // addresses come by DHCPv6
  bool other = false;    // other configuration comes by DHCPv6
  std::uint16_t lifetime_s = 0;
  std::uint32_t reachable_ms = 0;
  std::uint32_t retransmit_ms = 0;
  NdpOptions options;

  static RouterAdvertisementRepr from(const RouterAdvertisementView& view) noexcept;
  std::size_t header_size() const noexcept;
  void emit(MutableBytes message, const Ipv6Address& source,
            const Ipv6Address& destination) const noexcept;
  friend bool operator==(const RouterAdvertisementRepr&, const RouterAdvertisementRepr&) = default;
};

}  // namespace pontoon::wire
