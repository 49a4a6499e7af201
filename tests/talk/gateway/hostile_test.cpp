#include <rapidcheck.h>

#include "tests/support/datagrams.h"
#include "tests/support/gateway_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

void fix_ipv4_checksum(Bytes& frame) {
  const std::size_t size = std::min<std::size_t>((frame[14] & 15U) * 4U, frame.size() - 14);
  store_be(frame.data() + 24, std::uint16_t{0});
  wire::Checksum sum;
  sum.add(ByteView(frame).subspan(14, size));
  store_be(frame.data() + 24, sum.value());
}

// A datagram with these options between header and transport.
Bytes with_options(const Bytes& options) {
  const Bytes plain = udp_frame(between(kWeb4, kForeign4), 1, 2, pattern(8));
  Bytes frame(plain.begin(), plain.begin() + 34);
  frame.insert(frame.end(), options.begin(), options.end());
  frame.insert(frame.end(), plain.begin() + 34, plain.end());
  frame[14] = static_cast<std::uint8_t>(0x45 + options.size() / 4);
  frame[17] = static_cast<std::uint8_t>(frame[17] + options.size());
  fix_ipv4_checksum(frame);
  return frame;
}

Bytes with_extension(wire::IpProtocol which, const Bytes& headers) {
  const Dissected plain = dissect(udp_frame(between(kWeb6, kForeign6), 1, 2, pattern(8)));
  return ip_frame(between(kWeb6, kForeign6), which, joined(headers, plain.transport));
}

// One valid frame of every kind that the gateway acts on.
std::vector<Bytes> specimens() {
  wire::NeighbourSolicitationRepr question{ip6(kGateway6), {}};
  question.options.source_link = web_mac();
  wire::NeighbourAdvertisementRepr answer{false, true, true, ip6(kWeb6), {}};
  answer.options.target_link = web_mac();
  wire::TcpRepr syn;
  syn.flags.syn = true;
  syn.options.mss = 1460;
  const Bytes quoted4 = to_bytes(ByteView(tcp_frame(between(kForeign4, kWeb4), syn)).subspan(14));
  const Bytes quoted6 = to_bytes(ByteView(tcp_frame(between(kForeign6, kWeb6), syn)).subspan(14));
  return {
      arp_frame({wire::ArpOperation::request, web_mac(), ip4(kWeb4), {}, ip4(kGateway4)}),
      udp_frame(between(kWeb4, kGateway4), 1, 53, pattern(20)),
      udp_frame(between(kWeb6, kGateway6), 1, 53, pattern(20)),
      tcp_frame(between(kWeb4, kForeign4), syn, pattern(5)),
      tcp_frame(between(kWeb6, kForeign6), syn, pattern(5)),
      echo_frame(between(kWeb4, kGateway4), true, 1, 1, pattern(20)),
      echo_frame(between(kWeb6, kForeign6), true, 1, 1, pattern(20)),
      icmp_frame(between(kWeb4, kForeign4),
                 wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port), quoted4),
      icmpv6_frame(between(kWeb6, kForeign6), wire::Icmpv6Repr::packet_too_big(1280), quoted6),
      ndp_frame(between(kWeb6, kGateway6), question),
      ndp_frame(between(kWeb6, kGateway6), answer),
      with_options({7, 7, 4, 0, 0, 0, 0, 0}),
      with_extension(wire::IpProtocol::hop_by_hop, {17, 0, 1, 4, 0, 0, 0, 0}),
      with_extension(wire::IpProtocol::fragment, {17, 0, 0, 1, 0, 0, 0, 9}),
  };
}

// The gateway gets `frame` and nothing breaks: it was accepted, or counted once. TCP's own drops
// and errors that the gateway sends are its business.
void survive(GatewayBench& bench, ByteView frame, const Offload& offload = {}) {
  const std::uint64_t before = bench.gateway.counters().drops.total();
  bench.gateway.send(to_frame(bench.pool, frame, offload), bench.now);
  bench.gateway.run(bench.now);
  const std::uint64_t after = bench.gateway.counters().drops.total();
  if (after > before + 1) FAIL("counted " << after - before << " drops");
  std::array<FrameRef, 16> out;
  while (bench.gateway.receive(out, bench.now) > 0) {
  }
  bench.now += 1s;
  bench.timers.run_due(bench.now, 1000);
}

}  // namespace

TEST_CASE("frames that are not for us are dropped by name",
          "[drop:link_not_ours][drop:link_protocol]") {
  GatewayBench bench;
  const Bytes good = udp_frame(between(kWeb4, kGateway4), 1, 2, pattern(8));
  bench.send(ByteView(good).first(13));
  bench.expect_drops({{DropReason::malformed_ethernet, 1}});
  Bytes frame = good;
  frame[6] |= 1;  // a multicast source
  bench.send(frame);
  bench.expect_drops({{DropReason::malformed_ethernet, 1}});
  frame = good;
  frame[11] = 2;  // our own MAC as source
  bench.send(frame);
  bench.expect_drops({{DropReason::guard_source_mac, 1}});
  frame = good;
  frame[5] = 9;  // another station
  bench.send(frame);
  bench.expect_drops({{DropReason::link_not_ours, 1}});
  bench.send(tagged(good, 5));
  frame = good;
  frame[12] = 0x88;
  frame[13] = 0xcc;
  bench.send(frame);
  bench.expect_drops({{DropReason::link_protocol, 2}});
  bench.expect_nothing();
}

TEST_CASE("IP headers that lie are dropped by name", "[drop:malformed_ip][drop:ip_checksum]") {
  GatewayBench bench;
  const Bytes good = udp_frame(between(kWeb4, kGateway4), 1, 2, pattern(8));
  for (const auto& [at, value] :
       {std::pair{14, 0x55}, {14, 0x44}, {14, 0x4f}, {17, 200}, {17, 19}}) {
    Bytes frame = good;
    frame[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
    fix_ipv4_checksum(frame);
    bench.send(frame);
  }
  Bytes six = udp_frame(between(kWeb6, kGateway6), 1, 2, pattern(8));
  six[14 + 5] = 200;
  bench.send(six);
  bench.send(with_extension(wire::IpProtocol::routing, {17, 200, 0, 0, 0, 0, 0, 0}));
  bench.expect_drops({{DropReason::malformed_ip, 7}});
  Bytes frame = good;
  frame[24] ^= 1;
  bench.send(frame);
  bench.expect_drops({{DropReason::ip_checksum, 1}});
  Offload valid;
  valid.checksum_valid = true;
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  bench.send(frame, valid);
  CHECK(forwarder.kept.size() == 1);
}

TEST_CASE("addresses that must not appear are dropped by name",
          "[drop:ip_martian][drop:ip_not_ours]") {
  GatewayBench bench;
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  const auto send = [&](const std::string& source, const std::string& target) {
    CAPTURE(source, target);
    bench.send(udp_frame(between(source, target), 1, 2, pattern(8)));
  };
  const std::pair<std::string, std::string> martians[] = {
      {"127.0.0.1", kForeign4},
      {"224.0.0.1", kForeign4},
      {"255.255.255.255", kForeign4},
      {"0.0.0.0", kForeign4},
      {"0.0.0.0", kGateway4},
      {kGateway4, kForeign4},
      {"172.17.255.255", kForeign4},
      {"10.0.0.1", kForeign4},
      {kWeb4, "127.0.0.1"},
      {kWeb4, "0.0.0.0"},
      {kWeb4, "240.0.0.1"},
      {"::", kForeign6},
      {"::1", kForeign6},
      {kGateway6, kForeign6},
      {"ff02::1", kForeign6},
      {"2001:db8::5", kForeign6},
      {"fe80::2", kForeign6},
      {kWeb6, "::1"},
  };
  for (const auto& [source, target] : martians)
    send(source, target);
  bench.expect_drops({{DropReason::ip_martian, std::size(martians)}});
  send(kWeb4, "172.17.0.99");
  send(kWeb6, "fd00:17::99");
  send(kWeb6, "fe80::99");
  PacketEnds ends = between(kWeb4, kForeign4);
  ends.target_mac = MacAddress::broadcast();
  bench.send(udp_frame(ends, 1, 2, pattern(8)));
  bench.expect_drops({{DropReason::ip_not_ours, 4}});
  CHECK(forwarder.kept.empty());
  bench.expect_nothing();
}

TEST_CASE("ICMPv6 from where it cannot come is dropped by name") {
  GatewayBench bench;
  PacketEnds ends = between("::", "ff02::1");
  ends.target_mac = mac("33:33:00:00:00:01");
  bench.send(echo_frame(ends, true, 1, 1));
  ends = between("2001:db8::5", "ff02::1");
  ends.target_mac = mac("33:33:00:00:00:01");
  bench.send(echo_frame(ends, true, 1, 1));
  bench.expect_drops({{DropReason::ip_martian, 2}});
}

TEST_CASE("options do no harm, but source routes and nonsense are refused", "[drop:ip_options]") {
  GatewayBench bench;
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  for (const Bytes& options : {Bytes{1, 1, 1, 0}, Bytes{7, 7, 4, 0, 0, 0, 0, 0},
                               Bytes{148, 4, 0, 0}, Bytes{0, 131, 9, 9}}) {
    bench.send(with_options(options));
  }
  CHECK(forwarder.kept.size() == 4);
  for (const Bytes& options :
       {Bytes{131, 7, 4, 8, 8, 8, 8, 0}, Bytes{1, 137, 3, 4}, Bytes{7, 0, 0, 0}, Bytes{7, 1, 0, 0},
        Bytes{1, 1, 1, 7}, Bytes{7, 9, 0, 0}}) {
    bench.send(with_options(options));
  }
  CHECK(forwarder.kept.size() == 4);
  bench.expect_drops({{DropReason::ip_options, 6}});
}

TEST_CASE("extension headers are walked, to a bound, and none may route") {
  GatewayBench bench;
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  using wire::IpProtocol;
  bench.send(with_extension(IpProtocol::hop_by_hop, {17, 0, 1, 4, 0, 0, 0, 0}));
  bench.send(with_extension(IpProtocol::routing, {17, 0, 2, 0, 0, 0, 0, 0}));
  CHECK(forwarder.kept.size() == 2);
  bench.send(with_extension(IpProtocol::routing, {17, 0, 0, 1, 0, 0, 0, 0}));
  bench.send(with_extension(IpProtocol::destination_options,
                            {43, 0, 1, 4, 0, 0, 0, 0, 17, 0, 4, 1, 0, 0, 0, 0}));
  Bytes many;
  for (std::size_t i = 0; i <= limits::kIpv6ExtensionHeaders; ++i) {
    const std::uint8_t next = i == limits::kIpv6ExtensionHeaders ? 17 : 60;
    many = joined(many, Bytes{next, 0, 1, 4, 0, 0, 0, 0});
  }
  bench.send(with_extension(IpProtocol::destination_options, many));
  CHECK(forwarder.kept.size() == 2);
  bench.expect_drops({{DropReason::ip_options, 3}});
}

TEST_CASE("segments are validated before the TCP engine sees them",
          "[drop:malformed_tcp][drop:tcp_checksum]") {
  GatewayBench bench;
  bench.send(ip_frame(between(kWeb4, kForeign4), wire::IpProtocol::tcp, pattern(19)));
  Bytes frame = tcp_frame(between(kWeb6, kForeign6), wire::TcpRepr{}, pattern(3));
  frame[14 + 40 + 12] = 0x40;
  bench.send(frame);
  bench.expect_drops({{DropReason::malformed_tcp, 2}});
  for (const auto& [web, foreign] : {std::pair{kWeb4, kForeign4}, std::pair{kWeb6, kForeign6}}) {
    frame = tcp_frame(between(web, foreign), wire::TcpRepr{}, pattern(3));
    frame.back() ^= 1;
    bench.send(frame);
  }
  bench.expect_drops({{DropReason::tcp_checksum, 2}});
}

TEST_CASE("every valid frame, cut off at every length, is accepted or counted once") {
  GatewayBench bench;
  bench.gateway.learn_neighbour(ip(kWeb4), web_mac(), bench.now);
  bench.gateway.learn_neighbour(ip(kWeb6), web_mac(), bench.now);
  for (const Bytes& specimen : specimens()) {
    CAPTURE(summary(dissect(specimen)));
    for (std::size_t length = 0; length <= specimen.size(); ++length) {
      survive(bench, ByteView(specimen).first(length));
      Offload trusted;
      trusted.checksum_valid = true;
      survive(bench, ByteView(specimen).first(length), trusted);
    }
  }
}

TEST_CASE("every valid frame, with any byte changed, is accepted or counted") {
  GatewayBench bench;
  bench.gateway.learn_neighbour(ip(kWeb4), web_mac(), bench.now);
  bench.gateway.learn_neighbour(ip(kWeb6), web_mac(), bench.now);
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  const std::vector<Bytes> all = specimens();
  REQUIRE(rc::check("mutants are survived", [&] {
    Bytes frame = all[*rc::gen::inRange<std::size_t>(0, all.size())];
    const auto changes = *rc::gen::inRange(1, 4);
    for (int i = 0; i < changes; ++i)
      frame[*rc::gen::inRange<std::size_t>(0, frame.size())] = *rc::gen::arbitrary<std::uint8_t>();
    Offload offload;
    offload.checksum_valid = true;  // so that mutants get past the checksums
    offload.gso = *rc::gen::element(Gso::none, Gso::udp, Gso::tcp4);
    offload.segment_size = *rc::gen::arbitrary<std::uint16_t>();
    bench.gateway.send(to_frame(bench.pool, frame, offload), bench.now);
    bench.gateway.run(bench.now);
    std::array<FrameRef, 16> out;
    while (bench.gateway.receive(out, bench.now) > 0) {
    }
    bench.now += 100ms;
    bench.timers.run_due(bench.now, 1000);
  }));
  CHECK(bench.pool.in_use() <= limits::kReassemblies + limits::kNeighbours);
}
