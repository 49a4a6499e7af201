// Link and network addresses, IPv4 and IPv6 in every type from the first day.
//
// IpAddress keeps both families in 16 bytes; an IPv4 address is held as IPv4-mapped (RFC
// 4291 2.5.5.2), so comparing and hashing never branch. A mapped address never travels as IPv6 (it
// is dropped as martian on input), so the two meanings cannot meet.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace pontoon {

struct MacAddress {
  std::array<std::uint8_t, 6> octets{};

  static constexpr std::size_t size = 6;
  static constexpr MacAddress broadcast() { return {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}; }
  static MacAddress from(ByteView bytes) noexcept;  // exactly 6 bytes
  // "02:42:ac:11:00:02", also with dashes; nullopt when it is not one.
  static std::optional<MacAddress> parse(std::string_view text) noexcept;

  constexpr bool is_multicast() const noexcept { return (octets[0] & 1) != 0; }
  constexpr bool is_broadcast() const noexcept { return *this == broadcast(); }
  constexpr bool is_zero() const noexcept { return *this == MacAddress{}; }
  std::string to_string() const;
  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

struct Ipv4Address {
  std::uint32_t value = 0;  // host order: 172.17.0.1 is 0xac110001

  static constexpr Ipv4Address any() { return {0}; }
  static constexpr Ipv4Address broadcast() { return {0xffffffff}; }
  static constexpr Ipv4Address of(unsigned a, unsigned b, unsigned c, unsigned d) {
    return {(a << 24) | (b << 16) | (c << 8) | d};
  }
  static Ipv4Address from(ByteView bytes) noexcept;  // exactly 4 bytes
  static std::optional<Ipv4Address> parse(std::string_view text) noexcept;

  constexpr bool is_any() const noexcept { return value == 0; }
  constexpr bool is_broadcast() const noexcept { return value == 0xffffffff; }
  constexpr bool is_loopback() const noexcept { return (value >> 24) == 127; }
  constexpr bool is_link_local() const noexcept { return (value >> 16) == 0xa9fe; }
  constexpr bool is_multicast() const noexcept { return (value >> 28) == 0xe; }
  std::array<std::uint8_t, 4> bytes() const noexcept;
  std::string to_string() const;
  friend constexpr auto operator<=>(Ipv4Address, Ipv4Address) = default;
};

struct Ipv6Address {
  std::array<std::uint8_t, 16> octets{};

  static constexpr Ipv6Address any() { return {}; }
  static Ipv6Address from(ByteView bytes) noexcept;  // exactly 16 bytes
  static std::optional<Ipv6Address> parse(std::string_view text) noexcept;
  // fe80::/64 with the modified EUI-64 of the MAC (RFC 4291 appendix A).
  static Ipv6Address link_local(const MacAddress& mac) noexcept;

  bool is_any() const noexcept { return *this == Ipv6Address{}; }
  bool is_loopback() const noexcept;
  bool is_link_local() const noexcept;
  bool is_multicast() const noexcept { return octets[0] == 0xff; }
  bool is_v4_mapped() const noexcept;
  std::string to_string() const;  // RFC 5952
  friend constexpr auto operator<=>(const Ipv6Address&, const Ipv6Address&) = default;
};

enum class IpFamily : std::uint8_t { v4, v6 };

class IpAddress {
 public:
  constexpr IpAddress() = default;  // IPv6 "::"
  IpAddress(Ipv4Address v4) noexcept;
  IpAddress(const Ipv6Address& v6) noexcept : octets_(v6.octets) {}
  static std::optional<IpAddress> parse(std::string_view text) noexcept;

  bool is_v4() const noexcept;
  IpFamily family() const noexcept { return is_v4() ? IpFamily::v4 : IpFamily::v6; }
  Ipv4Address v4() const noexcept;  // only when is_v4()
  Ipv6Address v6() const noexcept { return Ipv6Address{octets_}; }

  bool is_any() const noexcept;
  bool is_loopback() const noexcept;
  bool is_link_local() const noexcept;
  bool is_multicast() const noexcept;
  const std::array<std::uint8_t, 16>& octets() const noexcept { return octets_; }
  std::string to_string() const;
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
};

// An address with a prefix length in its own family: 0..32 or 0..128.
struct IpPrefix {
  IpAddress address;  // as given; `network()` clears the host bits
  std::uint8_t length = 0;

  // "172.20.0.0/16", "fd00::/64"; nullopt when malformed or the length is out of range.
  static std::optional<IpPrefix> parse(std::string_view text) noexcept;
  IpAddress network() const noexcept;
  IpAddress last() const noexcept;  // the highest address; IPv4's directed broadcast
  bool contains(const IpAddress& other) const noexcept;
  bool overlaps(const IpPrefix& other) const noexcept;
  std::string to_string() const;
  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  std::string to_string() const;  // "127.0.0.1:80", "[::1]:80"
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

enum class Protocol : std::uint8_t { tcp, udp };
std::string_view to_string(Protocol protocol) noexcept;  // "tcp", "udp"

}  // namespace pontoon

template <>
struct std::hash<pontoon::IpAddress> {
  std::size_t operator()(const pontoon::IpAddress& address) const noexcept;
};
template <>
struct std::hash<pontoon::MacAddress> {
  std::size_t operator()(const pontoon::MacAddress& mac) const noexcept;
};
template <>
struct std::hash<pontoon::SocketAddress> {
  std::size_t operator()(const pontoon::SocketAddress& address) const noexcept;
};
