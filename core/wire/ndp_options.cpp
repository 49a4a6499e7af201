#include "core/base/check.h"
#include "core/wire/ndp.h"

namespace pontoon::wire {
namespace {

enum class Kind : std::uint8_t {
  source_link = 1,
  target_link = 2,
  prefix = 3,
  mtu = 5,
  dns_servers = 25,
};

// Option lengths count units of 8 octets, the two octets of type and length included.
constexpr std::size_t kUnit = 8;
constexpr std::size_t kLinkSize = 8;
constexpr std::size_t kMtuSize = 8;
constexpr std::size_t kPrefixSize = 32;
constexpr std::size_t kDnsHeadSize = 8;
constexpr std::size_t kAddressSize = 16;

void write_head(ByteWriter& writer, Kind kind, std::size_t size) noexcept {
  writer.u8(static_cast<std::uint8_t>(kind));
  writer.u8(static_cast<std::uint8_t>(size / kUnit));
}

void write_link(ByteWriter& writer, Kind kind, const std::optional<MacAddress>& mac) noexcept {
  if (!mac) return;
  write_head(writer, kind, kLinkSize);
  writer.bytes(mac->octets);
}

void write_prefix(ByteWriter& writer, const NdpPrefix& prefix) noexcept {
  write_head(writer, Kind::prefix, kPrefixSize);
  writer.u8(prefix.length);
  writer.u8(
      static_cast<std::uint8_t>((prefix.on_link ? 0x80U : 0U) | (prefix.autonomous ? 0x40U : 0U)));
  writer.u32(prefix.valid_s);
  writer.u32(prefix.preferred_s);
  writer.u32(0);
  writer.bytes(prefix.prefix.octets);
}

NdpPrefix read_prefix(ByteReader body) noexcept {
  NdpPrefix prefix;
  prefix.length = body.u8();
  const std::uint8_t flags = body.u8();
  prefix.on_link = (flags & 0x80) != 0;
  prefix.autonomous = (flags & 0x40) != 0;
  prefix.valid_s = body.u32();
  prefix.preferred_s = body.u32();
  body.skip(4);
  prefix.prefix = Ipv6Address::from(body.take(kAddressSize));
  return prefix;
}

void read_dns_servers(ByteReader body, NdpOptions& options) noexcept {
  body.skip(2);
  options.dns_lifetime_s = body.u32();
  while (body.remaining() >= kAddressSize) {
    if (!options.add_dns_server(Ipv6Address::from(body.take(kAddressSize)))) return;
  }
}

// `body` is what follows type and length; `size` counts them in.
void read_option(Kind kind, ByteView body, NdpOptions& options) noexcept {
  const std::size_t size = body.size() + 2;
  switch (kind) {
    case Kind::source_link:
      if (size == kLinkSize) options.source_link = MacAddress::from(body);
      return;
    case Kind::target_link:
      if (size == kLinkSize) options.target_link = MacAddress::from(body);
      return;
    case Kind::prefix:
      // A prefix longer than an address cannot be meant.
      if (size == kPrefixSize && body[0] <= 128) options.add_prefix(read_prefix(ByteReader(body)));
      return;
    case Kind::mtu:
      if (size == kMtuSize) options.mtu = load_be<std::uint32_t>(body.data() + 2);
      return;
    case Kind::dns_servers:
      // RFC 8106 5.1: at least 3 units, and always an odd number of them.
      if (size >= kDnsHeadSize + kAddressSize && (size - kDnsHeadSize) % kAddressSize == 0)
        read_dns_servers(ByteReader(body), options);
      return;
  }
  // RFC 4861 4.6: a receiver skips what it does not know.
}

}  // namespace

bool NdpOptions::add_prefix(const NdpPrefix& prefix) noexcept {
  if (prefix_count == prefixes.size()) return false;
  prefixes[prefix_count++] = prefix;
  return true;
}

bool NdpOptions::add_dns_server(const Ipv6Address& server) noexcept {
  if (dns_server_count == dns_servers.size()) return false;
  dns_servers[dns_server_count++] = server;
  return true;
}

std::optional<NdpOptions> NdpOptions::parse(ByteView bytes) noexcept {
  NdpOptions options;
  ByteReader reader(bytes);
  for (std::size_t count = 0; reader.remaining() > 0; ++count) {
    if (count == limits::kNdpOptions) return std::nullopt;
    const auto kind = static_cast<Kind>(reader.u8());
    const std::size_t size = reader.u8() * kUnit;
    if (size == 0) return std::nullopt;
    const ByteView body = reader.take(size - 2);
    if (!reader.ok()) return std::nullopt;
    read_option(kind, body, options);
  }
  return options;
}

std::size_t NdpOptions::size() const noexcept {
  std::size_t size = prefix_count * kPrefixSize;
  if (source_link) size += kLinkSize;
  if (target_link) size += kLinkSize;
  if (mtu) size += kMtuSize;
  if (dns_server_count > 0) size += kDnsHeadSize + dns_server_count * kAddressSize;
  return size;
}

void NdpOptions::emit(ByteWriter& writer) const noexcept {
  write_link(writer, Kind::source_link, source_link);
  write_link(writer, Kind::target_link, target_link);
  if (mtu) {
    write_head(writer, Kind::mtu, kMtuSize);
    writer.u16(0);
    writer.u32(*mtu);
  }
  for (const NdpPrefix& prefix : prefix_list())
    write_prefix(writer, prefix);
  if (dns_server_count > 0) {
    write_head(writer, Kind::dns_servers, kDnsHeadSize + dns_server_count * kAddressSize);
    writer.u16(0);
    writer.u32(dns_lifetime_s);
    for (const Ipv6Address& server : dns_server_list())
      writer.bytes(server.octets);
  }
}

}  // namespace pontoon::wire
