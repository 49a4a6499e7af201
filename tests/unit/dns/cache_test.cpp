#include "dns/cache.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <map>

#include "tests/support/dns.h"

using namespace pontoon;
using namespace pontoon::dns;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{1000s};

Name numbered(unsigned number) {
  return *Name::from_text("n" + std::to_string(number));
}
QuestionKey key_of(const Name& name) {
  return {name, RecordType::a, false, false};
}
test::Bytes value_of(unsigned value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

}  // namespace

TEST_CASE("entries are found in any case until they expire") {
  SeededRandom random(1, "cache");
  Cache cache(random, 4);
  const Name name = *Name::from_text("Example.COM"), other = *Name::from_text("eXample.com");
  cache.store(key_of(name), value_of(7), {}, 10s, kStart);
  REQUIRE(cache.find(key_of(other), kStart + 9s) != nullptr);
  CHECK(cache.find(key_of(other), kStart + 9s)->response == value_of(7));
  CHECK(cache.find(key_of(other), kStart + 10s) == nullptr);
  CHECK(cache.find({name, RecordType::aaaa, false, false}, kStart) == nullptr);
  CHECK(cache.find({name, RecordType::a, true, false}, kStart) == nullptr);
  CHECK(cache.find({name, RecordType::a, false, true}, kStart) == nullptr);
  cache.store_failure(key_of(name), 2s, kStart + 20s);
  CHECK(cache.find(key_of(name), kStart + 21s)->response.empty());
  CHECK(cache.size() == 1);
}

TEST_CASE("entries that were used survive a flood, expired ones go first") {
  SeededRandom random(1, "cache");
  Cache cache(random, 8);
  cache.store(key_of(numbered(0)), value_of(0), {}, 1h, kStart);
  for (unsigned i = 1; i < 1000; ++i) {
    cache.store(key_of(numbered(i)), value_of(i), {}, 1h, kStart);
    REQUIRE(cache.find(key_of(numbered(0)), kStart) != nullptr);
  }
  CHECK(cache.size() == 8);
}

TEST_CASE("the cache never gives a wrong answer, whatever the order of events") {
  REQUIRE(rc::check([] {
    SeededRandom random(*rc::gen::arbitrary<std::uint64_t>(), "cache");
    Cache cache(random, 8);
    std::map<unsigned, std::pair<unsigned, Instant>> model;
    Instant now = kStart;
    for (unsigned step = 0; step < 300; ++step) {
      const unsigned number = random.below(20);
      const Name name = numbered(number);
      now += std::chrono::seconds(random.below(3));
      if (random.below(2) == 0) {
        const Duration ttl = std::chrono::seconds(1 + random.below(20));
        cache.store(key_of(name), value_of(step), {}, ttl, now);
        model[number] = {step, now + ttl};
        RC_ASSERT(cache.find(key_of(name), now) != nullptr);
      } else if (const Cache::Entry* entry = cache.find(key_of(name), now)) {
        RC_ASSERT(model.contains(number));
        RC_ASSERT(entry->response == value_of(model[number].first));
        RC_ASSERT(now < model[number].second);
      }
      RC_ASSERT(cache.size() <= 8U);
    }
  }));
}
