#include <catch2/catch.hpp>

#include <limits>

#include "core/base/limits.h"
#include "core/capture/time_scale.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"
#include "tests/unit/capture/build.h"

namespace pontoon::capture {
namespace {

using namespace test;
using pontoon::test::hex;
using pontoon::test::mac;
using pontoon::test::unhex;

constexpr Order kBoth[] = {Order::big, Order::little};

Raw file_with(Order order, const Raw& more) {
  return section(order).add(interface(order)).add(more);
}

TEST_CASE("pcapng: packets, directions and comments in either byte order") {
  for (const Order order : kBoth) {
    Raw options(order);
    options.option(1, "seen").option(2, Raw(order).u32(0xfffffff2).bytes).option(1, "and noted");
    options.option(0, "");
    Raw file = file_with(order, packet(order, 0, 5'000'001, unhex("0102030405"), 60, &options));
    file.add(packet(order, 0, 4'000'000, unhex("06")));
    const Content content = read(file.bytes);
    CHECK(content.error == "");
    CHECK(content.problem == "");
    REQUIRE(content.packets.size() == 2);
    CHECK(content.packets[0].time_ns == 5'000'001'000);
    CHECK(hex(content.packets[0].bytes) == "0102030405");
    CHECK(content.packets[0].original_length == 60);
    CHECK(content.packets[0].direction == Direction::outbound);
    CHECK(content.packets[0].comment == "seen\nand noted");
    CHECK(content.packets[1].time_ns == 4'000'000'000);
    CHECK(content.packets[1].direction == Direction::unknown);
  }
}

TEST_CASE("pcapng: what an interface says of itself") {
  for (const Order order : kBoth) {
    Raw options(order);
    options.option(2, "eth0").option(3, "uplink").option(4, unhex("0a000001 ffffff00"));
    options.option(6, unhex("0242ac110002")).option(0, "").option(2, "behind the end");
    const Raw file = section(order).add(interface(order, 113, 96, &options));
    const Content content = read(file.bytes);
    REQUIRE(content.interfaces.size() == 1);
    const Interface& got = content.interfaces[0];
    CHECK(got.name == "eth0");
    CHECK(got.description == "uplink");
    CHECK(got.ipv4 == IpPrefix::parse("10.0.0.1/24"));
    CHECK(got.mac == mac("02:42:ac:11:00:02"));
    CHECK(got.snap_length == 96);
    CHECK(got.link_type == LinkType::linux_sll);
  }
}

TEST_CASE("pcapng: options of a wrong size say nothing") {
  Raw options(Order::big);
  options.option(4, unhex("0a000001")).option(4, unhex("0a000001 ff00ff00"));
  options.option(6, unhex("0242")).option(9, unhex("0909")).option(14, unhex("01"));
  Raw file = section(Order::big).add(interface(Order::big, 1, 0, &options));
  Raw flags(Order::big);
  flags.option(2, unhex("0001"));
  file.add(packet(Order::big, 0, 1, {}, {}, &flags));
  const Content content = read(file.bytes);
  CHECK_FALSE(content.interfaces.at(0).ipv4);
  CHECK_FALSE(content.interfaces.at(0).mac);
  CHECK(content.packets.at(0).time_ns == 1000);
  CHECK(content.packets.at(0).direction == Direction::unknown);
}

TEST_CASE("pcapng: options that are cut short end the list") {
  Raw options(Order::big);
  options.option(2, "eth0").u16(3).u16(100).u32(0);
  const Content content =
      read(section(Order::big).add(interface(Order::big, 1, 0, &options)).bytes);
  CHECK(content.problem == "");
  CHECK(content.interfaces.at(0).name == "eth0");
  CHECK(content.interfaces.at(0).description == "");
}

std::int64_t time_of(std::uint8_t resolution, std::uint64_t ticks, std::int64_t offset = 0) {
  Raw options(Order::little);
  options.option(9, Bytes{resolution});
  options.option(14, Raw(Order::little).u64(static_cast<std::uint64_t>(offset)).bytes);
  Raw file = section(Order::little).add(interface(Order::little, 1, 0, &options));
  file.add(packet(Order::little, 0, ticks, {}));
  return read(file.bytes).packets.at(0).time_ns;
}

TEST_CASE("pcapng: the clock's resolution in powers of ten") {
  CHECK(time_of(0, 7) == 7'000'000'000);
  CHECK(time_of(3, 7) == 7'000'000);
  CHECK(time_of(6, 7) == 7000);
  CHECK(time_of(9, 7) == 7);
  CHECK(time_of(12, 7'999) == 7);
  CHECK(time_of(18, 3'000'000'000'000'000'000) == 3'000'000'000);
  CHECK(time_of(19, 10'000'000'000'000'000'000ULL) == 1'000'000'000);
  CHECK(time_of(20, 10'000'000'000'000'000'000ULL) == 100'000'000);
  CHECK(time_of(127, ~std::uint64_t{0}) == 0);
}

TEST_CASE("pcapng: the clock's resolution in powers of two") {
  CHECK(time_of(0x80, 7) == 7'000'000'000);
  CHECK(time_of(0x81, 7) == 3'500'000'000);
  CHECK(time_of(0x80 | 30, (5ULL << 30) + (1ULL << 29)) == 5'500'000'000);
  CHECK(time_of(0x80 | 32, 1ULL << 31) == 500'000'000);
  CHECK(time_of(0x80 | 40, 3ULL << 39) == 1'500'000'000);
  CHECK(time_of(0x80 | 63, 1ULL << 63) == 1'000'000'000);
  CHECK(time_of(0x80 | 64, 1ULL << 63) == 500'000'000);
  CHECK(time_of(0x80 | 65, 1ULL << 63) == 250'000'000);
  CHECK(time_of(0xff, ~std::uint64_t{0}) == 0);
}

TEST_CASE("pcapng: the clock's offset, and times that do not fit") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  CHECK(time_of(9, 5, 2) == 2'000'000'005);
  CHECK(time_of(9, 3'000'000'005, -2) == 1'000'000'005);
  CHECK(time_of(9, 5, -2) == 0);
  CHECK(time_of(0, ~std::uint64_t{0}) > 9'000'000'000'000'000'000);
  CHECK(time_of(0, ~std::uint64_t{0}, kMost) > 9'000'000'000'000'000'000);
  CHECK(time_of(0, ~std::uint64_t{0}, kLeast) == 0);
  CHECK(time_of(0x80, ~std::uint64_t{0}, kLeast) == 0);
  CHECK(time_of(9, static_cast<std::uint64_t>(kMost) - 1'000'000'000) > 0);
}

TEST_CASE("pcapng: simple packets have the first interface, its snap length and no time") {
  for (const Order order : kBoth) {
    Raw file = section(order).add(interface(order, 1, 4)).add(interface(order, 1, 2));
    file.add(packet(order, 1, 9, unhex("ff")));
    file.add(block(order, 3, Raw(order).u32(6).add(unhex("01020304"))));
    file.add(block(order, 3, Raw(order).u32(3).add(unhex("010203 00"))));
    const Content content = read(file.bytes);
    CHECK(content.problem == "");
    REQUIRE(content.packets.size() == 3);
    CHECK(content.packets[1].interface == 0);
    CHECK(hex(content.packets[1].bytes) == "01020304");
    CHECK(content.packets[1].original_length == 6);
    CHECK(content.packets[1].time_ns == 9000);
    CHECK(hex(content.packets[2].bytes) == "010203");
  }
}

TEST_CASE("pcapng: the packet block of old") {
  for (const Order order : kBoth) {
    Raw body(order);
    body.u16(1).u16(0xffff).u32(0).u32(77).u32(3).u32(8).add(unhex("010203 00"));
    body.option(2, Raw(order).u32(1).bytes);
    Raw file =
        section(order).add(interface(order)).add(interface(order)).add(block(order, 2, body));
    const Content content = read(file.bytes);
    REQUIRE(content.packets.size() == 1);
    CHECK(content.packets[0].interface == 1);
    CHECK(content.packets[0].time_ns == 77'000);
    CHECK(hex(content.packets[0].bytes) == "010203");
    CHECK(content.packets[0].original_length == 8);
    CHECK(content.packets[0].direction == Direction::inbound);
  }
}

TEST_CASE("pcapng: sections of different byte orders, each with its own interfaces and clocks") {
  Raw nanoseconds(Order::little);
  nanoseconds.option(9, Bytes{9});
  Raw file = file_with(Order::big, packet(Order::big, 0, 1, unhex("01")));
  file.add(section(Order::little)).add(interface(Order::little, 101, 0, &nanoseconds));
  file.add(packet(Order::little, 0, 2, unhex("02")));
  const Content content = read(file.bytes);
  CHECK(content.problem == "");
  REQUIRE(content.interfaces.size() == 2);
  CHECK(content.interfaces[1].link_type == LinkType::raw);
  REQUIRE(content.packets.size() == 2);
  CHECK(content.packets[0].interface == 0);
  CHECK(content.packets[0].time_ns == 1000);
  CHECK(content.packets[1].interface == 1);
  CHECK(content.packets[1].time_ns == 2);
}

TEST_CASE("pcapng: an interface of the section before is not declared in the next") {
  Raw file = file_with(Order::big, section(Order::little));
  file.add(packet(Order::little, 0, 2, unhex("02")));
  CHECK(read(file.bytes).problem ==
        "packet 1 at byte 76: is of interface 0, which the file has not declared before");
}

TEST_CASE("pcapng: blocks of no use here are passed over") {
  const Order order = Order::little;
  Raw file = section(order);
  for (const std::uint32_t type : {4U, 5U, 10U, 0xbadU, 0x40000badU, 0x80000001U, 0U})
    file.add(block(order, type, Raw(order).u32(0xffffffff)));
  file.add(interface(order)).add(block(order, 0x7fffffff, Raw(order)));
  file.add(packet(order, 0, 1, unhex("01")));
  const Content content = read(file.bytes);
  CHECK(content.problem == "");
  CHECK(content.packets.size() == 1);
}

TEST_CASE("pcapng: a file without packets, and one without interfaces") {
  CHECK(read(section(Order::big).bytes).problem == "");
  CHECK(read(section(Order::big).bytes).packets.empty());
  Raw file = section(Order::big).add(packet(Order::big, 0, 0, unhex("01")));
  CHECK(read(file.bytes).problem ==
        "packet 1 at byte 28: is of interface 0, which the file has not declared before");
  file = section(Order::big).add(block(Order::big, 3, Raw(Order::big).u32(0)));
  CHECK(read(file.bytes).problem ==
        "packet 1 at byte 28: is of interface 0, which the file has not declared before");
}

// The problem with a block that is put behind a packet: that packet has to be there still.
std::string problem_with(const Raw& bad) {
  Raw file = file_with(Order::big, packet(Order::big, 0, 1, unhex("01020304")));
  file.add(bad);
  const Content content = read(file.bytes);
  CHECK(content.packets.size() == 1);
  return content.problem;
}

TEST_CASE("pcapng: frames of blocks that are wrong") {
  const auto raw = [] { return Raw(Order::big); };
  CHECK(problem_with(raw().u32(6)) == "block at byte 84: the file ends within a block's header");
  CHECK(problem_with(raw().u32(6).u32(8).u32(8)) ==
        "block at byte 84: a block's length is a multiple of 4 from 12 up, not 8");
  CHECK(problem_with(raw().u32(6).u32(0).u32(0)) ==
        "block at byte 84: a block's length is a multiple of 4 from 12 up, not 0");
  CHECK(problem_with(raw().u32(9).u32(14).u32(0).u32(0)) ==
        "block at byte 84: a block's length is a multiple of 4 from 12 up, not 14");
  CHECK(problem_with(raw().u32(9).u32(16).u32(0).u32(12)) ==
        "block at byte 84: is 16 bytes long in front, but 12 behind");
  CHECK(problem_with(raw().u32(9).u32(100).u32(0)) ==
        "block at byte 84: is 100 bytes long, but the file ends after 12 of them");
  CHECK(problem_with(raw().u32(9).u32(0xfffffffc).u32(0)) ==
        "block at byte 84: claims to be 4294967292 bytes long, more than 16777216");
}

TEST_CASE("pcapng: packets whose block is too short for them") {
  const auto raw = [] { return Raw(Order::big); };
  const std::string expected =
      "packet 2 at byte 84: its block is too short for what it claims to hold";
  CHECK(problem_with(block(Order::big, 6, raw())) == expected);
  CHECK(problem_with(block(Order::big, 6, raw().u32(0).u64(0).u32(4))) == expected);
  CHECK(problem_with(block(Order::big, 6, raw().u32(0).u64(0).u32(5).u32(5).u32(0))) == expected);
  CHECK(problem_with(block(Order::big, 6, raw().u32(0).u64(0).u32(0xffffffff).u32(5))) == expected);
  CHECK(problem_with(block(Order::big, 3, raw())) == expected);
  CHECK(problem_with(block(Order::big, 3, raw().u32(5).u32(0))) == expected);
  CHECK(problem_with(block(Order::big, 2, raw().u32(0).u64(0).u32(5).u32(5).u32(0))) == expected);
}

TEST_CASE("pcapng: sections and interfaces that are wrong further on") {
  const auto raw = [] { return Raw(Order::big); };
  CHECK(problem_with(raw().u32(0x0a0d0d0a).u32(28)) ==
        "block at byte 84: the file ends within a section header");
  CHECK(problem_with(raw().u32(0x0a0d0d0a).u32(28).u32(0x11223344)) ==
        "block at byte 84: the byte-order magic of a section is 0x1a2b3c4d, not 0x11223344");
  CHECK(problem_with(block(Order::big, 0x0a0d0d0a, raw().u32(0x1a2b3c4d).u16(2).u16(1).u64(0))) ==
        "block at byte 84: pcapng version 2.1; only version 1 is read");
  CHECK(problem_with(block(Order::big, 0x0a0d0d0a, raw().u32(0x1a2b3c4d).u16(1))) ==
        "block at byte 84: a block's length is a multiple of 4 from 12 up, not 18");
  CHECK(problem_with(block(Order::big, 0x0a0d0d0a, raw().u32(0x1a2b3c4d).u16(1).u16(0))) ==
        "block at byte 84: too short for a section header");
  CHECK(problem_with(block(Order::big, 1, raw().u32(0))) ==
        "block at byte 84: too short for an interface");
}

TEST_CASE("pcapng: a first section that is wrong is an error of open()") {
  CHECK(read(unhex("0a0d0d0a 1c000000")).error ==
        "block at byte 0: the file ends within a section header");
  CHECK(read(unhex("0a0d0d0a 1c000000 4d3c2b1a 0100 0000")).error ==
        "block at byte 0: is 28 bytes long, but the file ends after 16 of them");
  CHECK(read(unhex("0a0d0d0a 1c000000 ffffffff 0100 0000")).error ==
        "block at byte 0: the byte-order magic of a section is 0x1a2b3c4d, not 0xffffffff");
}

TEST_CASE("pcapng: interfaces beyond the limit end the file", "[limit:kCaptureInterfaces]") {
  Raw file = section(Order::big);
  for (std::size_t i = 0; i < limits::kCaptureInterfaces; ++i)
    file.add(interface(Order::big));
  CHECK(read(file.bytes).problem == "");
  file.add(interface(Order::big));
  const Content content = read(file.bytes);
  CHECK(content.interfaces.size() == limits::kCaptureInterfaces);
  CHECK(content.problem == "block at byte 81948: the file has more than 4096 interfaces");
}

}  // namespace
}  // namespace pontoon::capture
