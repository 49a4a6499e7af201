// IPv4 packets (RFC 791).
#pragma once

#include <array>
#include <optional>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/wire/ip_protocol.h"

namespace pontoon::wire {

class Ipv4View {
 public:
  static constexpr std::size_t kMinHeaderSize = 20;
  static constexpr std::size_t kMaxHeaderSize = 60;

  // Version 4, 20 <= header length <= total length <= bytes present. What lies behind the total
  // length (Ethernet padding) is cut off. The checksum is not looked at.
  static std::optional<Ipv4View> parse(ByteView bytes) noexcept;
  // The beginning of a packet, as an ICMP error quotes it: the total length may exceed the bytes
  // present, which then are all the payload.
  static std::optional<Ipv4View> parse_quoted(ByteView bytes) noexcept;

  std::size_t header_length() const noexcept { return (bytes_[0] & 0x0fU) * 4U; }
  std::uint8_t dscp() const noexcept { return static_cast<std::uint8_t>(bytes_[1] >> 2); }
  std::uint8_t ecn() const noexcept { return bytes_[1] & 3; }
  std::uint16_t total_length() const noexcept { return u16(2); }
  std::uint16_t identification() const noexcept { return u16(4); }
  bool dont_fragment() const noexcept { return (bytes_[6] & 0x40) != 0; }
  bool more_fragments() const noexcept { return (bytes_[6] & 0x20) != 0; }
  // In bytes: a multiple of 8.
  std::uint16_t fragment_offset() const noexcept {
    return static_cast<std::uint16_t>((u16(6) & 0x1fff) * 8);
  }
  bool is_fragment() const noexcept { return (u16(6) & 0x3fff) != 0; }
  std::uint8_t ttl() const noexcept { return bytes_[8]; }
  IpProtocol protocol() const noexcept { return static_cast<IpProtocol>(bytes_[9]); }
  std::uint16_t checksum() const noexcept { return u16(10); }
  Ipv4Address source() const noexcept { return Ipv4Address::from(bytes_.subspan(12, 4)); }
  Ipv4Address destination() const noexcept { return Ipv4Address::from(bytes_.subspan(16, 4)); }

  bool has_options() const noexcept { return header_length() > kMinHeaderSize; }
  // Not looked into.
  ByteView options() const noexcept { return header().subspan(kMinHeaderSize); }
  ByteView bytes() const noexcept { return bytes_; }
  ByteView header() const noexcept { return bytes_.first(header_length()); }
  ByteView payload() const noexcept { return bytes_.subspan(header_length()); }
  bool checksum_ok() const noexcept;

 private:
  explicit Ipv4View(ByteView bytes) noexcept : bytes_(bytes) {}
  std::uint16_t u16(std::size_t at) const noexcept {
    return load_be<std::uint16_t>(bytes_.data() + at);
  }
  ByteView bytes_;
};

// Header options as they lie in the packet, padded with zeroes to a multiple of 4.
struct Ipv4Options {
  std::array<std::uint8_t, Ipv4View::kMaxHeaderSize - Ipv4View::kMinHeaderSize> bytes{};
  std::uint8_t size = 0;  // 0..40, a multiple of 4

  ByteView view() const noexcept { return ByteView(bytes).first(size); }
  friend bool operator==(const Ipv4Options&, const Ipv4Options&) = default;
};

struct Ipv4Repr {
  Ipv4Address source;
  Ipv4Address destination;
  IpProtocol protocol = IpProtocol::udp;
  std::uint16_t payload_length = 0;  // with the header at most 65535
  std::uint8_t ttl = 64;
  std::uint8_t dscp = 0;
  std::uint8_t ecn = 0;
  std::uint16_t identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;  // in bytes, a multiple of 8
  Ipv4Options options;

  static Ipv4Repr from(const Ipv4View& view) noexcept;
  std::size_t header_size() const noexcept { return Ipv4View::kMinHeaderSize + options.size; }
  // With its checksum.
  void emit(MutableBytes header) const noexcept;
  friend bool operator==(const Ipv4Repr&, const Ipv4Repr&) = default;
};

}  // namespace pontoon::wire
