#include "tests/support/gateway_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

wire::ArpRepr question(const std::string& from, const std::string& about) {
  return {wire::ArpOperation::request, web_mac(), ip4(from), MacAddress{}, ip4(about)};
}

const SocketAddress kOurs{ip(kGateway4), 53};

bool send_to(GatewayBench& bench, const std::string& address) {
  const bool sent = bench.gateway.send_udp(kOurs, {ip(address), 4000}, pattern(5), bench.now);
  bench.turn();
  return sent;
}

}  // namespace

TEST_CASE("the gateway tells its MAC, and knows who asked") {
  GatewayBench bench;
  bench.send(arp_frame(question(kWeb4, kGateway4)));
  const Received reply = bench.expect("ARP reply");
  REQUIRE(reply.packet.arp);
  CHECK(reply.packet.ethernet->destination == web_mac());
  CHECK(reply.packet.arp->operation == wire::ArpOperation::reply);
  CHECK(reply.packet.arp->sender_mac == gateway_mac());
  CHECK(reply.packet.arp->sender_ip == ip4(kGateway4));
  CHECK(reply.packet.arp->target_mac == web_mac());
  CHECK(reply.packet.arp->target_ip == ip4(kWeb4));

  send_to(bench, kWeb4);
  CHECK(bench.expect("a datagram without a question first").packet.udp);
  // Known, but not confirmed: the gateway asks the endpoint itself.
  const Received probe = bench.expect("unicast ARP request");
  REQUIRE(probe.packet.arp);
  CHECK(probe.packet.ethernet->destination == web_mac());
  bench.expect_drops({});
}

TEST_CASE("an address probe for our address is answered, and nothing is learned from it") {
  GatewayBench bench;
  bench.send(arp_frame(question("0.0.0.0", kGateway4)));
  CHECK(bench.expect("ARP reply").packet.arp->target_mac == web_mac());
  bench.send(arp_frame(question("0.0.0.0", "172.17.0.9")));
  bench.send(arp_frame(question(kWeb4, "172.17.0.9")));
  bench.expect_nothing();
  bench.expect_drops({});
}

TEST_CASE("the gateway asks before it sends, and gives up in the end",
          "[drop:neighbour_unresolved]") {
  GatewayBench bench;
  CHECK(send_to(bench, kWeb4));
  const Received asked = bench.expect("ARP request");
  REQUIRE(asked.packet.arp);
  CHECK(asked.packet.ethernet->destination == MacAddress::broadcast());
  CHECK(asked.packet.arp->sender_ip == ip4(kGateway4));
  CHECK(asked.packet.arp->target_ip == ip4(kWeb4));

  SECTION("answered, the datagram leaves") {
    bench.send(arp_frame(
        {wire::ArpOperation::reply, web_mac(), ip4(kWeb4), gateway_mac(), ip4(kGateway4)}));
    const Received datagram = bench.expect("the datagram");
    CHECK(datagram.packet.ethernet->destination == web_mac());
    CHECK(datagram.packet.payload == pattern(5));
    bench.tick(1min);
    bench.expect_nothing();
    bench.expect_drops({});
  }
  SECTION("unanswered, it is dropped") {
    bench.tick(10s);
    CHECK(bench.expect("second").packet.arp);
    CHECK(bench.expect("third").packet.arp);
    bench.expect_nothing();
    bench.expect_drops({{DropReason::neighbour_unresolved, 1}});
  }
}

TEST_CASE("more packets than the queue holds push out the oldest", "[drop:neighbour_queue_full]") {
  GatewayBench bench;
  for (std::size_t i = 0; i < limits::kNeighbourQueue + 2; ++i)
    send_to(bench, kWeb4);
  bench.expect_drops({{DropReason::neighbour_queue_full, 2}});
}

TEST_CASE("unsolicited replies create nothing") {
  GatewayBench bench;
  bench.send(
      arp_frame({wire::ArpOperation::reply, web_mac(), ip4(kWeb4), gateway_mac(), ip4(kGateway4)}));
  send_to(bench, kWeb4);
  CHECK(bench.expect("the gateway asks all the same").packet.arp);
}

TEST_CASE("a gratuitous announcement moves a neighbour that is known") {
  GatewayBench bench;
  bench.gateway.learn_neighbour(ip(kWeb4), mac("02:00:00:00:00:77"), bench.now);
  bench.send(arp_frame(question(kWeb4, kWeb4)));
  send_to(bench, kWeb4);
  CHECK(bench.expect("the datagram").packet.ethernet->destination == web_mac());
  bench.gateway.forget_neighbour(ip(kWeb4));
  bench.expect("probe");
  send_to(bench, kWeb4);
  CHECK(bench.expect("a question").packet.ethernet->destination == MacAddress::broadcast());
}

TEST_CASE("ARP that lies is dropped by name", "[drop:guard_arp][drop:malformed_arp]") {
  GatewayBench bench;
  SECTION("claims our address") {
    bench.send(arp_frame(question(kGateway4, kWeb4)));
    bench.expect_drops({{DropReason::guard_arp, 1}});
  }
  SECTION("names another station's MAC") {
    Bytes frame = arp_frame(question(kWeb4, kGateway4));
    frame[14 + 8 + 5] = 0x55;
    bench.send(frame);
    bench.expect_drops({{DropReason::guard_arp, 1}});
  }
  SECTION("is of another network") {
    bench.send(arp_frame(question("10.0.0.5", kGateway4)));
    bench.send(arp_frame(question("172.17.255.255", kGateway4)));
    bench.expect_drops({{DropReason::ip_martian, 2}});
  }
  SECTION("is neither request nor reply") {
    wire::ArpRepr reverse = question(kWeb4, kGateway4);
    reverse.operation = static_cast<wire::ArpOperation>(3);
    reverse.target_mac = gateway_mac();
    bench.send(arp_frame(reverse));
    bench.expect_drops({{DropReason::malformed_arp, 1}});
  }
  SECTION("is not for Ethernet") {
    Bytes frame = arp_frame(question(kWeb4, kGateway4));
    frame[15] = 6;
    bench.send(frame);
    bench.expect_drops({{DropReason::malformed_arp, 1}});
  }
  bench.expect_nothing();
}
