#include "core/wire/ndp.h"

#include <catch2/catch.hpp>

#include "tests/support/hex.h"
#include "tests/support/packets.h"

namespace pontoon::wire {
namespace {

using test::Bytes;
using test::ip6;
using test::joined;
using test::mac;
using test::unhex;

const std::string kTarget = "fd000000000000000000000000000001";

}  // namespace

TEST_CASE("ndp: multicast addresses") {
  CHECK(all_nodes() == ip6("ff02::1"));
  CHECK(all_routers() == ip6("ff02::2"));
  CHECK(solicited_node(ip6("fd00::12:3456")) == ip6("ff02::1:ff12:3456"));
  CHECK(multicast_mac(ip6("ff02::1:ff12:3456")) == mac("33:33:ff:12:34:56"));
}

TEST_CASE("ndp: a solicitation as Linux sends it") {
  const Bytes bytes = unhex("8700 0000 00000000" + kTarget + "0101 0242ac110002");
  const auto view = NeighbourSolicitationView::parse(bytes);
  REQUIRE(view);
  CHECK(view->target() == ip6("fd00::1"));
  CHECK(view->options().source_link == mac("02:42:ac:11:00:02"));
  CHECK_FALSE(view->options().target_link);
}

TEST_CASE("ndp: what RFC 4861 7.1.1 and 7.1.2 reject") {
  SECTION("another type or code") {
    CHECK_FALSE(NeighbourSolicitationView::parse(unhex("8800 0000 00000000" + kTarget)));
    CHECK_FALSE(NeighbourSolicitationView::parse(unhex("8701 0000 00000000" + kTarget)));
    CHECK_FALSE(NeighbourAdvertisementView::parse(unhex("8700 0000 00000000" + kTarget)));
  }
  SECTION("shorter than 24 bytes") {
    CHECK_FALSE(NeighbourSolicitationView::parse(unhex("8700 0000 00000000 fd00")));
  }
  SECTION("a multicast target") {
    const std::string target = "ff020000000000000000000000000001";
    CHECK_FALSE(NeighbourSolicitationView::parse(unhex("8700 0000 00000000" + target)));
    CHECK_FALSE(NeighbourAdvertisementView::parse(unhex("8800 0000 00000000" + target)));
  }
  SECTION("an option of length zero, even an unknown one") {
    const std::string zero = "fe00 000000000000";
    CHECK_FALSE(NeighbourSolicitationView::parse(unhex("8700 0000 00000000" + kTarget + zero)));
  }
  SECTION("an option longer than the message") {
    const std::string cut = "0102 000000000000";
    CHECK_FALSE(NeighbourSolicitationView::parse(unhex("8700 0000 00000000" + kTarget + cut)));
  }
}

TEST_CASE("ndp: what the header around a solicitation must be") {
  const Bytes bare = unhex("8700 0000 00000000" + kTarget);
  const Bytes with_link = unhex("8700 0000 00000000" + kTarget + "0101 0242ac110002");
  const auto probe = *NeighbourSolicitationView::parse(bare);
  const auto question = *NeighbourSolicitationView::parse(with_link);
  const Ipv6Address node = solicited_node(ip6("fd00::1"));
  CHECK(question.acceptable(ip6("fd00::2"), node, 255));
  CHECK(question.acceptable(ip6("fd00::2"), ip6("fd00::1"), 255));
  CHECK_FALSE(question.acceptable(ip6("fd00::2"), node, 254));
  CHECK(probe.acceptable(Ipv6Address::any(), node, 255));
  CHECK_FALSE(probe.acceptable(Ipv6Address::any(), ip6("fd00::1"), 255));
  CHECK_FALSE(question.acceptable(Ipv6Address::any(), node, 255));
}

TEST_CASE("ndp: what the header around the other messages must be") {
  const Bytes solicited = unhex("8800 0000 40000000" + kTarget);
  const auto answer = *NeighbourAdvertisementView::parse(solicited);
  CHECK(answer.solicited());
  CHECK_FALSE(answer.overrides());
  CHECK(answer.acceptable(ip6("fd00::2"), 255));
  CHECK_FALSE(answer.acceptable(all_nodes(), 255));
  CHECK_FALSE(answer.acceptable(ip6("fd00::2"), 64));

  const Bytes asking = unhex("8500 0000 00000000 0101 0242ac110002");
  const auto solicitation = *RouterSolicitationView::parse(asking);
  CHECK(solicitation.acceptable(ip6("fe80::2"), 255));
  CHECK_FALSE(solicitation.acceptable(Ipv6Address::any(), 255));
  CHECK_FALSE(solicitation.acceptable(ip6("fe80::2"), 1));

  const Bytes routing = unhex("8600 0000 40c0 0708 00000000 00000000");
  const auto advertisement = *RouterAdvertisementView::parse(routing);
  CHECK(advertisement.hop_limit() == 64);
  CHECK(advertisement.managed());
  CHECK(advertisement.other());
  CHECK(advertisement.lifetime_s() == 1800);
  CHECK(advertisement.acceptable(ip6("fe80::1"), 255));
  CHECK_FALSE(advertisement.acceptable(ip6("fd00::1"), 255));
}

TEST_CASE("ndp: a router advertisement, byte for byte") {
  RouterAdvertisementRepr repr;
  repr.lifetime_s = 1800;
  repr.managed = true;
  repr.options.source_link = mac("02:00:00:00:00:01");
  repr.options.mtu = 1500;
  repr.options.add_prefix(NdpPrefix{ip6("fd00::"), 64, true, false, 86400, 14400});
  repr.options.add_dns_server(ip6("fd00::1"));
  repr.options.dns_lifetime_s = 1200;
  Bytes bytes(repr.header_size());
  repr.emit(bytes, ip6("fe80::1"), all_nodes());
  CHECK(Icmpv6View::parse(bytes)->checksum_ok(ip6("fe80::1"), all_nodes()));
  bytes[2] = bytes[3] = 0;
  CHECK(bytes == unhex("8600 0000 4080 0708 00000000 00000000"
                       "0101 020000000001"
                       "0501 0000 000005dc"
                       "0304 40 80 00015180 00003840 00000000 fd000000000000000000000000000000"
                       "1903 0000 000004b0 fd000000000000000000000000000001"));
}

TEST_CASE("ndp options: wrong lengths and unknown kinds are skipped") {
  SECTION("unknown") {
    CHECK(NdpOptions::parse(unhex("fe01 000000000000 0501 0000 00000500"))->mtu == 1280);
  }
  SECTION("a link-layer address that is not Ethernet's") {
    const auto options = NdpOptions::parse(unhex("0102 0000000000000000000000000000"));
    REQUIRE(options);
    CHECK_FALSE(options->source_link);
  }
  SECTION("a prefix that is longer than an address, or cut short") {
    Bytes prefix(32);
    prefix[0] = 3;
    prefix[1] = 4;
    prefix[2] = 129;
    CHECK(NdpOptions::parse(prefix)->prefix_count == 0);
    prefix[2] = 128;
    CHECK(NdpOptions::parse(prefix)->prefix_count == 1);
    prefix[1] = 3;
    CHECK(NdpOptions::parse(ByteView(prefix).first(24))->prefix_count == 0);
  }
  SECTION("DNS servers in an even number of units, or none") {
    Bytes servers(32);
    servers[0] = 25;
    servers[1] = 4;
    CHECK(NdpOptions::parse(servers)->dns_server_count == 0);
    servers[1] = 1;
    CHECK(NdpOptions::parse(ByteView(servers).first(8))->dns_server_count == 0);
  }
}

TEST_CASE("ndp options: more than the limits",
          "[limit:kNdpOptions][limit:kNdpPrefixes][limit:kNdpDnsServers]") {
  const Bytes mtu = unhex("0501 0000 00000500");
  Bytes many;
  for (std::size_t i = 0; i < limits::kNdpOptions; ++i)
    many = joined(many, mtu);
  CHECK(NdpOptions::parse(many));
  CHECK_FALSE(NdpOptions::parse(joined(many, mtu)));

  NdpOptions options;
  for (std::size_t i = 0; i < limits::kNdpPrefixes; ++i)
    CHECK(options.add_prefix({}));
  CHECK_FALSE(options.add_prefix({}));
  Bytes servers(8 + 16 * 5);
  servers[0] = 25;
  servers[1] = 11;
  CHECK(NdpOptions::parse(servers)->dns_server_count == limits::kNdpDnsServers);
}

}  // namespace pontoon::wire
