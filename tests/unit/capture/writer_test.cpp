// The bytes that pcapng's draft asks for, written down by hand.
#include <catch2/catch.hpp>

#include "core/capture/writer.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"

namespace pontoon::capture {
namespace {

using pontoon::test::hex;
using pontoon::test::ip;
using pontoon::test::mac;
using pontoon::test::unhex;

void check_bytes(const Bytes& got, std::string_view expected) {
  CHECK(hex(got) == hex(unhex(expected)));
}

TEST_CASE("writer: a section header, little-endian, of unknown length, with who wrote it") {
  Bytes out;
  append_section_header(out, "pontoon");
  check_bytes(out,
              "0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff"
              "0400 0700 706f6e746f6f6e 00"  // shb_userappl
              "00000000 2c000000");
}

TEST_CASE("writer: a section header without a name has no options at all") {
  Bytes out;
  append_section_header(out, "");
  check_bytes(out, "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000");
}

TEST_CASE("writer: an interface says its name, addresses and that times are nanoseconds") {
  Bytes out;
  append_interface(out, {"web", "eth0 of web", LinkType::ethernet, 256, mac("02:42:ac:11:00:02"),
                         IpPrefix::parse("172.17.0.2/16")});
  check_bytes(out,
              "01000000 50000000 0100 0000 00010000"
              "0200 0300 776562 00"
              "0300 0b00 65746830206f6620776562 00"
              "0400 0800 ac110002 ffff0000"
              "0600 0600 0242ac110002 0000"
              "0900 0100 09 000000"
              "00000000 50000000");
}

TEST_CASE("writer: a bare interface") {
  Bytes out;
  append_interface(out, {});
  check_bytes(out, "01000000 20000000 0100 0000 00000000 0900 0100 09 000000 00000000 20000000");
}

TEST_CASE("writer: masks of an interface, and no IPv6 prefix where only IPv4 has a place") {
  const auto mask_of = [](std::string_view prefix) {
    Bytes out;
    Interface interface;
    interface.ipv4 = IpPrefix::parse(prefix);
    append_interface(out, interface);
    return out.size() < 40 ? std::string() : hex(ByteView(out).subspan(24, 4));
  };
  CHECK(mask_of("10.0.0.1/0") == "00000000");
  CHECK(mask_of("10.0.0.1/8") == "ff000000");
  CHECK(mask_of("10.0.0.1/32") == "ffffffff");
  CHECK(mask_of("fd00::1/64") == "");
}

TEST_CASE("writer: a packet with its direction and comment") {
  Bytes out;
  Packet packet;
  packet.interface = 2;
  packet.time_ns = 0x0102030405060708;
  packet.direction = Direction::outbound;
  packet.bytes = unhex("aabbccddee");
  packet.original_length = 9;
  packet.comment = "dropped";
  append_packet(out, packet);
  check_bytes(out,
              "06000000 40000000 02000000 04030201 08070605 05000000 09000000"
              "aabbccddee 000000"
              "0200 0400 02000000"
              "0100 0700 64726f70706564 00"
              "00000000 40000000");
}

TEST_CASE("writer: an empty packet, and one inbound") {
  Bytes out;
  append_packet(out, {});
  check_bytes(out, "06000000 20000000 00000000 00000000 00000000 00000000 00000000 20000000");
  out.clear();
  Packet packet;
  packet.direction = Direction::inbound;
  append_packet(out, packet);
  check_bytes(out,
              "06000000 2c000000 00000000 00000000 00000000 00000000 00000000"
              "0200 0400 01000000 00000000 2c000000");
}

TEST_CASE("writer: what makes no sense is put right") {
  Bytes out;
  Packet packet;
  packet.time_ns = -1;
  packet.bytes = unhex("01020304");
  packet.original_length = 0;
  append_packet(out, packet);
  check_bytes(out,
              "06000000 24000000 00000000 00000000 00000000 04000000 04000000 01020304 24000000");
}

TEST_CASE("writer: names for addresses of both families") {
  Bytes out;
  append_names(out, {{ip("172.17.0.2"), "web"}, {ip("fd00::2"), "web"}});
  check_bytes(out,
              "04000000 34000000"
              "0100 0800 ac110002 77656200"
              "0200 1400 fd000000000000000000000000000002 77656200"
              "00000000 34000000");
}

TEST_CASE("writer: a name is cut to what DNS allows, a comment to what an option holds") {
  Bytes out;
  append_names(out, {{ip("172.17.0.2"), std::string(300, 'x')}});
  check_bytes(Bytes(out.begin() + 8, out.begin() + 12), "0100 0401");  // 4 + 255 + 1 = 0x104
  out.clear();
  Packet packet;
  packet.comment = std::string(100'000, 'x');
  append_packet(out, packet);
  check_bytes(Bytes(out.begin() + 28, out.begin() + 32), "0100 fcff");
  CHECK(out.size() == 28 + 4 + 65532 + 4 + 4);
}

TEST_CASE("writer: statistics") {
  Bytes out;
  append_statistics(out, {1, 0x100000002, 1000, 3});
  check_bytes(out,
              "05000000 34000000 01000000 01000000 02000000"
              "0400 0800 e803000000000000"
              "0500 0800 0300000000000000"
              "00000000 34000000");
}

TEST_CASE("writer: appends, and every block is a multiple of four bytes long") {
  Bytes out;
  append_section_header(out, "x");
  const std::size_t first = out.size();
  CHECK(first % 4 == 0);
  for (std::size_t size = 0; size < 9; ++size) {
    Packet packet;
    packet.bytes.assign(size, 0xaa);
    packet.comment.assign(size, 'c');
    append_packet(out, packet);
    CHECK(out.size() % 4 == 0);
  }
  Bytes alone;
  append_section_header(alone, "x");
  CHECK(std::equal(alone.begin(), alone.end(), out.begin()));
}

}  // namespace
}  // namespace pontoon::capture
