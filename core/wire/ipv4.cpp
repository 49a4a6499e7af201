#include "core/wire/ipv4.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/wire/checksum.h"

namespace pontoon::wire {
namespace {

// Version, header length and total length agree with one another and the header is there.
bool header_valid(ByteView bytes) noexcept {
  if (bytes.size() < Ipv4View::kMinHeaderSize || bytes[0] >> 4 != 4) return false;
  const std::size_t header = (bytes[0] & 0x0fU) * 4U;
  const std::size_t total = load_be<std::uint16_t>(bytes.data() + 2);
  return header >= Ipv4View::kMinHeaderSize && header <= bytes.size() && header <= total;
}

}  // namespace

std::optional<Ipv4View> Ipv4View::parse(ByteView bytes) noexcept {
  if (!header_valid(bytes)) return std::nullopt;
  const std::size_t total = load_be<std::uint16_t>(bytes.data() + 2);
  if (total > bytes.size()) return std::nullopt;
  return Ipv4View(bytes.first(total));
}

std::optional<Ipv4View> Ipv4View::parse_quoted(ByteView bytes) noexcept {
  if (!header_valid(bytes)) return std::nullopt;
  const std::size_t total = load_be<std::uint16_t>(bytes.data() + 2);
  return Ipv4View(bytes.first(std::min(total, bytes.size())));
}

bool Ipv4View::checksum_ok() const noexcept {
  return wire::checksum_ok(header());
}

Ipv4Repr Ipv4Repr::from(const Ipv4View& view) noexcept {
  Ipv4Repr repr;
  repr.source = view.source();
  repr.destination = view.destination();
  repr.protocol = view.protocol();
  repr.payload_length = static_cast<std::uint16_t>(view.total_length() - view.header_length());
  repr.ttl = view.ttl();
  repr.dscp = view.dscp();
  repr.ecn = view.ecn();
  repr.identification = view.identification();
  repr.dont_fragment = view.dont_fragment();
  repr.more_fragments = view.more_fragments();
  repr.fragment_offset = view.fragment_offset();
  const ByteView options = view.options();
  std::copy(options.begin(), options.end(), repr.options.bytes.begin());
  repr.options.size = static_cast<std::uint8_t>(options.size());
  return repr;
}

void Ipv4Repr::emit(MutableBytes header) const noexcept {
  INVARIANT(options.size % 4 == 0 && options.size <= options.bytes.size());
  INVARIANT(fragment_offset % 8 == 0 && header_size() + payload_length <= 0xffff);
  ByteWriter writer(header);
  writer.u8(static_cast<std::uint8_t>(0x40 | header_size() / 4));
  writer.u8(static_cast<std::uint8_t>(dscp << 2 | (ecn & 3)));
  writer.u16(static_cast<std::uint16_t>(header_size() + payload_length));
  writer.u16(identification);
  writer.u16(static_cast<std::uint16_t>((dont_fragment ? 0x4000U : 0U) |
                                        (more_fragments ? 0x2000U : 0U) | fragment_offset / 8U));
  writer.u8(ttl);
  writer.u8(static_cast<std::uint8_t>(protocol));
  writer.u16(0);
  writer.u32(source.value);
  writer.u32(destination.value);
  writer.bytes(options.view());
  INVARIANT(writer.ok());
  Checksum sum;
  sum.add(writer.written());
  store_be(header.data() + 10, sum.value());
}

}  // namespace pontoon::wire
