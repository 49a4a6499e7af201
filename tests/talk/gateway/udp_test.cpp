#include "tests/support/datagrams.h"
#include "tests/support/gateway_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

PacketEnds to_everybody(const std::string& source, const std::string& target) {
  PacketEnds ends = between(source, target);
  ends.target_mac = MacAddress::broadcast();
  return ends;
}

}  // namespace

TEST_CASE("a service gets what is for the gateway's own address, the forwarder all else") {
  GatewayBench bench;
  bench.play_web();
  Datagrams service, forwarder;
  bench.gateway.bind_udp(53, service);
  bench.gateway.set_udp_forwarder(&forwarder);
  for (const auto& [web, ours, foreign] :
       {std::tuple{kWeb4, kGateway4, kForeign4}, std::tuple{kWeb6, kGateway6, kForeign6}}) {
    service.kept.clear();
    forwarder.kept.clear();
    bench.send(udp_frame(between(web, ours), 4000, 53, pattern(30)));
    REQUIRE(service.kept.size() == 1);
    CHECK(service.kept[0].payload == pattern(30));
    CHECK(service.kept[0].datagram.source == SocketAddress{ip(web), 4000});
    CHECK(service.kept[0].datagram.target == SocketAddress{ip(ours), 53});
    CHECK(service.kept[0].datagram.source_mac == web_mac());
    CHECK(service.kept[0].datagram.segment_size == 0);
    bench.send(udp_frame(between(web, foreign), 4000, 53, pattern(31)));
    bench.send(udp_frame(between(web, ours), 4000, 54, {}));
    REQUIRE(forwarder.kept.size() == 2);
    CHECK(forwarder.kept[0].payload == pattern(31));
    CHECK(forwarder.kept[1].datagram.target.port == 54);
    CHECK(service.kept.size() == 1);
  }
  bench.expect_nothing();
  bench.expect_drops({});
}

TEST_CASE("datagrams reach endpoints, their checksum left to the port") {
  GatewayBench bench;
  bench.play_web();
  for (const auto& [web, foreign] : {std::pair{kWeb4, kForeign4}, std::pair{kWeb6, kForeign6}}) {
    for (const std::size_t size : {0, 1, 1400}) {
      CHECK(bench.gateway.send_udp({ip(foreign), 53}, {ip(web), 4000}, pattern(size), bench.now));
      const Received datagram = (bench.turn(), bench.expect("the datagram"));
      CHECK(datagram.offload.needs_checksum);
      REQUIRE(datagram.packet.udp);
      CHECK(datagram.packet.problem.empty());
      CHECK(datagram.packet.source == ip(foreign));
      CHECK(datagram.packet.udp->source_port == 53);
      CHECK(datagram.packet.udp->destination_port == 4000);
      CHECK(datagram.packet.payload == pattern(size));
      CHECK(datagram.packet.ethernet->source == gateway_mac());
      CHECK(datagram.packet.ethernet->destination == web_mac());
    }
  }
}

TEST_CASE("DHCP: from nobody to everybody, and back to a link address") {
  GatewayBench bench;
  Datagrams dhcp;
  bench.gateway.bind_udp(67, dhcp, stack::UdpReach::link);
  bench.send(udp_frame(to_everybody("0.0.0.0", "255.255.255.255"), 68, 67, pattern(300)));
  bench.send(udp_frame(to_everybody("0.0.0.0", "172.17.255.255"), 68, 67, pattern(300)));
  bench.send(udp_frame(to_everybody("10.9.9.9", "255.255.255.255"), 68, 67, pattern(300)));
  REQUIRE(dhcp.kept.size() == 3);
  CHECK(dhcp.kept[0].datagram.source == SocketAddress{Ipv4Address::any(), 68});
  CHECK(dhcp.kept[0].datagram.target == SocketAddress{Ipv4Address::broadcast(), 67});
  CHECK(dhcp.kept[0].datagram.source_mac == web_mac());
  bench.expect_drops({});

  bench.gateway.send_udp_to_link(web_mac(), {ip(kGateway4), 67}, {ip(kWeb4), 68}, pattern(300),
                                 bench.now);
  bench.gateway.send_udp({ip(kGateway4), 67}, {Ipv4Address::broadcast(), 68}, pattern(300),
                         bench.now);
  bench.turn();
  CHECK(bench.expect("unicast without ARP").packet.ethernet->destination == web_mac());
  CHECK(bench.expect("broadcast").packet.ethernet->destination == MacAddress::broadcast());
  bench.expect_nothing();
}

TEST_CASE("a service of the gateway's own hears nothing that is sent to everybody") {
  GatewayBench bench;
  Datagrams dns;
  bench.gateway.bind_udp(53, dns);
  bench.send(udp_frame(to_everybody(kWeb4, "255.255.255.255"), 5, 53, pattern(30)));
  bench.send(udp_frame(to_everybody(kWeb4, "172.17.255.255"), 5, 53, pattern(30)));
  CHECK(dns.kept.empty());
  bench.expect_nothing();
  bench.expect_drops({{DropReason::multicast_not_routed, 2}});
  bench.send(udp_frame(between(kWeb4, kGateway4), 5, 53, pattern(30)));
}

TEST_CASE("DHCPv6: the servers' group is heard once somebody serves it") {
  GatewayBench bench;
  PacketEnds ends = between("fe80::2", "ff02::1:2");
  ends.target_mac = mac("33:33:00:01:00:02");
  bench.send(udp_frame(ends, 546, 547, pattern(50)));
  bench.expect_drops({{DropReason::multicast_not_routed, 1}});
  Datagrams dhcp;
  bench.gateway.bind_udp(547, dhcp, stack::UdpReach::link);
  bench.send(udp_frame(ends, 546, 547, pattern(50)));
  CHECK(dhcp.kept.size() == 1);
  bench.expect_drops({});
}

TEST_CASE("other broadcasts and multicasts stay on the bridge", "[drop:multicast_not_routed]") {
  GatewayBench bench;
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  bench.send(udp_frame(to_everybody(kWeb4, "255.255.255.255"), 5, 6, pattern(3)));
  bench.send(udp_frame(to_everybody(kWeb4, "172.17.255.255"), 5, 6, pattern(3)));
  PacketEnds mdns = between(kWeb4, "224.0.0.251");
  mdns.target_mac = mac("01:00:5e:00:00:fb");
  bench.send(udp_frame(mdns, 5353, 5353, pattern(3)));
  mdns = between(kWeb6, "ff02::fb");
  mdns.target_mac = mac("33:33:00:00:00:fb");
  bench.send(udp_frame(mdns, 5353, 5353, pattern(3)));
  bench.send(tcp_frame(to_everybody(kWeb4, "172.17.255.255"), wire::TcpRepr{}));
  bench.expect_drops({{DropReason::multicast_not_routed, 5}});
  bench.send(udp_frame(to_everybody("0.0.0.0", "255.255.255.255"), 5, 6, pattern(3)));
  bench.expect_drops({{DropReason::ip_martian, 1}});
  CHECK(forwarder.kept.empty());
  bench.expect_nothing();
}

TEST_CASE("checksums: absent is fine over IPv4 only, wrong is wrong, offloaded is believed",
          "[drop:udp_checksum]") {
  GatewayBench bench;
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  const auto with_checksum = [](const std::string& from, const std::string& to,
                                std::uint16_t value) {
    Bytes frame = udp_frame(between(from, to), 1, 2, pattern(9));
    store_be(frame.data() + (ip(from).is_v4() ? 34 : 54) + 6, value);
    return frame;
  };
  bench.send(with_checksum(kWeb4, kForeign4, 0));
  CHECK(forwarder.kept.size() == 1);
  bench.send(with_checksum(kWeb6, kForeign6, 0));
  bench.send(with_checksum(kWeb4, kForeign4, 0x1234));
  bench.send(with_checksum(kWeb6, kForeign6, 0x1234));
  CHECK(forwarder.kept.size() == 1);
  bench.expect_drops({{DropReason::udp_checksum, 3}});
  Offload valid;
  valid.checksum_valid = true;
  bench.send(with_checksum(kWeb4, kForeign4, 0x1234), valid);
  bench.send(with_checksum(kWeb6, kForeign6, 0x1234), valid);
  const Bytes partial = with_checksum(kWeb6, kForeign6, 0x1234);
  bench.send(partial, partial_checksum(partial));
  CHECK(forwarder.kept.size() == 4);
  bench.send(with_checksum(kWeb6, kForeign6, 0), valid);
  bench.expect_drops({{DropReason::udp_checksum, 1}});
}

TEST_CASE("a train of datagrams goes up whole to the forwarder, one by one to a service") {
  GatewayBench bench;
  Datagrams service, forwarder;
  bench.gateway.bind_udp(53, service);
  bench.gateway.set_udp_forwarder(&forwarder);
  const Bytes train = pattern(2500);
  bench.send(udp_super_frame(between(kWeb4, kForeign4), 1, 2, train, 1000));
  REQUIRE(forwarder.kept.size() == 1);
  CHECK(forwarder.kept[0].datagram.segment_size == 1000);
  CHECK(forwarder.kept[0].payload == train);
  bench.send(udp_super_frame(between(kWeb4, kGateway4), 1, 53, train, 1000));
  REQUIRE(service.kept.size() == 3);
  CHECK(service.kept[2].payload == to_bytes(ByteView(train).subspan(2000)));
  CHECK(service.kept[2].datagram.segment_size == 0);
}

TEST_CASE("malformed datagrams are dropped by name", "[drop:malformed_udp]") {
  GatewayBench bench;
  bench.send(ip_frame(between(kWeb4, kGateway4), wire::IpProtocol::udp, pattern(7)));
  bench.send(udp_frame(between(kWeb4, kGateway4), 1, 0, pattern(7)));
  Bytes longer = udp_frame(between(kWeb4, kGateway4), 1, 2, pattern(7));
  longer[34 + 5] = 100;
  bench.send(longer);
  bench.expect_drops({{DropReason::malformed_udp, 3}});
  bench.expect_nothing();
}

TEST_CASE("what cannot be sent says so", "[drop:pool_exhausted][drop:too_big]") {
  GatewayBench bench;
  const SocketAddress ours{ip(kGateway4), 53};
  CHECK_FALSE(bench.gateway.send_udp(ours, {ip(kForeign4), 1}, pattern(1), bench.now));
  CHECK_FALSE(bench.gateway.send_udp(ours, {ip(kGateway4), 1}, pattern(1), bench.now));
  bench.expect_drops({{DropReason::neighbour_unresolved, 2}});
  CHECK_FALSE(bench.gateway.send_udp(ours, {ip(kWeb4), 1}, pattern(65508), bench.now));
  CHECK_FALSE(
      bench.gateway.send_udp({ip(kGateway6), 1}, {ip(kWeb6), 1}, pattern(65528), bench.now));
  bench.expect_drops({{DropReason::too_big, 2}});
  std::vector<FrameRef> hogs;
  while (FrameRef hog = bench.pool.allocate(10))
    hogs.push_back(std::move(hog));
  CHECK_FALSE(bench.gateway.send_udp(ours, {ip(kWeb4), 1}, pattern(1), bench.now));
  CHECK_FALSE(bench.gateway.send_udp(ours, {ip(kWeb4), 1}, pattern(3000), bench.now));
  bench.expect_drops({{DropReason::pool_exhausted, 2}});
}

TEST_CASE("queues in both directions are bounded and counted") {
  GatewayBench bench;
  const Bytes frame = udp_frame(between(kWeb4, kGateway4), 1, 9, pattern(1));
  for (std::size_t i = 0; i < limits::kPortQueueFrames + 2; ++i)
    bench.gateway.send(to_frame(bench.pool, frame), bench.now);
  CHECK(bench.gateway.has_work());
  bench.expect_drops({{DropReason::port_queue_full, 2}});
  bench.gateway.learn_neighbour(ip(kWeb4), web_mac(), bench.now);
  bench.turn();
  CHECK_FALSE(bench.gateway.has_work());
  CHECK(bench.gateway.counters().sent_frames == limits::kPortQueueFrames);
  GatewayBench other;
  other.gateway.learn_neighbour(ip(kWeb4), web_mac(), other.now);
  std::size_t sent = 0;
  for (std::size_t i = 0; i < limits::kPortQueueFrames + 2; ++i)
    other.gateway.send_udp({ip(kGateway4), 1}, {ip(kWeb4), 2}, pattern(1), other.now);
  other.expect_drops({{DropReason::port_queue_full, 2}});
  std::array<FrameRef, 100> batch;
  while (const std::size_t count = other.gateway.receive(batch, other.now))
    sent += count;
  CHECK(sent == limits::kPortQueueFrames);
  CHECK(other.gateway.counters().received_frames == sent);
}

TEST_CASE("the switch is told when the gateway has something to say") {
  struct Told final : ReadySink {
    void on_ready() noexcept override { ++count; }
    int count = 0;
  } told;
  GatewayBench bench;
  bench.gateway.set_ready_sink(&told);
  bench.gateway.learn_neighbour(ip(kWeb4), web_mac(), bench.now);
  bench.gateway.send_udp({ip(kGateway4), 1}, {ip(kWeb4), 2}, pattern(1), bench.now);
  bench.gateway.send_udp({ip(kGateway4), 1}, {ip(kWeb4), 2}, pattern(1), bench.now);
  CHECK(told.count == 1);
  CHECK(bench.gateway.open());
  CHECK(bench.gateway.features().tso6);
  CHECK(bench.gateway.features().mtu == 1500);
  CHECK(bench.gateway.config().mac == gateway_mac());
  bench.gateway.set_ready_sink(nullptr);
}
