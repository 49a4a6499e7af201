#include "core/wire/checksum.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "core/base/random.h"
#include "tests/support/hex.h"
#include "tests/unit/wire/generators.h"

namespace pontoon::wire {
namespace {

using test::unhex;

// RFC 1071 as a beginner would write it: one 16-bit word after the other.
std::uint16_t naive_sum(ByteView bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
    if (sum > 0xffff) sum = (sum & 0xffff) + 1;
  }
  return static_cast<std::uint16_t>(sum);
}

std::uint16_t sum_of(ByteView bytes) {
  Checksum sum;
  sum.add(bytes);
  return sum.folded();
}

std::vector<std::uint8_t> random_bytes(std::size_t size, std::uint64_t seed) {
  std::vector<std::uint8_t> bytes(size);
  SeededRandom(seed, "checksum").fill(bytes);
  return bytes;
}

}  // namespace

TEST_CASE("checksum: the worked example of RFC 1071 section 3") {
  CHECK(sum_of(unhex("0001 f203 f4f5 f6f7")) == 0xddf2);
}

TEST_CASE("checksum: agrees with the naive sum at every alignment and small length") {
  const auto bytes = random_bytes(320, 1);
  for (std::size_t start = 0; start < 16; ++start) {
    for (std::size_t size = 0; size <= 300; ++size) {
      const ByteView piece = ByteView(bytes).subspan(start, size);
      if (sum_of(piece) != naive_sum(piece)) FAIL("start " << start << ", size " << size);
    }
  }
}

TEST_CASE("checksum: agrees with the naive sum over large buffers") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto bytes = random_bytes(60000 + seed * 277, seed);
    CHECK(sum_of(bytes) == naive_sum(bytes));
  }
}

TEST_CASE("checksum: carries are not lost when every bit is set") {
  const std::vector<std::uint8_t> ones(65535, 0xff);
  CHECK(sum_of(ones) == naive_sum(ones));
  CHECK(sum_of(ByteView(ones).first(65534)) == 0xffff);
  CHECK(sum_of(std::vector<std::uint8_t>(64, 0)) == 0);
}

TEST_CASE("checksum: any cutting into pieces gives the same sum") {
  REQUIRE(rc::check([] {
    const auto bytes = test::any_bytes_up_to(400);
    Checksum sum;
    ByteView rest(bytes);
    while (!rest.empty()) {
      const auto size = *rc::gen::inRange<std::size_t>(0, rest.size() + 1);
      sum.add(rest.first(size));
      rest = rest.subspan(size);
      if (size == 0) sum.add(rest.first(0));
      if (size == 0 && *rc::gen::inRange(0, 4) == 0) break;
    }
    sum.add(rest);
    RC_ASSERT(sum.folded() == naive_sum(bytes));
  }));
}

TEST_CASE("checksum: the pseudo-header of IPv4 is RFC 768's") {
  const Ipv4Address source = Ipv4Address::of(172, 17, 0, 2);
  const Ipv4Address destination = Ipv4Address::of(10, 0, 0, 1);
  const auto sum = Checksum::pseudo_header(source, destination, IpProtocol::udp, 0x1234);
  CHECK(sum.folded() == naive_sum(unhex("ac11 0002  0a00 0001  00 11 1234")));
}

TEST_CASE("checksum: the pseudo-header of IPv6 is RFC 8200's") {
  const auto source = *Ipv6Address::parse("fd00::2");
  const auto destination = *Ipv6Address::parse("2001:db8::ffff:1");
  const auto sum = Checksum::pseudo_header(source, destination, IpProtocol::tcp, 0x12345);
  CHECK(sum.folded() == naive_sum(unhex("fd000000000000000000000000000002"
                                        "20010db80000000000000000ffff0001"
                                        "00012345 00000006")));
}

TEST_CASE("checksum: ok() accepts exactly what value() makes") {
  REQUIRE(rc::check([] {
    auto bytes = test::any_bytes(2 * *rc::gen::inRange<std::size_t>(1, 40));
    store_be(bytes.data(), std::uint16_t{0});
    Checksum sum;
    sum.add(bytes);
    store_be(bytes.data(), sum.value());
    RC_ASSERT(checksum_ok(bytes));
    const auto at = *rc::gen::inRange<std::size_t>(0, bytes.size());
    bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ 0x10);
    RC_ASSERT(!checksum_ok(bytes));
  }));
}

TEST_CASE("checksum: zero is never what UDP sends") {
  Checksum sum;
  sum.add(unhex("ffff"));
  CHECK(sum.value() == 0);
  CHECK(sum.nonzero_value() == 0xffff);
}

TEST_CASE("checksum: an update equals summing anew") {
  // The example of RFC 1624 section 4, on which RFC 1141's formula fails.
  CHECK(update_checksum(0xdd2f, 0x5555, 0x3285) == 0x0000);
  REQUIRE(rc::check([] {
    auto bytes = test::any_bytes(20);
    bytes[0] = 0x45;  // all-zero data has two representations of its sum
    const auto before = static_cast<std::uint16_t>(~naive_sum(bytes));
    const auto old_word = load_be<std::uint16_t>(bytes.data() + 8);
    const auto new_word = test::any<std::uint16_t>();
    store_be(bytes.data() + 8, new_word);
    RC_ASSERT(update_checksum(before, old_word, new_word) ==
              static_cast<std::uint16_t>(~naive_sum(bytes)));
  }));
}

}  // namespace pontoon::wire
