#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "core/wire/arp.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"

namespace pontoon::wire {
namespace {

using test::Bytes;
using test::ip4;
using test::ip6;
using test::joined;
using test::pattern;
using test::unhex;

// An IPv6 packet with `chain` behind the fixed header.
Bytes v6_packet(IpProtocol first, ByteView chain) {
  Ipv6Repr repr;
  repr.source = ip6("fd00::2");
  repr.destination = ip6("fd00::1");
  repr.next_header = first;
  repr.payload_length = static_cast<std::uint16_t>(chain.size());
  Bytes header(Ipv6Repr::header_size());
  repr.emit(header);
  return joined(header, chain);
}

Ipv6Chain walk(IpProtocol first, ByteView chain) {
  static Bytes packet;  // outlives the views in the result
  packet = v6_packet(first, chain);
  return Ipv6View::parse(packet)->chain();
}

// An extension header of `units` times 8 bytes.
Bytes extension(IpProtocol next, std::uint8_t units) {
  Bytes bytes(units * 8U);
  bytes[0] = static_cast<std::uint8_t>(next);
  bytes[1] = static_cast<std::uint8_t>(units - 1);
  return bytes;
}

}  // namespace

TEST_CASE("arp: known bytes") {
  const auto bytes = unhex("0001 0800 06 04 0001 0242ac110002 ac110002 000000000000 ac110001");
  const auto view = ArpView::parse(bytes);
  REQUIRE(view);
  CHECK(view->operation() == ArpOperation::request);
  CHECK(view->sender_mac() == test::mac("02:42:ac:11:00:02"));
  CHECK(view->sender_ip() == ip4("172.17.0.2"));
  CHECK(view->target_mac().is_zero());
  CHECK(view->target_ip() == ip4("172.17.0.1"));
}

TEST_CASE("arp: other hardware, protocols and lengths do not parse") {
  const auto good = unhex("0001 0800 06 04 0001 0242ac110002 ac110002 000000000000 ac110001");
  for (const std::size_t at : {1, 3, 4, 5}) {
    auto bent = good;
    bent[at] = static_cast<std::uint8_t>(bent[at] + 1);
    CHECK_FALSE(ArpView::parse(bent));
  }
}

TEST_CASE("ipv4: known bytes") {
  // The header of the worked example that is found in many textbooks: checksum b861.
  const auto bytes = unhex("4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7");
  const auto packet = joined(bytes, pattern(0x73 - 20));
  const auto view = Ipv4View::parse(packet);
  REQUIRE(view);
  CHECK(view->checksum_ok());
  CHECK(view->checksum() == 0xb861);
  CHECK(view->total_length() == 0x73);
  CHECK(view->dont_fragment());
  CHECK_FALSE(view->is_fragment());
  CHECK(view->ttl() == 64);
  CHECK(view->protocol() == IpProtocol::udp);
  CHECK(view->source() == ip4("192.168.0.1"));
  CHECK(view->destination() == ip4("192.168.0.199"));
  CHECK_FALSE(view->has_options());
  Bytes emitted(20);
  Ipv4Repr::from(*view).emit(emitted);
  CHECK(emitted == bytes);
}

TEST_CASE("ipv4: lengths that contradict each other do not parse") {
  const auto good = unhex("4500 0018 0000 4000 4011 0000 c0a8 0001 c0a8 00c7 01020304");
  REQUIRE(Ipv4View::parse(good));
  auto bent = good;
  SECTION("header shorter than 20 bytes") {
    bent[0] = 0x44;
  }
  SECTION("header longer than the packet") {
    bent[0] = 0x47;
  }
  SECTION("total length less than the header") {
    bent[3] = 19;
  }
  SECTION("total length beyond the bytes present") {
    bent[3] = 25;
  }
  SECTION("another version") {
    bent[0] = 0x65;
  }
  CHECK_FALSE(Ipv4View::parse(bent));
}

TEST_CASE("ipv4: padding is no payload, and a quoted packet may be cut short") {
  const auto packet = unhex("4500 0018 0000 4000 4011 0000 c0a8 0001 c0a8 00c7 01020304 0000");
  CHECK(Ipv4View::parse(packet)->payload().size() == 4);
  CHECK_FALSE(Ipv4View::parse(ByteView(packet).first(22)));
  const auto quoted = Ipv4View::parse_quoted(ByteView(packet).first(22));
  REQUIRE(quoted);
  CHECK(quoted->payload().size() == 2);
  CHECK(quoted->total_length() == 24);
  CHECK(Ipv4View::parse_quoted(packet)->payload().size() == 4);
}

TEST_CASE("ipv4: fragments") {
  const auto fragment = [](std::string_view flags) {
    auto bytes = unhex("4500 0014 0001 0000 4011 0000 c0a8 0001 c0a8 00c7");
    const auto word = unhex(flags);
    std::copy(word.begin(), word.end(), bytes.begin() + 6);
    return bytes;
  };
  const auto first = fragment("2000");
  CHECK(Ipv4View::parse(first)->is_fragment());
  CHECK(Ipv4View::parse(first)->more_fragments());
  const auto last = fragment("1fff");
  CHECK(Ipv4View::parse(last)->is_fragment());
  CHECK(Ipv4View::parse(last)->fragment_offset() == 65528);
  const auto whole = fragment("c000");  // the reserved bit makes no fragment
  CHECK_FALSE(Ipv4View::parse(whole)->is_fragment());
}

TEST_CASE("ipv6: known bytes") {
  const auto packet = unhex(
      "6 b 8 12345 0004 11 40 fd000000000000000000000000000002 fd000000000000000000000000000001"
      "01020304 ffff");
  const auto view = Ipv6View::parse(packet);
  REQUIRE(view);
  CHECK(view->traffic_class() == 0xb8);
  CHECK(view->dscp() == 46);
  CHECK(view->ecn() == 0);
  CHECK(view->flow_label() == 0x12345);
  CHECK(view->hop_limit() == 64);
  CHECK(view->payload().size() == 4);
  CHECK(view->source() == ip6("fd00::2"));
  CHECK_FALSE(Ipv6View::parse(ByteView(packet).first(43)));
  CHECK(Ipv6View::parse_quoted(ByteView(packet).first(43))->payload().size() == 3);
}

TEST_CASE("ipv6 chain: none at all") {
  const auto chain = walk(IpProtocol::tcp, pattern(20));
  CHECK(chain.status == Ipv6ChainStatus::ok);
  CHECK(chain.protocol == IpProtocol::tcp);
  CHECK(chain.offset == 40);
  CHECK(chain.extension_headers == 0);
  CHECK_FALSE(chain.fragment);
}

TEST_CASE("ipv6 chain: hop-by-hop, routing and destination options are walked over") {
  Bytes headers = extension(IpProtocol::routing, 1);
  headers = joined(headers, extension(IpProtocol::destination_options, 3));
  headers = joined(headers, extension(IpProtocol::udp, 2));
  const auto chain = walk(IpProtocol::hop_by_hop, joined(headers, pattern(9)));
  CHECK(chain.status == Ipv6ChainStatus::ok);
  CHECK(chain.protocol == IpProtocol::udp);
  CHECK(chain.offset == 40 + 48);
  CHECK(chain.payload.size() == 9);
  CHECK(chain.extension_headers == 3);
}

TEST_CASE("ipv6 chain: a fragment ends the walk, an atomic one does not") {
  Bytes header(kIpv6FragmentHeaderSize);
  Ipv6Fragment fragment;
  fragment.identification = 0x01020304;
  fragment.next_header = IpProtocol::destination_options;
  const Bytes rest = joined(extension(IpProtocol::udp, 1), pattern(8));

  emit_fragment_header(header, fragment);
  const auto atomic = walk(IpProtocol::fragment, joined(header, rest));
  CHECK(atomic.protocol == IpProtocol::udp);
  REQUIRE(atomic.fragment);
  CHECK(atomic.fragment->is_atomic());
  CHECK(atomic.fragment->identification == 0x01020304);

  fragment.more = true;
  emit_fragment_header(header, fragment);
  const auto first = walk(IpProtocol::fragment, joined(header, rest));
  CHECK(first.status == Ipv6ChainStatus::ok);
  CHECK(first.protocol == IpProtocol::destination_options);
  CHECK(first.offset == 48);
  CHECK(first.payload.size() == 16);
  CHECK(first.fragment->header_offset == 40);
}

TEST_CASE("ipv6 chain: headers in places where they must not be") {
  SECTION("hop-by-hop behind another") {
    const auto headers =
        joined(extension(IpProtocol::hop_by_hop, 1), extension(IpProtocol::udp, 1));
    CHECK(walk(IpProtocol::routing, headers).status == Ipv6ChainStatus::malformed);
  }
  SECTION("two fragment headers") {
    const Bytes atomic = unhex("2c 00 0000 00000001 11 00 0000 00000001");
    CHECK(walk(IpProtocol::fragment, atomic).status == Ipv6ChainStatus::malformed);
  }
  SECTION("one that claims more than the packet holds") {
    Bytes header = extension(IpProtocol::udp, 1);
    header[1] = 1;
    CHECK(walk(IpProtocol::routing, header).status == Ipv6ChainStatus::malformed);
  }
  SECTION("announced but not there") {
    CHECK(walk(IpProtocol::destination_options, {}).status == Ipv6ChainStatus::malformed);
    CHECK(walk(IpProtocol::fragment, pattern(7)).status == Ipv6ChainStatus::malformed);
  }
}

TEST_CASE("ipv6 chain: the walk is bounded", "[limit:kIpv6ExtensionHeaders]") {
  const auto of = [](std::size_t count) {
    Bytes headers;
    for (std::size_t i = 1; i < count; ++i)
      headers = joined(headers, extension(IpProtocol::destination_options, 1));
    return joined(headers, extension(IpProtocol::no_next_header, 1));
  };
  const auto longest = walk(IpProtocol::destination_options, of(limits::kIpv6ExtensionHeaders));
  CHECK(longest.status == Ipv6ChainStatus::ok);
  CHECK(longest.protocol == IpProtocol::no_next_header);
  CHECK(walk(IpProtocol::destination_options, of(limits::kIpv6ExtensionHeaders + 1)).status ==
        Ipv6ChainStatus::too_long);
}

}  // namespace pontoon::wire
