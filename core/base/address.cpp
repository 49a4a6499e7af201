#include "core/base/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstdio>

#include "core/base/check.h"

namespace pontoon {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// inet_pton wants a terminated string; addresses are short, so a bounded copy does.
template <std::size_t N>
bool presentation_to_bytes(int family, std::string_view text,
                           std::array<std::uint8_t, N>& out) noexcept {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.empty() || text.size() >= buffer.size()) return false;
  std::memcpy(buffer.data(), text.data(), text.size());
  return inet_pton(family, buffer.data(), out.data()) == 1;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Clears (or sets) every bit after the first `length` of the 16 octets.
std::array<std::uint8_t, 16> with_host_bits(std::array<std::uint8_t, 16> octets, unsigned length,
                                            bool set) noexcept {
  for (unsigned bit = length; bit < 128; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    std::uint8_t& octet = octets[bit / 8];
    octet = static_cast<std::uint8_t>(set ? (octet | mask) : (octet & ~mask));
  }
  return octets;
}

std::size_t mix(std::size_t hash, std::uint64_t word) noexcept {
  hash ^= word + 0x9e3779b97f4a7c15ULL + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccdULL;
}

}  // namespace

MacAddress MacAddress::from(ByteView bytes) noexcept {
  INVARIANT(bytes.size() == size);
  MacAddress mac;
  std::memcpy(mac.octets.data(), bytes.data(), size);
  return mac;
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) noexcept {
  if (text.size() != 17) return std::nullopt;
  MacAddress mac;
  for (std::size_t i = 0; i < size; ++i) {
    const int high = hex_digit(text[i * 3]);
    const int low = hex_digit(text[i * 3 + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    if (i + 1 < size && text[i * 3 + 2] != ':' && text[i * 3 + 2] != '-') return std::nullopt;
    mac.octets[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return mac;
}

std::string MacAddress::to_string() const {
  std::array<char, 18> text{};
  std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", octets[0], octets[1],
                octets[2], octets[3], octets[4], octets[5]);
  return text.data();
}

Ipv4Address Ipv4Address::from(ByteView bytes) noexcept {
  INVARIANT(bytes.size() == 4);
  return {load_be<std::uint32_t>(bytes.data())};
}

std::optional<Ipv4Address> Ipv4Address::parse(std::string_view text) noexcept {
  std::array<std::uint8_t, 4> out{};
  if (!presentation_to_bytes(AF_INET, text, out)) return std::nullopt;
  return from(out);
}

std::array<std::uint8_t, 4> Ipv4Address::bytes() const noexcept {
  std::array<std::uint8_t, 4> out{};
  store_be(out.data(), value);
  return out;
}

std::string Ipv4Address::to_string() const {
  std::array<char, INET_ADDRSTRLEN> text{};
  inet_ntop(AF_INET, bytes().data(), text.data(), text.size());
  return text.data();
}

Ipv6Address Ipv6Address::from(ByteView bytes) noexcept {
  INVARIANT(bytes.size() == 16);
  Ipv6Address address;
  std::memcpy(address.octets.data(), bytes.data(), 16);
  return address;
}

std::optional<Ipv6Address> Ipv6Address::parse(std::string_view text) noexcept {
  Ipv6Address address;
  if (!presentation_to_bytes(AF_INET6, text, address.octets)) return std::nullopt;
  return address;
}

Ipv6Address Ipv6Address::link_local(const MacAddress& mac) noexcept {
  const auto& m = mac.octets;
  return {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(m[0] ^ 2), m[1], m[2], 0xff,
           0xfe, m[3], m[4], m[5]}};
}

bool Ipv6Address::is_loopback() const noexcept {
  Ipv6Address one;
  one.octets[15] = 1;
  return *this == one;
}

bool Ipv6Address::is_link_local() const noexcept {
  return octets[0] == 0xfe && (octets[1] & 0xc0) == 0x80;
}

bool Ipv6Address::is_v4_mapped() const noexcept {
  return std::memcmp(octets.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
}

std::string Ipv6Address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, octets.data(), text.data(), text.size());
  return text.data();
}

IpAddress::IpAddress(Ipv4Address v4) noexcept {
  std::memcpy(octets_.data(), kMappedPrefix.data(), kMappedPrefix.size());
  store_be(octets_.data() + 12, v4.value);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  if (auto v4 = Ipv4Address::parse(text)) return IpAddress(*v4);
  if (auto v6 = Ipv6Address::parse(text)) return IpAddress(*v6);
  return std::nullopt;
}

bool IpAddress::is_v4() const noexcept {
  return std::memcmp(octets_.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
}

Ipv4Address IpAddress::v4() const noexcept {
  INVARIANT(is_v4());
  return {load_be<std::uint32_t>(octets_.data() + 12)};
}

bool IpAddress::is_any() const noexcept {
  return is_v4() ? v4().is_any() : v6().is_any();
}
bool IpAddress::is_loopback() const noexcept {
  return is_v4() ? v4().is_loopback() : v6().is_loopback();
}
bool IpAddress::is_link_local() const noexcept {
  return is_v4() ? v4().is_link_local() : v6().is_link_local();
}
bool IpAddress::is_multicast() const noexcept {
  return is_v4() ? v4().is_multicast() : v6().is_multicast();
}
std::string IpAddress::to_string() const {
  return is_v4() ? v4().to_string() : v6().to_string();
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (length > (address->is_v4() ? 32U : 128U)) return std::nullopt;
  return IpPrefix{*address, static_cast<std::uint8_t>(length)};
}

IpAddress IpPrefix::network() const noexcept {
  const unsigned bits = length + (address.is_v4() ? 96U : 0U);
  const Ipv6Address cleared{with_host_bits(address.octets(), bits, false)};
  return IpAddress(cleared);
}

IpAddress IpPrefix::last() const noexcept {
  const unsigned bits = length + (address.is_v4() ? 96U : 0U);
  const Ipv6Address filled{with_host_bits(address.octets(), bits, true)};
  return IpAddress(filled);
}

bool IpPrefix::contains(const IpAddress& other) const noexcept {
  if (other.is_v4() != address.is_v4()) return false;
  return IpPrefix{other, length}.network() == network();
}

bool IpPrefix::overlaps(const IpPrefix& other) const noexcept {
  return contains(other.address) || other.contains(address);
}

std::string IpPrefix::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

std::string SocketAddress::to_string() const {
  const std::string text = ip.to_string();
  return (ip.is_v4() ? text : "[" + text + "]") + ":" + std::to_string(port);
}

std::string_view to_string(Protocol protocol) noexcept {
  return protocol == Protocol::tcp ? "tcp" : "udp";
}

}  // namespace pontoon

std::size_t std::hash<pontoon::IpAddress>::operator()(
    const pontoon::IpAddress& address) const noexcept {
  std::uint64_t words[2];
  std::memcpy(words, address.octets().data(), sizeof words);
  return pontoon::mix(pontoon::mix(0, words[0]), words[1]);
}

std::size_t std::hash<pontoon::MacAddress>::operator()(
    const pontoon::MacAddress& mac) const noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, mac.octets.data(), mac.octets.size());
  return pontoon::mix(0, word);
}

std::size_t std::hash<pontoon::SocketAddress>::operator()(
    const pontoon::SocketAddress& address) const noexcept {
  return pontoon::mix(std::hash<pontoon::IpAddress>{}(address.ip), address.port);
}
