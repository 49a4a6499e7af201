#include "core/stack/icmp_rules.h"

#include <catch2/catch.hpp>

#include "core/stack/frame_ring.h"
#include "core/stack/identification.h"
#include "tests/support/packets.h"

using namespace pontoon;
using namespace pontoon::stack;
using namespace std::chrono_literals;

TEST_CASE("every truth has a type and code in both families, and comes back as itself") {
  for (const Unreachable reason :
       {Unreachable::network, Unreachable::host, Unreachable::port, Unreachable::too_big,
        Unreachable::prohibited, Unreachable::time_exceeded}) {
    CAPTURE(static_cast<int>(reason));
    const IcmpMessage four = icmp_message(IpFamily::v4, reason, 1400);
    const IcmpMessage six = icmp_message(IpFamily::v6, reason, 1400);
    CHECK(meaning_of_icmp(four.type, four.code) == reason);
    CHECK(meaning_of_icmpv6(six.type, six.code) == reason);
    const bool has_mtu = reason == Unreachable::too_big;
    CHECK(four.rest == (has_mtu ? 1400U : 0U));
    CHECK(six.rest == (has_mtu ? 1400U : 0U));
  }
  CHECK(icmp_message(IpFamily::v4, Unreachable::port) == IcmpMessage{3, 3, 0});
  CHECK(icmp_message(IpFamily::v6, Unreachable::port) == IcmpMessage{1, 4, 0});
  CHECK(icmp_message(IpFamily::v4, Unreachable::too_big, 100000).rest == 0xffff);
  CHECK(icmp_reassembly_timeout(IpFamily::v4) == IcmpMessage{11, 1, 0});
  CHECK(icmp_reassembly_timeout(IpFamily::v6) == IcmpMessage{3, 1, 0});
}

TEST_CASE("other codes mean something or nothing") {
  CHECK(meaning_of_icmp(3, 2) == Unreachable::port);  // protocol
  CHECK(meaning_of_icmp(3, 9) == Unreachable::prohibited);
  CHECK(meaning_of_icmp(3, 12) == Unreachable::host);
  CHECK(meaning_of_icmp(3, 200) == std::nullopt);
  CHECK(meaning_of_icmp(5, 0) == std::nullopt);
  CHECK(meaning_of_icmp(12, 0) == std::nullopt);
  CHECK(meaning_of_icmpv6(1, 6) == Unreachable::prohibited);
  CHECK(meaning_of_icmpv6(1, 77) == std::nullopt);
  CHECK(meaning_of_icmpv6(4, 0) == std::nullopt);
}

TEST_CASE("errors and redirects are known as such; what is too short counts as one") {
  const auto error = [](IpFamily family, std::uint8_t protocol, std::uint8_t type,
                        std::size_t size = 8) {
    std::vector<std::uint8_t> message(size, 0);
    if (size > 0) message[0] = type;
    return is_icmp_error(family, protocol, message);
  };
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{3, 4, 5, 11, 12})
    CHECK(error(IpFamily::v4, 1, type));
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{0, 8, 13})
    CHECK_FALSE(error(IpFamily::v4, 1, type));
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{1, 2, 3, 4, 100, 127, 137})
    CHECK(error(IpFamily::v6, 58, type));
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{128, 129, 135})
    CHECK_FALSE(error(IpFamily::v6, 58, type));
  CHECK(error(IpFamily::v4, 1, 8, 7));
  CHECK(error(IpFamily::v6, 58, 128, 0));
  CHECK_FALSE(error(IpFamily::v4, 17, 3));
  CHECK_FALSE(error(IpFamily::v6, 1, 3));
}

TEST_CASE("the bucket gives its burst at once and then its rate") {
  TokenBucket bucket(10, 5);
  Instant now(1h);
  int passed = 0;
  for (int i = 0; i < 20; ++i)
    passed += bucket.take(now) ? 1 : 0;
  CHECK(passed == 5);
  for (int i = 0; i < 1000; ++i) {
    now += 10ms;
    passed += bucket.take(now) ? 1 : 0;
  }
  CHECK(passed == 5 + 100);
  now += 1h;
  passed = 0;
  for (int i = 0; i < 20; ++i)
    passed += bucket.take(now) ? 1 : 0;
  CHECK(passed == 5);
}

TEST_CASE("identifications do not repeat for one pair of hosts") {
  SeededRandom random(7, "identification");
  IdentificationSource source(random);
  const IpAddress us = test::ip("172.17.0.1");
  const std::uint32_t first = source.next(us, test::ip("172.17.0.2"));
  for (std::uint32_t i = 1; i < 1000; ++i)
    REQUIRE(source.next(us, test::ip("172.17.0.2")) == first + i);
}

TEST_CASE("two gateways do not draw the same identifications") {
  SeededRandom one(1, "identification");
  SeededRandom two(2, "identification");
  CHECK(IdentificationSource(one).next(test::ip("10.0.0.1"), test::ip("10.0.0.2")) !=
        IdentificationSource(two).next(test::ip("10.0.0.1"), test::ip("10.0.0.2")));
}

TEST_CASE("a ring keeps order across its end and knows its bound") {
  FramePool pool(8);
  FrameRing ring(3);
  std::size_t next_in = 1;
  std::size_t next_out = 1;
  for (int round = 0; round < 10; ++round) {
    while (!ring.full()) {
      FrameRef frame = pool.allocate(64);
      frame->append(next_in++);
      ring.push(std::move(frame));
    }
    CHECK(ring.size() == 3);
    CHECK(ring.pop()->size() == next_out++);
    CHECK(ring.pop()->size() == next_out++);
  }
  CHECK(pool.in_use() == 1);
}
