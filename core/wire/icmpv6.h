// ICMPv6 (RFC 4443): echo and errors. Neighbour discovery is in ndp.h.
#pragma once

#include <optional>

#include "core/base/address.h"
#include "core/base/bytes.h"

namespace pontoon::wire {

enum class Icmpv6Type : std::uint8_t {
  unreachable = 1,
  packet_too_big = 2,  // with the MTU of the next hop
  time_exceeded = 3,
  parameter_problem = 4,
  echo_request = 128,
  echo_reply = 129,
  listener_query = 130,
  listener_report = 131,
  listener_done = 132,
  router_solicitation = 133,
  router_advertisement = 134,
  neighbour_solicitation = 135,
  neighbour_advertisement = 136,
  redirect = 137,
  listener_report_v2 = 143,
};

// Codes of Icmpv6Type::unreachable (RFC 4443 3.1).
enum class Icmpv6Unreachable : std::uint8_t {
  no_route = 0,
  prohibited = 1,
  beyond_scope = 2,
  address = 3,
  port = 4,
  source_policy = 5,
  reject_route = 6,
};

// Codes of Icmpv6Type::time_exceeded.
enum class Icmpv6TimeExceeded : std::uint8_t { hop_limit = 0, reassembly = 1 };

class Icmpv6View {
 public:
  static constexpr std::size_t kHeaderSize = 8;

  static std::optional<Icmpv6View> parse(ByteView bytes) noexcept {
    if (bytes.size() < kHeaderSize) return std::nullopt;
    return Icmpv6View(bytes);
  }

  Icmpv6Type type() const noexcept { return static_cast<Icmpv6Type>(bytes_[0]); }
  std::uint8_t code() const noexcept { return bytes_[1]; }
  std::uint16_t checksum() const noexcept { return load_be<std::uint16_t>(bytes_.data() + 2); }
  // The second word of the header, whose meaning depends on the type.
  std::uint32_t rest() const noexcept { return load_be<std::uint32_t>(bytes_.data() + 4); }
  std::uint16_t identifier() const noexcept { return static_cast<std::uint16_t>(rest() >> 16); }
  std::uint16_t sequence() const noexcept { return static_cast<std::uint16_t>(rest()); }
  // Of the next hop, with packet_too_big.
  std::uint32_t mtu() const noexcept { return rest(); }
  bool is_echo() const noexcept {
    return type() == Icmpv6Type::echo_request || type() == Icmpv6Type::echo_reply;
  }
  // RFC 4443 2.1: types below 128 are errors, which must never be answered with an error.
  bool is_error() const noexcept { return bytes_[0] < 128; }

  ByteView bytes() const noexcept { return bytes_; }
  ByteView header() const noexcept { return bytes_.first(kHeaderSize); }
  // Echo data; for an error the quoted packet.
  ByteView payload() const noexcept { return bytes_.subspan(kHeaderSize); }
  // For Ipv6View::parse_quoted.
  ByteView quoted() const noexcept { return payload(); }
  bool checksum_ok(const IpAddress& source, const IpAddress& destination) const noexcept;

 private:
  explicit Icmpv6View(ByteView bytes) noexcept : bytes_(bytes) {}
  ByteView bytes_;
};

struct Icmpv6Repr {
  Icmpv6Type type = Icmpv6Type::echo_request;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;

  static Icmpv6Repr echo_request(std::uint16_t identifier, std::uint16_t sequence) noexcept;
  static Icmpv6Repr echo_reply(std::uint16_t identifier, std::uint16_t sequence) noexcept;
  static Icmpv6Repr unreachable(Icmpv6Unreachable code) noexcept;
  static Icmpv6Repr packet_too_big(std::uint32_t mtu) noexcept;
  static Icmpv6Repr time_exceeded(Icmpv6TimeExceeded code) noexcept;

  static Icmpv6Repr from(const Icmpv6View& view) noexcept {
    return {view.type(), view.code(), view.rest()};
  }
  static constexpr std::size_t header_size() noexcept { return Icmpv6View::kHeaderSize; }
  void emit(MutableBytes header, ByteView payload, const IpAddress& source,
            const IpAddress& destination) const noexcept;
  friend bool operator==(const Icmpv6Repr&, const Icmpv6Repr&) = default;
};

}  // namespace pontoon::wire
