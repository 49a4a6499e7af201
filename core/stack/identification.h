// Identifications of datagrams that we fragment.
//
// They must not repeat for one source, target and protocol while pieces may be under way (RFC 6864
// 4.3), and nobody who sees some should guess those of others (RFC 7739 5). So each hashed bucket
// of such triples has a counter of its own that starts at random; the hash is keyed.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/address.h"
#include "core/base/random.h"

namespace pontoon::stack {

class IdentificationSource {
 public:
  explicit IdentificationSource(Random& random) noexcept : key_(random.u64()) {
    for (std::uint32_t& counter : counters_)
      counter = random.u32();
  }

  // IPv4 takes the low 16 bits.
  std::uint32_t next(const IpAddress& source, const IpAddress& target) noexcept {
    std::uint64_t hash = key_;
    for (const IpAddress* address : {&source, &target}) {
      hash ^= std::hash<IpAddress>{}(*address);
      hash *= 0x9e3779b97f4a7c15ULL;
      hash ^= hash >> 29;
    }
    return counters_[hash % kBuckets]++;
  }

 private:
  static constexpr std::size_t kBuckets = 256;
  std::uint64_t key_;
  std::array<std::uint32_t, kBuckets> counters_{};
};

}  // namespace pontoon::stack
