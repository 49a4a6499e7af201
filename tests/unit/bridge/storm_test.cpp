#include "bridge/storm.h"

#include <catch2/catch.hpp>

namespace pontoon::bridge {
namespace {

using namespace std::chrono_literals;
constexpr Instant kStart{std::chrono::hours(1)};
constexpr Duration kCost = Duration(1s) / limits::kStormFramesPerSecond;

std::uint32_t passed(StormLimit& limit, std::uint32_t tries, Instant now) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < tries; ++i)
    count += limit.pass(1, now) ? 1 : 0;
  return count;
}

TEST_CASE("a burst passes, then nothing until time has gone by", "[limit:kStormBurst]") {
  StormLimit limit;
  CHECK(passed(limit, limits::kStormBurst + 100, kStart) == limits::kStormBurst);
  CHECK(passed(limit, 10, kStart + kCost - 1ns) == 0);
  CHECK(passed(limit, 10, kStart + kCost) == 1);
}

TEST_CASE("the rate holds in the long run", "[limit:kStormFramesPerSecond]") {
  StormLimit limit;
  std::uint32_t count = 0;
  for (int millisecond = 0; millisecond < 10'000; ++millisecond)
    count += passed(limit, 20, kStart + millisecond * 1ms);
  const std::uint32_t earned = 10 * limits::kStormFramesPerSecond;
  CHECK(count <= earned + limits::kStormBurst);
  CHECK(count >= earned + limits::kStormBurst - 10);
}

TEST_CASE("silence earns no more than one burst") {
  StormLimit limit;
  CHECK(passed(limit, 1, kStart) == 1);
  CHECK(passed(limit, 2 * limits::kStormBurst, kStart + 1h) == limits::kStormBurst);
}

TEST_CASE("a super-frame costs as much as its segments") {
  StormLimit limit;
  CHECK(limit.pass(limits::kStormBurst - 45, kStart));
  CHECK_FALSE(limit.pass(46, kStart));
  CHECK(limit.pass(45, kStart));
  CHECK_FALSE(limit.pass(1, kStart));
}

}  // namespace
}  // namespace pontoon::bridge
