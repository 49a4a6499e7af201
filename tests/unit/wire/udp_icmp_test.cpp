#include <catch2/catch.hpp>

#include "core/wire/icmp.h"
#include "core/wire/icmpv6.h"
#include "core/wire/udp.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"

namespace pontoon::wire {
namespace {

using test::Bytes;
using test::ip;
using test::joined;
using test::pattern;
using test::unhex;

}  // namespace

TEST_CASE("udp: the length field rules") {
  const Bytes good = unhex("0035 1000 000c 0000 01020304 ffff");
  const auto view = UdpView::parse(good);
  REQUIRE(view);
  CHECK(view->source_port() == 53);
  CHECK(view->destination_port() == 4096);
  CHECK(view->payload().size() == 4);
  Bytes bent = good;
  bent[5] = 7;
  CHECK_FALSE(UdpView::parse(bent));
  bent[5] = 15;
  CHECK_FALSE(UdpView::parse(bent));
  CHECK(UdpView::parse_quoted(bent)->payload().size() == 6);
  bent[5] = 0;
  CHECK_FALSE(UdpView::parse(bent));
  CHECK_FALSE(UdpView::parse_quoted(bent));
}

TEST_CASE("udp: no checksum is right over IPv4 and wrong over IPv6") {
  const Bytes bytes = unhex("0035 1000 0008 0000");
  const auto view = *UdpView::parse(bytes);
  CHECK(view.checksum_ok(ip("10.0.0.1"), ip("10.0.0.2")));
  CHECK_FALSE(view.checksum_ok(ip("fd00::1"), ip("fd00::2")));
}

TEST_CASE("udp: a checksum that comes out as zero is sent as ffff") {
  // 10.0.0.1 + 10.0.0.2 + 17 + 2 * 10 + the word of payload that makes up the rest.
  const IpAddress source = ip("10.0.0.1");
  const IpAddress target = ip("10.0.0.2");
  const UdpRepr repr{0, 0};
  Bytes payload = unhex("0000");
  Bytes header(8);
  repr.emit(header, payload, source, target);
  const auto checksum = load_be<std::uint16_t>(header.data() + 6);
  store_be(payload.data(), checksum);
  repr.emit(header, payload, source, target);
  CHECK(load_be<std::uint16_t>(header.data() + 6) == 0xffff);
  const Bytes datagram = joined(header, payload);
  CHECK(UdpView::parse(datagram)->checksum_ok(source, target));
}

TEST_CASE("icmp: echo and errors") {
  Bytes header(8);
  IcmpRepr::echo_request(0x1234, 7).emit(header, pattern(10));
  const Bytes echo = joined(header, pattern(10));
  const auto view = *IcmpView::parse(echo);
  CHECK(view.checksum_ok());
  CHECK(view.is_echo());
  CHECK_FALSE(view.is_error());
  CHECK(view.identifier() == 0x1234);
  CHECK(view.sequence() == 7);
  CHECK(view.payload().size() == 10);

  IcmpRepr::unreachable(IcmpUnreachable::fragmentation_needed, 1400).emit(header, {});
  CHECK(header == unhex("0304 f783 0000 0578"));
  CHECK(IcmpView::parse(header)->mtu() == 1400);
  CHECK(IcmpView::parse(header)->is_error());
  header[7] ^= 1;
  CHECK_FALSE(IcmpView::parse(header)->checksum_ok());
}

TEST_CASE("icmp: what must not be answered with an error") {
  for (const int type : {3, 4, 5, 11, 12}) {
    Bytes bytes(8);
    bytes[0] = static_cast<std::uint8_t>(type);
    CHECK(IcmpView::parse(bytes)->is_error());
  }
  for (const int type : {0, 8, 13, 17}) {
    Bytes bytes(8);
    bytes[0] = static_cast<std::uint8_t>(type);
    CHECK_FALSE(IcmpView::parse(bytes)->is_error());
  }
}

TEST_CASE("icmpv6: the checksum covers the addresses") {
  const IpAddress source = ip("fd00::1");
  const IpAddress target = ip("fd00::2");
  Bytes header(8);
  Icmpv6Repr::packet_too_big(1280).emit(header, pattern(50), source, target);
  const Bytes message = joined(header, pattern(50));
  const auto view = *Icmpv6View::parse(message);
  CHECK(view.checksum_ok(source, target));
  CHECK_FALSE(view.checksum_ok(source, ip("fd00::3")));
  CHECK(view.mtu() == 1280);
  CHECK(view.is_error());
  CHECK_FALSE(view.is_echo());
  CHECK(view.quoted().size() == 50);
}

}  // namespace pontoon::wire
