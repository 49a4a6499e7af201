// The Internet checksum (RFC 1071), in pieces and at any offset.
//
//   Checksum sum = Checksum::pseudo_header(source, destination, IpProtocol::udp, length);
//   sum.add(header);
//   sum.add(payload);
//   store_be(field, sum.value());
//
// Sums and checksums are host-order numbers as read big-endian from the packet. A piece of odd
// length may be followed by another: the next byte counts as the low half of its 16-bit word.
#pragma once

#include <cstdint>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/wire/ip_protocol.h"

namespace pontoon::wire {

class Checksum {
 public:
  constexpr Checksum() = default;
  // Starts from a folded sum over an even number of bytes.
  constexpr explicit Checksum(std::uint16_t folded) noexcept : sum_(folded) {}

  // RFC 9293 3.1 and RFC 768 for IPv4, RFC 8200 8.1 for IPv6. `length` is that of the transport
  // header and payload.
  static Checksum pseudo_header(const IpAddress& source, const IpAddress& destination,
                                IpProtocol protocol, std::size_t length) noexcept;

  void add(ByteView bytes) noexcept;
  // Only at an even offset.
  constexpr void add_u16(std::uint16_t word) noexcept { sum_ += word; }

  // The one's complement sum, not complemented: what a checksum field holds when somebody else is
  // to finish it, and 0xffff over data whose checksum is right.
  std::uint16_t folded() const noexcept;
  // What goes into the checksum field.
  std::uint16_t value() const noexcept { return static_cast<std::uint16_t>(~folded()); }
  // The value for UDP's field, where zero means that there is none (RFC 768).
  std::uint16_t nonzero_value() const noexcept { return value() == 0 ? 0xffff : value(); }

 private:
  std::uint64_t sum_ = 0;
  bool odd_ = false;
};

// Whether a checksum field covers its data: the pseudo-header is in `start`, when there is one.
bool checksum_ok(ByteView bytes, Checksum start = {}) noexcept;

// The checksum after one 16-bit word that it covers has changed (RFC 1624, equation 3).
std::uint16_t update_checksum(std::uint16_t checksum, std::uint16_t before,
                              std::uint16_t after) noexcept;

// How far an emitter fills in a transport checksum.
enum class ChecksumFill : std::uint8_t {
  complete,
  pseudo_header,  // only the pseudo-header's sum, for a frame with Offload::needs_checksum
};

}  // namespace pontoon::wire
