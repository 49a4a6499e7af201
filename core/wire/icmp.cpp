#include "core/wire/icmp.h"

#include "core/base/check.h"
#include "core/wire/checksum.h"

namespace pontoon::wire {
namespace {

constexpr std::uint32_t echo_word(std::uint16_t identifier, std::uint16_t sequence) noexcept {
  return std::uint32_t{identifier} << 16 | sequence;
}

// RFC 792: no longer in use, yet an error.
constexpr std::uint8_t kSourceQuench = 4;

}  // namespace

bool IcmpView::is_error() const noexcept {
  return type() == IcmpType::unreachable || type() == IcmpType::redirect ||
         type() == IcmpType::time_exceeded || type() == IcmpType::parameter_problem ||
         bytes_[0] == kSourceQuench;
}

bool IcmpView::checksum_ok() const noexcept {
  return wire::checksum_ok(bytes_);
}

IcmpRepr IcmpRepr::echo_request(std::uint16_t identifier, std::uint16_t sequence) noexcept {
  return {IcmpType::echo_request, 0, echo_word(identifier, sequence)};
}

IcmpRepr IcmpRepr::echo_reply(std::uint16_t identifier, std::uint16_t sequence) noexcept {
  return {IcmpType::echo_reply, 0, echo_word(identifier, sequence)};
}

IcmpRepr IcmpRepr::unreachable(IcmpUnreachable code, std::uint16_t mtu) noexcept {
  return {IcmpType::unreachable, static_cast<std::uint8_t>(code), mtu};
}

IcmpRepr IcmpRepr::time_exceeded(IcmpTimeExceeded code) noexcept {
  return {IcmpType::time_exceeded, static_cast<std::uint8_t>(code), 0};
}

void IcmpRepr::emit(MutableBytes header, ByteView payload) const noexcept {
  ByteWriter writer(header);
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u8(code);
  writer.u16(0);
  writer.u32(rest);
  INVARIANT(writer.ok());
  Checksum sum;
  sum.add(writer.written());
  sum.add(payload);
  store_be(header.data() + 2, sum.value());
}

}  // namespace pontoon::wire
