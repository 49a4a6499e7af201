// Arbitrary addresses and option lists for the properties.
#pragma once

#include <rapidcheck.h>

#include <vector>

#include "core/base/address.h"
#include "core/wire/ndp.h"
#include "core/wire/tcp.h"

namespace pontoon::test {

template <class T>
T any() {
  return *rc::gen::arbitrary<T>();
}

inline std::vector<std::uint8_t> any_bytes(std::size_t size) {
  return *rc::gen::container<std::vector<std::uint8_t>>(size, rc::gen::arbitrary<std::uint8_t>());
}

inline std::vector<std::uint8_t> any_bytes_up_to(std::size_t size) {
  return any_bytes(*rc::gen::inRange<std::size_t>(0, size + 1));
}

inline MacAddress any_mac() {
  return MacAddress::from(any_bytes(6));
}
inline Ipv4Address any_ip4() {
  return {any<std::uint32_t>()};
}
inline Ipv6Address any_ip6() {
  return Ipv6Address::from(any_bytes(16));
}

template <class T>
std::optional<T> maybe(T (*make)()) {
  if (!any<bool>()) return std::nullopt;
  return make();
}

inline wire::TcpSequence any_sequence() {
  return {any<std::uint32_t>()};
}

inline wire::TcpOptions any_tcp_options() {
  wire::TcpOptions options;
  options.mss = maybe<std::uint16_t>(any<std::uint16_t>);
  options.window_scale = maybe<std::uint8_t>(any<std::uint8_t>);
  options.sack_permitted = any<bool>();
  if (any<bool>())
    options.timestamps = wire::TcpTimestamps{any<std::uint32_t>(), any<std::uint32_t>()};
  return options;
}

inline wire::NdpPrefix any_prefix() {
  wire::NdpPrefix prefix;
  prefix.prefix = any_ip6();
  prefix.length = *rc::gen::inRange<std::uint8_t>(0, 129);
  prefix.on_link = any<bool>();
  prefix.autonomous = any<bool>();
  prefix.valid_s = any<std::uint32_t>();
  prefix.preferred_s = any<std::uint32_t>();
  return prefix;
}

inline wire::NdpOptions any_ndp_options() {
  wire::NdpOptions options;
  options.source_link = maybe<MacAddress>(any_mac);
  options.target_link = maybe<MacAddress>(any_mac);
  options.mtu = maybe<std::uint32_t>(any<std::uint32_t>);
  for (int left = *rc::gen::inRange(0, 5); left > 0; --left)
    options.add_prefix(any_prefix());
  for (int left = *rc::gen::inRange(0, 5); left > 0; --left)
    options.add_dns_server(any_ip6());
  if (options.dns_server_count > 0) options.dns_lifetime_s = any<std::uint32_t>();
  return options;
}

}  // namespace pontoon::test
