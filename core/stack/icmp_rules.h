// What ICMP says and when it may be said: the mapping between our truths and types and codes of
// both families, and the bounds on errors (RFC 1812 4.3.2, RFC 4443 2.4).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/base/limits.h"
#include "core/stack/types.h"

namespace pontoon::stack {

// The header of an ICMP or ICMPv6 message without its checksum.
struct IcmpMessage {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t rest = 0;  // the second word: an MTU, a pointer, zero
  friend bool operator==(const IcmpMessage&, const IcmpMessage&) = default;
};

// RFC 792, RFC 1122 3.2.2.1, RFC 1191 4; RFC 4443 3. `mtu` counts for too_big only.
IcmpMessage icmp_message(IpFamily family, Unreachable reason, std::uint32_t mtu = 0) noexcept;
// Not all pieces of a datagram came in time.
IcmpMessage icmp_reassembly_timeout(IpFamily family) noexcept;

// The reverse, for errors that endpoints send; nullopt for what says nothing about a flow.
std::optional<Unreachable> meaning_of_icmp(std::uint8_t type, std::uint8_t code) noexcept;
std::optional<Unreachable> meaning_of_icmpv6(std::uint8_t type, std::uint8_t code) noexcept;

// Whether the transport part of a packet is itself an ICMP error (or a redirect), about which there
// must be no error. One too short to tell counts as one.
bool is_icmp_error(IpFamily family, std::uint8_t protocol, ByteView transport) noexcept;

// At most `rate` a second on average and `burst` at once (RFC 1812 4.3.2.8).
class TokenBucket {
 public:
  TokenBucket() noexcept : span_(-1) {}  // gives nothing
  TokenBucket(std::uint32_t rate, std::uint32_t burst) noexcept
      : interval_(Duration(std::chrono::seconds(1)) / rate), span_(interval_ * burst) {}

  bool take(Instant now) noexcept {
    // When the bucket would be full again; each token that is taken puts it off by one interval.
    const Instant full_at = std::max(full_at_.value_or(now), now) + interval_;
    if (full_at - now > span_) return false;
    full_at_ = full_at;
    return true;
  }

 private:
  Duration interval_{};
  Duration span_;
  std::optional<Instant> full_at_;
};

}  // namespace pontoon::stack
