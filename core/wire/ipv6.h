// IPv6 packets (RFC 8200): the fixed header, and a bounded walk over the extension headers.
#pragma once

#include <optional>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/wire/ip_protocol.h"

namespace pontoon::wire {

// The fragment header (RFC 8200 4.5).
struct Ipv6Fragment {
  std::uint32_t identification = 0;
  std::uint16_t offset = 0;  // in bytes, a multiple of 8
  bool more = false;
  IpProtocol next_header = IpProtocol::no_next_header;
  std::size_t header_offset = 0;  // of the fragment header, from the first byte of the packet

  // RFC 6946: offset 0 and no more to come is a whole packet.
  bool is_atomic() const noexcept { return offset == 0 && !more; }
  friend bool operator==(const Ipv6Fragment&, const Ipv6Fragment&) = default;
};

enum class Ipv6ChainStatus : std::uint8_t {
  ok,
  malformed,  // a header is truncated or in a place where it must not be
  too_long,   // more than limits::kIpv6ExtensionHeaders
};

// What the extension headers lead to.
struct Ipv6Chain {
  Ipv6ChainStatus status = Ipv6ChainStatus::malformed;
  // Of what begins at `payload`. For a fragment that is not atomic: the protocol behind the
  // fragment header, and its raw piece.
  IpProtocol protocol = IpProtocol::no_next_header;
  std::size_t offset = 0;  // of `payload` from the first byte of the packet
  ByteView payload;
  std::optional<Ipv6Fragment> fragment;
  unsigned extension_headers = 0;
};

class Ipv6View {
 public:
  static constexpr std::size_t kHeaderSize = 40;

  // Version 6, payload length <= bytes present behind the header. What lies behind the payload
  // length (Ethernet padding) is cut off. Jumbograms (RFC 2675) do not parse into more than their
  // header.
  static std::optional<Ipv6View> parse(ByteView bytes) noexcept;
  // The beginning of a packet, as an ICMPv6 error quotes it: the payload may be truncated.
  static std::optional<Ipv6View> parse_quoted(ByteView bytes) noexcept;

  std::uint8_t traffic_class() const noexcept {
    return static_cast<std::uint8_t>(load_be<std::uint16_t>(bytes_.data()) >> 4);
  }
  std::uint8_t dscp() const noexcept { return static_cast<std::uint8_t>(traffic_class() >> 2); }
  std::uint8_t ecn() const noexcept { return traffic_class() & 3; }
  std::uint32_t flow_label() const noexcept {
    return load_be<std::uint32_t>(bytes_.data()) & 0x000fffff;
  }
  std::uint16_t payload_length() const noexcept {
    return load_be<std::uint16_t>(bytes_.data() + 4);
  }
  IpProtocol next_header() const noexcept { return static_cast<IpProtocol>(bytes_[6]); }
  std::uint8_t hop_limit() const noexcept { return bytes_[7]; }
  Ipv6Address source() const noexcept { return Ipv6Address::from(bytes_.subspan(8, 16)); }
  Ipv6Address destination() const noexcept { return Ipv6Address::from(bytes_.subspan(24, 16)); }

  ByteView bytes() const noexcept { return bytes_; }
  ByteView header() const noexcept { return bytes_.first(kHeaderSize); }
  // Begins with the extension headers, when there are any.
  ByteView payload() const noexcept { return bytes_.subspan(kHeaderSize); }
  Ipv6Chain chain() const noexcept;

 private:
  explicit Ipv6View(ByteView bytes) noexcept : bytes_(bytes) {}
  ByteView bytes_;
};

struct Ipv6Repr {
  Ipv6Address source;
  Ipv6Address destination;
  IpProtocol next_header = IpProtocol::udp;
  std::uint16_t payload_length = 0;  // extension headers included
  std::uint8_t hop_limit = 64;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;  // 20 bits

  static Ipv6Repr from(const Ipv6View& view) noexcept;
  static constexpr std::size_t header_size() noexcept { return Ipv6View::kHeaderSize; }
  void emit(MutableBytes header) const noexcept;
  friend bool operator==(const Ipv6Repr&, const Ipv6Repr&) = default;
};

// The 8-byte fragment header that a sender inserts.
constexpr std::size_t kIpv6FragmentHeaderSize = 8;
void emit_fragment_header(MutableBytes header, const Ipv6Fragment& fragment) noexcept;

}  // namespace pontoon::wire
