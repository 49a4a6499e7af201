// ICMP (RFC 792): echo and errors.
#pragma once

#include <optional>

#include "core/base/bytes.h"

namespace pontoon::wire {

enum class IcmpType : std::uint8_t {
  echo_reply = 0,
  unreachable = 3,
  redirect = 5,
  echo_request = 8,
  time_exceeded = 11,
  parameter_problem = 12,
};

// Codes of IcmpType::unreachable (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1).
enum class IcmpUnreachable : std::uint8_t {
  network = 0,
  host = 1,
  protocol = 2,
  port = 3,
  fragmentation_needed = 4,  // with the MTU of the next hop (RFC 1191 4)
  network_prohibited = 9,
  host_prohibited = 10,
  prohibited = 13,
};

// Codes of IcmpType::time_exceeded.
enum class IcmpTimeExceeded : std::uint8_t { ttl = 0, reassembly = 1 };

class IcmpView {
 public:
  static constexpr std::size_t kHeaderSize = 8;

  static std::optional<IcmpView> parse(ByteView bytes) noexcept {
    if (bytes.size() < kHeaderSize) return std::nullopt;
    return IcmpView(bytes);
  }

  IcmpType type() const noexcept { return static_cast<IcmpType>(bytes_[0]); }
  std::uint8_t code() const noexcept { return bytes_[1]; }
  std::uint16_t checksum() const noexcept { return load_be<std::uint16_t>(bytes_.data() + 2); }
  // The second word of the header, whose meaning depends on the type.
  std::uint32_t rest() const noexcept { return load_be<std::uint32_t>(bytes_.data() + 4); }
  std::uint16_t identifier() const noexcept { return static_cast<std::uint16_t>(rest() >> 16); }
  std::uint16_t sequence() const noexcept { return static_cast<std::uint16_t>(rest()); }
  // Of the next hop, with fragmentation_needed; zero from routers older than RFC 1191.
  std::uint16_t mtu() const noexcept { return static_cast<std::uint16_t>(rest()); }
  bool is_echo() const noexcept {
    return type() == IcmpType::echo_request || type() == IcmpType::echo_reply;
  }
  // An error must never be answered with an error (RFC 1122 3.2.2).
  bool is_error() const noexcept;

  ByteView bytes() const noexcept { return bytes_; }
  ByteView header() const noexcept { return bytes_.first(kHeaderSize); }
  // Echo data; for an error the quoted packet.
  ByteView payload() const noexcept { return bytes_.subspan(kHeaderSize); }
  // For Ipv4View::parse_quoted.
  ByteView quoted() const noexcept { return payload(); }
  bool checksum_ok() const noexcept;

 private:
  explicit IcmpView(ByteView bytes) noexcept : bytes_(bytes) {}
  ByteView bytes_;
};

struct IcmpRepr {
  IcmpType type = IcmpType::echo_request;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;

  static IcmpRepr echo_request(std::uint16_t identifier, std::uint16_t sequence) noexcept;
  static IcmpRepr echo_reply(std::uint16_t identifier, std::uint16_t sequence) noexcept;
  static IcmpRepr unreachable(IcmpUnreachable code, std::uint16_t mtu = 0) noexcept;
  static IcmpRepr time_exceeded(IcmpTimeExceeded code) noexcept;

  static IcmpRepr from(const IcmpView& view) noexcept {
    return {view.type(), view.code(), view.rest()};
  }
  static constexpr std::size_t header_size() noexcept { return IcmpView::kHeaderSize; }
  void emit(MutableBytes header, ByteView payload) const noexcept;
  friend bool operator==(const IcmpRepr&, const IcmpRepr&) = default;
};

}  // namespace pontoon::wire
