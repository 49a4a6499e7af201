// SipHash-2-4 (Aumasson and Bernstein, 2012) with a key of this run: endpoints choose ports and
// addresses, and must not be able to choose hash buckets or guess sequence numbers.
#pragma once

#include <cstdint>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/base/random.h"

namespace pontoon::stack::tcp {

struct HashKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  static HashKey draw(Random& random) noexcept { return {random.u64(), random.u64()}; }
};

std::uint64_t keyed_hash(const HashKey& key, ByteView bytes) noexcept;

// A flow as both sides see it: the endpoint's socket and the one that it talks to.
std::uint64_t keyed_hash(const HashKey& key, const SocketAddress& endpoint,
                         const SocketAddress& far) noexcept;

}  // namespace pontoon::stack::tcp
