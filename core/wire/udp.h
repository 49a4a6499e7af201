// UDP datagrams (RFC 768).
#pragma once

#include <optional>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/wire/checksum.h"

namespace pontoon::wire {

class UdpView {
 public:
  static constexpr std::size_t kHeaderSize = 8;

  // 8 <= length field <= bytes present; what lies behind the length is cut off.
  static std::optional<UdpView> parse(ByteView bytes) noexcept;
  // The beginning of a datagram, as an ICMP error quotes it: at least the 8-byte header.
  static std::optional<UdpView> parse_quoted(ByteView bytes) noexcept;

  std::uint16_t source_port() const noexcept { return u16(0); }
  std::uint16_t destination_port() const noexcept { return u16(2); }
  std::uint16_t length() const noexcept { return u16(4); }  // header and payload
  std::uint16_t checksum() const noexcept { return u16(6); }
  ByteView bytes() const noexcept { return bytes_; }
  ByteView header() const noexcept { return bytes_.first(kHeaderSize); }
  ByteView payload() const noexcept { return bytes_.subspan(kHeaderSize); }
  // A zero checksum means none over IPv4 (RFC 768) and is wrong over IPv6 (RFC 8200 8.1).
  bool checksum_ok(const IpAddress& source, const IpAddress& destination) const noexcept;

 private:
  explicit UdpView(ByteView bytes) noexcept : bytes_(bytes) {}
  std::uint16_t u16(std::size_t at) const noexcept {
    return load_be<std::uint16_t>(bytes_.data() + at);
  }
  ByteView bytes_;
};

struct UdpRepr {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;

  static UdpRepr from(const UdpView& view) noexcept {
    return {view.source_port(), view.destination_port()};
  }
  static constexpr std::size_t header_size() noexcept { return UdpView::kHeaderSize; }
  // With pseudo_header only the payload's size matters.
  void emit(MutableBytes header, ByteView payload, const IpAddress& source,
            const IpAddress& destination,
            ChecksumFill fill = ChecksumFill::complete) const noexcept;
  friend bool operator==(const UdpRepr&, const UdpRepr&) = default;
};

}  // namespace pontoon::wire
