#include <catch2/catch.hpp>

#include "core/capture/reader.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"

namespace pontoon::capture {
namespace {

using namespace pontoon::test;

std::string converted(ByteView bytes, LinkType type) {
  Packet packet;
  packet.bytes = to_bytes(bytes);
  const auto frame = as_ethernet(packet, type);
  return frame ? hex(*frame) : "none";
}

// The IP packet within a frame.
Bytes packet_of(const Bytes& frame) {
  return {frame.begin() + 14, frame.end()};
}
const Bytes& v4() {
  static const Bytes packet =
      packet_of(udp_frame(between("172.17.0.2", "10.1.2.3"), 1, 2, pattern(5)));
  return packet;
}
const Bytes& v6() {
  static const Bytes packet =
      packet_of(udp_frame(between("fd00::2:0:0:1", "fe80::3"), 1, 2, pattern(5)));
  return packet;
}

constexpr char kV4Header[] = "02000a010203 0200ac110002 0800";
// fd000000 ^ 00000000 ^ 00020000 ^ 00000001, and fe800000 ^ 3.
constexpr char kV6Header[] = "0201fe800003 0201fd020001 86dd";

std::string framed(std::string_view header, const Bytes& packet) {
  return hex(joined(unhex(header), packet));
}

TEST_CASE("as_ethernet: Ethernet stays as it is, VLAN tag and all") {
  const Bytes frame = tagged(udp_frame(between("172.17.0.2", "10.1.2.3"), 1, 2, {}), 5);
  CHECK(converted(frame, LinkType::ethernet) == hex(frame));
  CHECK(converted(Bytes(13), LinkType::ethernet) == "none");
  CHECK(converted(Bytes(14), LinkType::ethernet) == hex(Bytes(14)));
}

TEST_CASE("as_ethernet: raw IP gets stations made of its addresses") {
  CHECK(converted(v4(), LinkType::raw) == framed(kV4Header, v4()));
  CHECK(converted(v6(), LinkType::raw) == framed(kV6Header, v6()));
  CHECK(converted(v4(), LinkType::ipv4) == framed(kV4Header, v4()));
  CHECK(converted(v6(), LinkType::ipv6) == framed(kV6Header, v6()));
  CHECK(converted({}, LinkType::raw) == "none");
  CHECK(converted({}, LinkType::ipv4) == "none");
  CHECK(converted(unhex("50000000"), LinkType::raw) == "none");
}

TEST_CASE("as_ethernet: a packet too short for addresses comes from nobody") {
  CHECK(converted(unhex("45000000"), LinkType::raw) ==
        hex(unhex("020200000000 020200000000 0800 45000000")));
  CHECK(converted(unhex("60000000"), LinkType::raw) ==
        hex(unhex("020200000000 020200000000 86dd 60000000")));
}

TEST_CASE("as_ethernet: groups have their group's station") {
  const auto target_of = [](std::string_view source, std::string_view target) {
    const Bytes packet = packet_of(udp_frame(between(source, target), 1, 2, {}));
    return converted(packet, LinkType::raw).substr(0, 12);
  };
  CHECK(target_of("172.17.0.2", "255.255.255.255") == "ffffffffffff");
  CHECK(target_of("172.17.0.2", "224.0.0.251") == "01005e0000fb");
  CHECK(target_of("172.17.0.2", "239.255.255.250") == "01005e7ffffa");
  CHECK(target_of("fd00::2", "ff02::1:ff00:3") == "3333ff000003");
}

TEST_CASE("as_ethernet: BSD's loopback in the byte order of any host and number of any system") {
  const auto with_family = [](std::string_view family, const Bytes& packet) {
    return joined(unhex(family), packet);
  };
  for (const LinkType type : {LinkType::null, LinkType::loop}) {
    CHECK(converted(with_family("02000000", v4()), type) == framed(kV4Header, v4()));
    CHECK(converted(with_family("00000002", v4()), type) == framed(kV4Header, v4()));
    for (const char* family : {"0a000000", "17000000", "18000000", "1c000000", "0000001e"})
      CHECK(converted(with_family(family, v6()), type) == framed(kV6Header, v6()));
    CHECK(converted(with_family("07000000", v4()), type) == "none");
    CHECK(converted(unhex("02000000"), type) == "none");
    CHECK(converted(unhex("020000"), type) == "none");
  }
}

constexpr char kSll[] = "0000 0001 0006 0242ac1100020000 0800";

TEST_CASE("as_ethernet: a cooked packet knows its sender") {
  CHECK(converted(joined(unhex(kSll), v4()), LinkType::linux_sll) ==
        framed("02000a010203 0242ac110002 0800", v4()));
  CHECK(converted(joined(unhex("0800 0000 00000002 0001 00 06 0242ac1100020000"), v4()),
                  LinkType::linux_sll2) == framed("02000a010203 0242ac110002 0800", v4()));
}

TEST_CASE("as_ethernet: a cooked packet that was a broadcast is one") {
  CHECK(converted(joined(unhex("0001 0001 0006 0242ac1100020000 0800"), v4()),
                  LinkType::linux_sll) == framed("ffffffffffff 0242ac110002 0800", v4()));
  CHECK(converted(joined(unhex("0800 0000 00000002 0001 01 06 0242ac1100020000"), v4()),
                  LinkType::linux_sll2) == framed("ffffffffffff 0242ac110002 0800", v4()));
}

TEST_CASE("as_ethernet: a cooked packet without a MAC has the sender made up") {
  CHECK(converted(joined(unhex("0000 0304 0000 0000000000000000 0800"), v4()),
                  LinkType::linux_sll) == framed(kV4Header, v4()));
}

TEST_CASE("as_ethernet: cooked ARP goes to whom it means, and to all when it does not know") {
  const auto arp = [](std::string_view target) {
    return joined(unhex("0001 0800 06 04 0002 0242ac110003 ac110003"),
                  joined(unhex(target), unhex("ac110002")));
  };
  const Bytes header = unhex("0000 0001 0006 0242ac1100030000 0806");
  CHECK(converted(joined(header, arp("0242ac110002")), LinkType::linux_sll).substr(0, 28) ==
        hex(unhex("0242ac110002 0242ac110003 0806")));
  CHECK(converted(joined(header, arp("000000000000")), LinkType::linux_sll).substr(0, 28) ==
        hex(unhex("ffffffffffff 0242ac110003 0806")));
}

TEST_CASE("as_ethernet: a cooked VLAN tag stays, a frame of IEEE 802.3 gets its length") {
  const Bytes tag = unhex("0005 0800");
  CHECK(converted(joined(unhex("0000 0001 0006 0242ac1100020000 8100"), joined(tag, v4())),
                  LinkType::linux_sll) ==
        hex(joined(unhex("020200000000 0242ac110002 8100 0005 0800"), v4())));
  CHECK(converted(unhex("0000 0001 0006 0242ac1100020000 0004 424203"), LinkType::linux_sll) ==
        hex(unhex("020200000000 0242ac110002 0003 424203")));
}

TEST_CASE("as_ethernet: cooked packets that are too short, and link types that nobody knows") {
  CHECK(converted(unhex(kSll), LinkType::linux_sll) == "none");
  CHECK(converted(Bytes(15), LinkType::linux_sll) == "none");
  CHECK(converted(Bytes(20), LinkType::linux_sll2) == "none");
  CHECK(converted(Bytes(19), LinkType::linux_sll2) == "none");
  CHECK(converted(v4(), LinkType{105}) == "none");
}

}  // namespace
}  // namespace pontoon::capture
