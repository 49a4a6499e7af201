// Initial sequence numbers (RFC 6528): a clock that ticks every 4 microseconds plus a keyed hash of
// the flow, so that one flow's numbers rise over its incarnations and say nothing about another's.
#pragma once

#include "core/base/time.h"
#include "core/stack/tcp/keyed_hash.h"
#include "core/wire/sequence.h"

namespace pontoon::stack::tcp {

class SequenceGenerator {
 public:
  explicit SequenceGenerator(Random& random) noexcept : key_(HashKey::draw(random)) {}

  wire::TcpSequence initial(const SocketAddress& endpoint, const SocketAddress& far,
                            Instant now) const noexcept {
    const auto ticks = static_cast<std::uint64_t>(now.time_since_epoch() / Duration(4000));
    return {static_cast<std::uint32_t>(ticks + keyed_hash(key_, endpoint, far))};
  }
  // RFC 7323 5.4: timestamps of different flows should not tell the same clock.
  std::uint32_t timestamp_offset(const SocketAddress& endpoint,
                                 const SocketAddress& far) const noexcept {
    return static_cast<std::uint32_t>(keyed_hash(key_, far, endpoint) >> 32);
  }

 private:
  HashKey key_;
};

}  // namespace pontoon::stack::tcp
