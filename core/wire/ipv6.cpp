#include "core/wire/ipv6.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace pontoon::wire {
namespace {

bool header_valid(ByteView bytes) noexcept {
  return bytes.size() >= Ipv6View::kHeaderSize && bytes[0] >> 4 == 6;
}

bool is_extension(IpProtocol protocol) noexcept {
  return protocol == IpProtocol::hop_by_hop || protocol == IpProtocol::routing ||
         protocol == IpProtocol::fragment || protocol == IpProtocol::destination_options;
}

Ipv6Fragment read_fragment(ByteReader& reader, std::size_t header_offset) noexcept {
  Ipv6Fragment fragment;
  fragment.header_offset = header_offset;
  fragment.next_header = static_cast<IpProtocol>(reader.u8());
  reader.skip(1);
  const std::uint16_t word = reader.u16();
  fragment.offset = word & 0xfff8;
  fragment.more = (word & 1) != 0;
  fragment.identification = reader.u32();
  return fragment;
}

}  // namespace

std::optional<Ipv6View> Ipv6View::parse(ByteView bytes) noexcept {
  if (!header_valid(bytes)) return std::nullopt;
  const std::size_t total = kHeaderSize + load_be<std::uint16_t>(bytes.data() + 4);
  if (total > bytes.size()) return std::nullopt;
  return Ipv6View(bytes.first(total));
}

std::optional<Ipv6View> Ipv6View::parse_quoted(ByteView bytes) noexcept {
  if (!header_valid(bytes)) return std::nullopt;
  const std::size_t total = kHeaderSize + load_be<std::uint16_t>(bytes.data() + 4);
  return Ipv6View(bytes.first(std::min(total, bytes.size())));
}

Ipv6Chain Ipv6View::chain() const noexcept {
  Ipv6Chain chain;
  ByteReader reader(bytes_);
  reader.skip(kHeaderSize);
  IpProtocol next = next_header();
  while (is_extension(next)) {
    if (chain.extension_headers == limits::kIpv6ExtensionHeaders) {
      chain.status = Ipv6ChainStatus::too_long;
      return chain;
    }
    // RFC 8200 4.1: hop-by-hop options come right behind the IPv6 header only.
    if (next == IpProtocol::hop_by_hop && chain.extension_headers != 0) return chain;
    ++chain.extension_headers;
    if (next == IpProtocol::fragment) {
      if (chain.fragment) return chain;
      chain.fragment = read_fragment(reader, reader.position());
      next = chain.fragment->next_header;
      // What follows in a fragment is a piece of something; only an atomic one can be walked on.
      if (!chain.fragment->is_atomic()) break;
    } else {
      next = static_cast<IpProtocol>(reader.u8());
      reader.skip(reader.u8() * 8U + 6U);
    }
  }
  if (!reader.ok()) return chain;
  chain.status = Ipv6ChainStatus::ok;
  chain.protocol = next;
  chain.offset = reader.position();
  chain.payload = reader.rest();
  return chain;
}

Ipv6Repr Ipv6Repr::from(const Ipv6View& view) noexcept {
  return {view.source(),    view.destination(),   view.next_header(), view.payload_length(),
          view.hop_limit(), view.traffic_class(), view.flow_label()};
}

void Ipv6Repr::emit(MutableBytes header) const noexcept {
  ByteWriter writer(header);
  writer.u32(6U << 28 | std::uint32_t{traffic_class} << 20 | (flow_label & 0xfffff));
  writer.u16(payload_length);
  writer.u8(static_cast<std::uint8_t>(next_header));
  writer.u8(hop_limit);
  writer.bytes(source.octets);
  writer.bytes(destination.octets);
  INVARIANT(writer.ok());
}

void emit_fragment_header(MutableBytes header, const Ipv6Fragment& fragment) noexcept {
  INVARIANT(fragment.offset % 8 == 0);
  ByteWriter writer(header);
  writer.u8(static_cast<std::uint8_t>(fragment.next_header));
  writer.u8(0);
  writer.u16(static_cast<std::uint16_t>(fragment.offset | (fragment.more ? 1U : 0U)));
  writer.u32(fragment.identification);
  INVARIANT(writer.ok());
}

}  // namespace pontoon::wire
