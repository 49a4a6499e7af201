// Names and values of DHCP options (RFC 2132 and later; IANA bootp-dhcp-parameters).
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>

#include "dns/name.h"
#include "lab/dissect/dissect_layers.h"

namespace pontoon::lab::layers {
namespace {

enum class Kind : std::uint8_t {
  bytes,
  text,
  address,  // one or more
  mask,
  number,  // 1, 2 or 4 bytes
  seconds,
  flag,
  type,
  overload,
  codes,
  client,
  full_name,  // RFC 4702
  routes,     // RFC 3442
  search,     // RFC 3397
};

struct Known {
  std::uint8_t code;
  Kind kind;
  std::string_view name;
};

constexpr std::array kKnown = {
    Known{1, Kind::mask, "subnet mask"},
    Known{2, Kind::number, "time offset"},
    Known{3, Kind::address, "router"},
    Known{4, Kind::address, "time server"},
    Known{6, Kind::address, "domain name server"},
    Known{7, Kind::address, "log server"},
    Known{12, Kind::text, "host name"},
    Known{15, Kind::text, "domain name"},
    Known{17, Kind::text, "root path"},
    Known{19, Kind::flag, "IP forwarding"},
    Known{23, Kind::number, "default IP TTL"},
    Known{26, Kind::number, "interface MTU"},
    Known{28, Kind::address, "broadcast address"},
    Known{31, Kind::flag, "perform router discovery"},
    Known{33, Kind::address, "static route"},
    Known{40, Kind::text, "NIS domain"},
    Known{41, Kind::address, "NIS server"},
    Known{42, Kind::address, "NTP server"},
    Known{43, Kind::bytes, "vendor specific"},
    Known{44, Kind::address, "NetBIOS name server"},
    Known{46, Kind::number, "NetBIOS node type"},
    Known{47, Kind::text, "NetBIOS scope"},
    Known{50, Kind::address, "requested address"},
    Known{51, Kind::seconds, "lease time"},
    Known{52, Kind::overload, "overload"},
    Known{53, Kind::type, "message type"},
    Known{54, Kind::address, "server identifier"},
    Known{55, Kind::codes, "parameter request list"},
    Known{56, Kind::text, "message"},
    Known{57, Kind::number, "maximum message size"},
    Known{58, Kind::seconds, "renewal time"},
    Known{59, Kind::seconds, "rebinding time"},
    Known{60, Kind::text, "vendor class identifier"},
    Known{61, Kind::client, "client identifier"},
    Known{66, Kind::text, "TFTP server name"},
    Known{67, Kind::text, "bootfile name"},
    Known{77, Kind::bytes, "user class"},
    Known{80, Kind::flag, "rapid commit"},
    Known{81, Kind::full_name, "client FQDN"},
    Known{82, Kind::bytes, "relay agent information"},
    Known{93, Kind::number, "client architecture"},
    Known{100, Kind::text, "POSIX timezone"},
    Known{101, Kind::text, "TZ database timezone"},
    Known{108, Kind::seconds, "IPv6-only preferred"},
    Known{114, Kind::text, "captive portal"},
    Known{116, Kind::number, "auto-configure"},
    Known{118, Kind::address, "subnet selection"},
    Known{119, Kind::search, "domain search"},
    Known{121, Kind::routes, "classless static route"},
    Known{145, Kind::number, "forcerenew nonce"},
    Known{249, Kind::routes, "classless static route (Microsoft)"},
    Known{252, Kind::text, "proxy auto-discovery"},
};

const Known* find_known(std::uint8_t code) noexcept {
  const auto found = std::find_if(kKnown.begin(), kKnown.end(),
                                  [&](const Known& known) { return known.code == code; });
  return found == kKnown.end() ? nullptr : &*found;
}

std::string addresses(ByteView value) {
  std::string text;
  for (std::size_t at = 0; at + 4 <= value.size(); at += 4) {
    if (at > 0) text += ' ';
    text += Ipv4Address::from(value.subspan(at, 4)).to_string();
  }
  return text;
}

std::string mask(ByteView value) {
  const std::uint32_t bits = load_be<std::uint32_t>(value.data());
  const std::string text = addresses(value);
  const int ones = std::countl_one(bits);
  const bool contiguous = std::popcount(bits) == ones;
  return contiguous ? fmt::format("{} (/{})", text, ones) : text;
}

std::string number(ByteView value) {
  std::uint64_t sum = 0;
  for (const std::uint8_t byte : value)
    sum = sum << 8 | byte;
  return std::to_string(sum);
}

std::string codes(ByteView value) {
  std::string text;
  for (const std::uint8_t code : value) {
    if (!text.empty()) text += ' ';
    text += std::to_string(code);
  }
  return text;
}

std::string client(ByteView value) {
  if (value.size() == 7 && value[0] == 1)
    return "1 " + MacAddress::from(value.subspan(1)).to_string();
  return hex(value);
}

std::string overload(std::uint8_t value) {
  if (value == 1) return "1 file";
  if (value == 2) return "2 sname";
  if (value == 3) return "3 file and sname";
  return std::to_string(value);
}

// Names one after the other; pointers are counted from the value's first byte.
std::string names(ByteView value) {
  std::string text;
  ByteReader reader(value);
  while (reader.ok() && reader.remaining() > 0) {
    const auto name = dns::Name::read(reader);
    if (!name) return hex(value);
    if (!text.empty()) text += ' ';
    text += escaped(as_bytes(name->to_text()));
  }
  return text;
}

// RFC 4702 2: flags, two codes without meaning, the name, encoded when flag E says so.
std::string full_name(ByteView value) {
  if (value.size() < 3) return hex(value);
  const ByteView name = value.subspan(3);
  return fmt::format("flags 0x{:02x} {}", value[0],
                     (value[0] & 4) != 0 ? names(name) : quoted(name));
}

// RFC 3442: prefix length, as many bytes of the network as that needs, the router.
std::string routes(ByteView value) {
  std::string text;
  ByteReader reader(value);
  while (reader.remaining() > 0) {
    const unsigned length = reader.u8();
    std::array<std::uint8_t, 4> network{};
    const ByteView significant = reader.take(std::min((length + 7U) / 8, 5U));
    const ByteView router = reader.take(4);
    if (!reader.ok() || length > 32) return hex(value);
    std::copy(significant.begin(), significant.end(), network.begin());
    if (!text.empty()) text += ", ";
    text += fmt::format("{}/{} via {}", Ipv4Address::from(network).to_string(), length,
                        Ipv4Address::from(router).to_string());
  }
  return text;
}

bool size_fits(Kind kind, std::size_t size) noexcept {
  switch (kind) {
    case Kind::address:
      return size > 0 && size % 4 == 0;
    case Kind::mask:
    case Kind::seconds:
      return size == 4;
    case Kind::number:
      return size == 1 || size == 2 || size == 4;
    case Kind::type:
    case Kind::overload:
      return size == 1;
    case Kind::flag:
      return size <= 1;
    case Kind::bytes:
    case Kind::text:
    case Kind::codes:
    case Kind::client:
    case Kind::full_name:
    case Kind::routes:
    case Kind::search:
      return true;
  }
  return true;
}

std::string text_of(Kind kind, ByteView value) {
  switch (kind) {
    case Kind::bytes:
      return hex(value);
    case Kind::text:
      return quoted(value);
    case Kind::address:
      return addresses(value);
    case Kind::mask:
      return mask(value);
    case Kind::number:
      return number(value);
    case Kind::seconds:
      return load_be<std::uint32_t>(value.data()) == 0xffffffff ? "forever" : number(value) + " s";
    case Kind::flag:
      return value.empty() ? "yes" : number(value);
    case Kind::type:
      return fmt::format("{} {}", value[0], dhcp_type_name(value[0]));
    case Kind::overload:
      return overload(value[0]);
    case Kind::codes:
      return codes(value);
    case Kind::client:
      return client(value);
    case Kind::full_name:
      return full_name(value);
    case Kind::routes:
      return routes(value);
    case Kind::search:
      return names(value);
  }
  return hex(value);
}

}  // namespace

std::string dhcp_type_name(std::uint8_t type) {
  constexpr std::array<std::string_view, 9> kNames = {
      "", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"};
  return type > 0 && type < kNames.size() ? std::string(kNames[type])
                                          : fmt::format("type {}", type);
}

std::string dhcp_option_name(std::uint8_t code) {
  const Known* known = find_known(code);
  return known == nullptr ? "option" : std::string(known->name);
}

std::string dhcp_option_text(std::uint8_t code, ByteView value) {
  const Known* known = find_known(code);
  if (known == nullptr) return value.empty() ? "empty" : hex(value);
  if (!size_fits(known->kind, value.size()))
    return fmt::format("{} ({}, a wrong length)", hex(value), count_of(value.size()));
  return text_of(known->kind, value);
}

}  // namespace pontoon::lab::layers
