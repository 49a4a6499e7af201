#include "core/wire/icmpv6.h"

#include "core/base/check.h"
#include "core/wire/checksum.h"

namespace pontoon::wire {
namespace {

constexpr std::uint32_t echo_word(std::uint16_t identifier, std::uint16_t sequence) noexcept {
  return std::uint32_t{identifier} << 16 | sequence;
}

}  // namespace

bool Icmpv6View::checksum_ok(const IpAddress& source, const IpAddress& destination) const noexcept {
  return wire::checksum_ok(
      bytes_, Checksum::pseudo_header(source, destination, IpProtocol::icmpv6, bytes_.size()));
}

Icmpv6Repr Icmpv6Repr::echo_request(std::uint16_t identifier, std::uint16_t sequence) noexcept {
  return {Icmpv6Type::echo_request, 0, echo_word(identifier, sequence)};
}

Icmpv6Repr Icmpv6Repr::echo_reply(std::uint16_t identifier, std::uint16_t sequence) noexcept {
  return {Icmpv6Type::echo_reply, 0, echo_word(identifier, sequence)};
}

Icmpv6Repr Icmpv6Repr::unreachable(Icmpv6Unreachable code) noexcept {
  return {Icmpv6Type::unreachable, static_cast<std::uint8_t>(code), 0};
}

Icmpv6Repr Icmpv6Repr::packet_too_big(std::uint32_t mtu) noexcept {
  return {Icmpv6Type::packet_too_big, 0, mtu};
}

Icmpv6Repr Icmpv6Repr::time_exceeded(Icmpv6TimeExceeded code) noexcept {
  return {Icmpv6Type::time_exceeded, static_cast<std::uint8_t>(code), 0};
}

void Icmpv6Repr::emit(MutableBytes header, ByteView payload, const IpAddress& source,
                      const IpAddress& destination) const noexcept {
  ByteWriter writer(header);
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u8(code);
  writer.u16(0);
  writer.u32(rest);
  INVARIANT(writer.ok());
  Checksum sum = Checksum::pseudo_header(source, destination, IpProtocol::icmpv6,
                                         header_size() + payload.size());
  sum.add(writer.written());
  sum.add(payload);
  store_be(header.data() + 2, sum.value());
}

}  // namespace pontoon::wire
