// Answers of the upstreams, kept until their records expire. Bounded by kDnsCacheEntries; when
// full, the second-chance algorithm makes room: an entry that was used since the hand last passed
// stays for another round, so a flood of names that nobody asks for twice pushes out itself.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "dns/response.h"

namespace pontoon::dns {

// What a forwarded answer depends on; the class is always IN. DO and CD count because they change
// what the upstream sends (RFC 4035 4.7, RFC 6840 5.9).
struct QuestionKey {
  NameView name;
  RecordType type = RecordType::a;
  bool dnssec_ok = false;
  bool checking_disabled = false;

  std::uint64_t hash(std::uint64_t seed) const noexcept;
  friend bool operator==(const QuestionKey&, const QuestionKey&) noexcept = default;
};

class Cache {
 public:
  explicit Cache(Random& random, std::size_t capacity);

  struct Entry {
    std::vector<std::uint8_t> response;  // empty: the upstreams failed
    ResponseLayout layout;
    Instant stored{};
  };

  // Null when unknown or expired. Valid until the next store().
  const Entry* find(const QuestionKey& key, Instant now) noexcept;
  // For `ttl` (not more than the response's own says). Replaces what was there.
  void store(const QuestionKey& key, ByteView response, const ResponseLayout& layout, Duration ttl,
             Instant now);
  // That nobody could answer: not asked again for `ttl`.
  void store_failure(const QuestionKey& key, Duration ttl, Instant now);
  void clear() noexcept;
  std::size_t size() const noexcept { return slots_.size(); }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Slot {
    Name name;
    RecordType type = RecordType::a;
    bool dnssec_ok = false;
    bool checking_disabled = false;
    bool used = false;
    std::uint32_t next = kNone;  // in the bucket's chain
    std::uint64_t hash = 0;
    Instant expires{};
    Entry entry;

    QuestionKey key() const noexcept { return {name, type, dnssec_ok, checking_disabled}; }
  };

  std::uint32_t locate(const QuestionKey& key, std::uint64_t hash) const noexcept;
  Slot& claim(const QuestionKey& key, Instant now);
  std::uint32_t evict(Instant now) noexcept;
  void unlink(std::uint32_t index) noexcept;
  std::uint32_t& bucket(std::uint64_t hash) noexcept { return buckets_[hash & mask_]; }

  std::size_t capacity_;
  std::uint64_t seed_;
  std::uint64_t mask_;
  std::vector<std::uint32_t> buckets_;
  std::vector<Slot> slots_;
  std::size_t hand_ = 0;
};

}  // namespace pontoon::dns
