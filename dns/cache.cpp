#include "dns/cache.h"

#include <algorithm>
#include <bit>

namespace pontoon::dns {

std::uint64_t QuestionKey::hash(std::uint64_t seed) const noexcept {
  const std::uint64_t rest = static_cast<std::uint64_t>(type) << 2 |
                             static_cast<std::uint64_t>(dnssec_ok) << 1 |
                             static_cast<std::uint64_t>(checking_disabled);
  return hash_name(name, seed + rest * 0x9e3779b97f4a7c15ULL);
}

Cache::Cache(Random& random, std::size_t capacity)
    : capacity_(capacity),
      seed_(random.u64()),
      mask_(std::bit_ceil(capacity) - 1),
      buckets_(mask_ + 1, kNone) {}

const Cache::Entry* Cache::find(const QuestionKey& key, Instant now) noexcept {
  const std::uint32_t index = locate(key, key.hash(seed_));
  if (index == kNone || slots_[index].expires <= now) return nullptr;
  slots_[index].used = true;
  return &slots_[index].entry;
}

void Cache::store(const QuestionKey& key, ByteView response, const ResponseLayout& layout,
                  Duration ttl, Instant now) {
  Slot& slot = claim(key, now);
  slot.expires = now + ttl;
  slot.entry.response.assign(response.begin(), response.end());
  slot.entry.layout = layout;
  slot.entry.stored = now;
}

void Cache::store_failure(const QuestionKey& key, Duration ttl, Instant now) {
  Slot& slot = claim(key, now);
  slot.expires = now + ttl;
  slot.entry.response.clear();
  slot.entry.stored = now;
}

void Cache::clear() noexcept {
  std::ranges::fill(buckets_, kNone);
  slots_.clear();
  hand_ = 0;
}

std::uint32_t Cache::locate(const QuestionKey& key, std::uint64_t hash) const noexcept {
  std::uint32_t index = buckets_[hash & mask_];
  while (index != kNone && !(slots_[index].hash == hash && slots_[index].key() == key))
    index = slots_[index].next;
  return index;
}

Cache::Slot& Cache::claim(const QuestionKey& key, Instant now) {
  const std::uint64_t hash = key.hash(seed_);
  std::uint32_t index = locate(key, hash);
  if (index != kNone) return slots_[index];
  if (slots_.size() < capacity_) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    index = evict(now);
  }
  Slot& slot = slots_[index];
  slot.name = Name(key.name);
  slot.type = key.type;
  slot.dnssec_ok = key.dnssec_ok;
  slot.checking_disabled = key.checking_disabled;
  slot.used = false;
  slot.hash = hash;
  slot.next = bucket(hash);
  bucket(hash) = index;
  return slot;
}

std::uint32_t Cache::evict(Instant now) noexcept {
  // After one round every `used` mark is gone, so this ends in the second at the latest.
  for (;; hand_ = (hand_ + 1) % slots_.size()) {
    Slot& slot = slots_[hand_];
    if (slot.expires > now && slot.used) {
      slot.used = false;
      continue;
    }
    const auto index = static_cast<std::uint32_t>(hand_);
    unlink(index);
    hand_ = (hand_ + 1) % slots_.size();
    return index;
  }
}

void Cache::unlink(std::uint32_t index) noexcept {
  std::uint32_t* link = &bucket(slots_[index].hash);
  while (*link != index)
    link = &slots_[*link].next;
  *link = slots_[index].next;
}

}  // namespace pontoon::dns
