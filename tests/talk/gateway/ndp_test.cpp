#include "tests/support/gateway_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

PacketEnds to_group(const std::string& source, const Ipv6Address& group) {
  PacketEnds ends = between(kWeb6, kGateway6);
  ends.source = ip(source);
  ends.target = group;
  ends.target_mac = wire::multicast_mac(group);
  return ends;
}

wire::NeighbourSolicitationRepr question(const Ipv6Address& about, bool with_link = true) {
  wire::NeighbourSolicitationRepr repr{about, {}};
  if (with_link) repr.options.source_link = web_mac();
  return repr;
}

wire::NeighbourAdvertisementView advertisement(const Received& received) {
  REQUIRE(received.packet.icmpv6);
  const auto view = wire::NeighbourAdvertisementView::parse(received.packet.transport);
  REQUIRE(view);
  CHECK(received.packet.ipv6->hop_limit == 255);
  return *view;
}

}  // namespace

TEST_CASE("the gateway answers for its global and its link-local address") {
  GatewayBench bench;
  for (const Ipv6Address& ours : {ip6(kGateway6), Ipv6Address::link_local(gateway_mac())}) {
    bench.send(ndp_frame(to_group(kWeb6, wire::solicited_node(ours)), question(ours)));
    const Received answer = bench.expect("advertisement");
    const auto view = advertisement(answer);
    CHECK(answer.packet.ethernet->destination == web_mac());
    CHECK(answer.packet.source == IpAddress(ours));
    CHECK(view.target() == ours);
    CHECK(view.solicited());
    CHECK(view.overrides());
    CHECK(view.router());
    CHECK(view.options().target_link == gateway_mac());
  }
  bench.expect_drops({});
}

TEST_CASE("duplicate address detection of our address is answered to all nodes") {
  GatewayBench bench;
  const Ipv6Address ours = ip6(kGateway6);
  bench.send(ndp_frame(to_group("::", wire::solicited_node(ours)), question(ours, false)));
  const Received answer = bench.expect("advertisement");
  CHECK_FALSE(advertisement(answer).solicited());
  CHECK(answer.packet.target == ip("ff02::1"));
  CHECK(answer.packet.ethernet->destination == mac("33:33:00:00:00:01"));
  bench.expect_drops({});
}

TEST_CASE("questions about others are not ours to answer") {
  GatewayBench bench;
  const Ipv6Address same_group = ip6("fd00:17:0:0:5::1");  // shares our solicited-node group
  bench.send(ndp_frame(to_group(kWeb6, wire::solicited_node(same_group)), question(same_group)));
  bench.expect_nothing();
  bench.expect_drops({});
}

TEST_CASE("the gateway solicits, and the datagram leaves with the answer") {
  GatewayBench bench;
  bench.gateway.send_udp({ip(kGateway6), 53}, {ip(kWeb6), 4000}, pattern(5), bench.now);
  bench.turn();
  const Received asked = bench.expect("solicitation");
  CHECK(asked.packet.target == ip("ff02::1:ff00:2"));
  CHECK(asked.packet.ethernet->destination == mac("33:33:ff:00:00:02"));
  CHECK(asked.packet.source == ip(kGateway6));
  const auto view = wire::NeighbourSolicitationView::parse(asked.packet.transport);
  REQUIRE(view);
  CHECK(view->options().source_link == gateway_mac());

  wire::NeighbourAdvertisementRepr answer{false, true, true, ip6(kWeb6), {}};
  answer.options.target_link = web_mac();
  bench.send(ndp_frame(between(kWeb6, kGateway6), answer));
  CHECK(bench.expect("the datagram").packet.payload == pattern(5));

  bench.tick(limits::kNeighbourReachable);
  bench.gateway.send_udp({ip(kGateway6), 53}, {ip(kWeb6), 4000}, pattern(5), bench.now);
  bench.turn();
  CHECK(bench.expect("the datagram").packet.udp);
  const Received probe = bench.expect("unicast solicitation");
  CHECK(probe.packet.target == ip(kWeb6));
  CHECK(probe.packet.ethernet->destination == web_mac());
  bench.expect_drops({});
}

TEST_CASE("neighbour messages that fail a check are dropped by name", "[drop:malformed_ndp]") {
  GatewayBench bench;
  const Ipv6Address ours = ip6(kGateway6);
  const PacketEnds ends = to_group(kWeb6, wire::solicited_node(ours));
  DropReason reason = DropReason::malformed_ndp;
  SECTION("hop limit") {
    Bytes frame = ndp_frame(ends, question(ours));
    frame[14 + 7] = 254;
    bench.send(frame);
  }
  SECTION("an option of length zero") {
    Bytes message(32);
    question(ours).emit(message, ends.source.v6(), ends.target.v6());
    message[25] = 0;
    message[2] = message[3] = 0;
    wire::Checksum sum = wire::Checksum::pseudo_header(ends.source, ends.target,
                                                       wire::IpProtocol::icmpv6, message.size());
    sum.add(message);
    store_be(message.data() + 2, sum.value());
    PacketEnds near = ends;
    near.hop_limit = 255;
    bench.send(ip_frame(near, wire::IpProtocol::icmpv6, message));
  }
  SECTION("duplicate address detection with a link-layer address") {
    bench.send(ndp_frame(to_group("::", wire::solicited_node(ours)), question(ours)));
  }
  SECTION("solicited advertisement to a group") {
    wire::NeighbourAdvertisementRepr answer{false, true, true, ip6(kWeb6), {}};
    bench.send(ndp_frame(to_group(kWeb6, wire::all_nodes()), answer));
  }
  SECTION("another station's link-layer address") {
    wire::NeighbourSolicitationRepr lie = question(ours);
    lie.options.source_link = mac("02:00:00:00:00:55");
    bench.send(ndp_frame(ends, lie));
    reason = DropReason::guard_arp;
  }
  SECTION("our address, claimed by another") {
    wire::NeighbourAdvertisementRepr claim{false, false, true, ours, {}};
    claim.options.target_link = web_mac();
    bench.send(ndp_frame(to_group(kWeb6, wire::all_nodes()), claim));
    reason = DropReason::guard_arp;
  }
  SECTION("an address that is not of the link") {
    wire::NeighbourAdvertisementRepr claim{false, false, true, ip6(kForeign6), {}};
    claim.options.target_link = web_mac();
    bench.send(ndp_frame(to_group(kWeb6, wire::all_nodes()), claim));
    reason = DropReason::ip_martian;
  }
  bench.expect_nothing();
  bench.expect_drops({{reason, 1}});
}

TEST_CASE("router solicitations are left alone for now") {
  GatewayBench bench;
  bench.send(ndp_frame(to_group("::", wire::all_routers()), wire::RouterSolicitationRepr{}));
  bench.expect_nothing();
  bench.expect_drops({{DropReason::icmp_unhandled, 1}});
}
