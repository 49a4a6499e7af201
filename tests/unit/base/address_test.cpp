#include "core/base/address.h"

#include <catch2/catch.hpp>

#include "core/base/bytes.h"

using namespace pontoon;

TEST_CASE("addresses read what they print") {
  for (const char* text :
       {"0.0.0.0", "172.17.0.1", "255.255.255.255", "::", "::1", "fd00::1:2", "fe80::1"}) {
    INFO(text);
    REQUIRE(IpAddress::parse(text));
    CHECK(IpAddress::parse(text)->to_string() == text);
  }
  CHECK(MacAddress::parse("02:42:ac:11:00:02")->to_string() == "02:42:ac:11:00:02");
  CHECK(MacAddress::parse("02-42-AC-11-00-02")->to_string() == "02:42:ac:11:00:02");
}

TEST_CASE("what is no address is refused") {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "::g", "1.2.3.4/8"}) {
    INFO(text);
    CHECK_FALSE(IpAddress::parse(text));
  }
  for (const char* text :
       {"", "02:42:ac:11:00", "02:42:ac:11:00:0g", "02:42:ac:11:00:022", "0242ac110002"}) {
    INFO(text);
    CHECK_FALSE(MacAddress::parse(text));
  }
}

TEST_CASE("prefixes") {
  const auto prefix = IpPrefix::parse("172.17.3.4/16");
  REQUIRE(prefix);
  CHECK(prefix->network().to_string() == "172.17.0.0");
  CHECK(prefix->last().to_string() == "172.17.255.255");
  CHECK(prefix->contains(*IpAddress::parse("172.17.255.255")));
  CHECK_FALSE(prefix->contains(*IpAddress::parse("172.18.0.0")));
  CHECK_FALSE(prefix->contains(*IpAddress::parse("fd00::1")));
  CHECK(IpPrefix::parse("10.0.0.0/8")->overlaps(*IpPrefix::parse("10.1.0.0/16")));
  CHECK(IpPrefix::parse("10.1.0.0/16")->overlaps(*IpPrefix::parse("10.0.0.0/8")));
  CHECK_FALSE(IpPrefix::parse("10.1.0.0/16")->overlaps(*IpPrefix::parse("10.2.0.0/16")));
  CHECK(IpPrefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("8.8.8.8")));
  CHECK(IpPrefix::parse("fd00::/64")->contains(*IpAddress::parse("fd00::ffff")));
  for (const char* text :
       {"1.2.3.4", "1.2.3.4/33", "fd00::/129", "1.2.3.4/", "1.2.3.4/-1", "/8", "1.2.3.4/8x"}) {
    INFO(text);
    CHECK_FALSE(IpPrefix::parse(text));
  }
}

TEST_CASE("a link-local address comes from the MAC by the modified EUI-64") {
  CHECK(Ipv6Address::link_local(*MacAddress::parse("02:42:ac:11:00:02")).to_string() ==
        "fe80::42:acff:fe11:2");
}

TEST_CASE("families are told apart") {
  CHECK(IpAddress(Ipv4Address::of(127, 0, 0, 1)).is_loopback());
  CHECK(IpAddress::parse("::1")->is_loopback());
  CHECK(IpAddress(Ipv4Address::any()).is_any());
  CHECK(IpAddress().is_any());
  CHECK(IpAddress(Ipv4Address::any()) != IpAddress());
  CHECK(SocketAddress{*IpAddress::parse("::1"), 80}.to_string() == "[::1]:80");
}

TEST_CASE("a reader past its end fails for good and gives zeroes") {
  const std::uint8_t bytes[] = {1, 2, 3};
  ByteReader reader(bytes);
  CHECK(reader.u16() == 0x0102);
  CHECK(reader.u16() == 0);
  CHECK_FALSE(reader.ok());
  CHECK(reader.u8() == 0);
  CHECK(reader.remaining() == 0);
}

TEST_CASE("a writer past its end writes nothing, and rewinds") {
  std::uint8_t bytes[4] = {};
  ByteWriter writer(bytes);
  writer.u16(0x0102);
  const std::size_t mark = writer.position();
  writer.u32(7);
  CHECK_FALSE(writer.ok());
  writer.rewind(mark);
  writer.u16(0x0304);
  CHECK(writer.ok());
  CHECK(load_be<std::uint32_t>(bytes) == 0x01020304);
}
