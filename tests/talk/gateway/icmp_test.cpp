#include "tests/support/gateway_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

struct Echoes final : stack::EchoHandler {
  void on_echo_request(const stack::EchoRequest& request, Instant) noexcept override {
    last = request;
    payload = to_bytes(request.payload);
    ++count;
  }
  stack::EchoRequest last;
  Bytes payload;
  int count = 0;
};

struct Families {
  const std::string& web;
  const std::string& gateway;
  const std::string& foreign;
};
const Families kFamilies[] = {{kWeb4, kGateway4, kForeign4}, {kWeb6, kGateway6, kForeign6}};

struct Said {
  unsigned type = 0;
  unsigned code = 0;
  std::uint32_t rest = 0;
};

Said said(const Received& received) {
  if (received.packet.icmp) {
    const auto& icmp = *received.packet.icmp;
    return {static_cast<unsigned>(icmp.type), icmp.code, icmp.rest};
  }
  REQUIRE(received.packet.icmpv6);
  const auto& icmp = *received.packet.icmpv6;
  return {static_cast<unsigned>(icmp.type), icmp.code, icmp.rest};
}

// What an error quotes must be the packet as it was sent, cut to the bound of its family.
void check_quote(const Received& error, ByteView frame) {
  const ByteView packet = frame.subspan(14);
  CHECK(error.packet.payload ==
        to_bytes(packet.first(std::min(packet.size(), error.packet.payload.size()))));
  const bool whole = error.packet.payload.size() == packet.size();
  const std::size_t size = error.frame->size() - 14;
  CHECK((whole || size == (error.packet.icmp ? 576U : 1280U)));
}

}  // namespace

TEST_CASE("echo to the gateway comes back as it went") {
  GatewayBench bench;
  bench.play_web();
  for (const Families& family : kFamilies) {
    bench.send(echo_frame(between(family.web, family.gateway), true, 7, 9, pattern(56)));
    const Received reply = bench.expect("echo reply");
    CHECK(said(reply).type == (ip(family.web).is_v4() ? 0U : 129U));
    CHECK(said(reply).rest == (7U << 16 | 9U));
    CHECK(reply.packet.payload == pattern(56));
    CHECK(reply.packet.source == ip(family.gateway));
    CHECK(reply.packet.target == ip(family.web));
  }
  bench.expect_drops({});
}

TEST_CASE("echo to somebody else goes to the forwarder, and its reply comes from there") {
  GatewayBench bench;
  bench.play_web();
  Echoes echoes;
  bench.gateway.set_echo_forwarder(&echoes);
  for (const Families& family : kFamilies) {
    PacketEnds ends = between(family.web, family.foreign);
    ends.hop_limit = 33;
    bench.send(echo_frame(ends, true, 5, 6, pattern(20)));
    CHECK(echoes.last.source == ip(family.web));
    CHECK(echoes.last.target == ip(family.foreign));
    CHECK(echoes.last.source_mac == web_mac());
    CHECK(echoes.last.hop_limit == 33);
    CHECK(echoes.last.identifier == 5);
    CHECK(echoes.last.sequence == 6);
    CHECK(echoes.payload == pattern(20));
    CHECK(bench.gateway.send_echo_reply(echoes.last, pattern(20), bench.now));
    bench.turn();
    const Received reply = bench.expect("echo reply");
    CHECK(reply.packet.source == ip(family.foreign));
    CHECK(reply.packet.payload == pattern(20));
  }
  CHECK(echoes.count == 2);
  bench.expect_drops({});
}

TEST_CASE("without a forwarder, foreign echo is unreachable") {
  GatewayBench bench;
  bench.play_web();
  for (const Families& family : kFamilies) {
    const Bytes frame = echo_frame(between(family.web, family.foreign), true, 5, 6, pattern(20));
    bench.send(frame);
    const Received error = bench.expect("network unreachable");
    CHECK(said(error).type == (ip(family.web).is_v4() ? 3U : 1U));
    CHECK(said(error).code == 0);
    check_quote(error, frame);
  }
  bench.expect_drops({{DropReason::icmp_unhandled, 2}});
}

TEST_CASE("datagrams that nobody takes are unreachable: our port, their network",
          "[drop:udp_no_flow]") {
  GatewayBench bench;
  bench.play_web();
  for (const Families& family : kFamilies) {
    const bool v4 = ip(family.web).is_v4();
    const Bytes ours = udp_frame(between(family.web, family.gateway), 4000, 9, pattern(1400));
    bench.send(ours);
    const Received port = bench.expect("port unreachable");
    CHECK(said(port).type == (v4 ? 3U : 1U));
    CHECK(said(port).code == (v4 ? 3U : 4U));
    CHECK(port.packet.source == ip(family.gateway));
    check_quote(port, ours);
    const Bytes theirs = udp_frame(between(family.web, family.foreign), 4000, 9, pattern(10));
    bench.send(theirs);
    const Received network = bench.expect("network unreachable");
    CHECK(said(network).type == (v4 ? 3U : 1U));
    CHECK(said(network).code == 0);
    CHECK(network.packet.source == ip(family.gateway));
    check_quote(network, theirs);
  }
  bench.expect_drops({{DropReason::udp_no_flow, 4}});
}

TEST_CASE("traceroute sees the gateway as its first hop", "[drop:ip_ttl_expired]") {
  GatewayBench bench;
  bench.play_web();
  Echoes echoes;
  bench.gateway.set_echo_forwarder(&echoes);
  for (const Families& family : kFamilies) {
    PacketEnds ends = between(family.web, family.foreign);
    for (const std::uint8_t hops : std::initializer_list<std::uint8_t>{0, 1}) {
      ends.hop_limit = hops;
      for (const Bytes& frame : {udp_frame(ends, 4000, 33434, pattern(12)),
                                 echo_frame(ends, true, 1, 1), tcp_frame(ends, wire::TcpRepr{})}) {
        bench.send(frame);
        const Received error = bench.expect("time exceeded");
        CHECK(said(error).type == (ip(family.web).is_v4() ? 11U : 3U));
        CHECK(said(error).code == 0);
        check_quote(error, frame);
      }
    }
    // What is for the gateway itself may have any.
    ends = between(family.web, family.gateway);
    ends.hop_limit = 1;
    bench.send(echo_frame(ends, true, 1, 1));
    bench.expect("echo reply");
  }
  CHECK(echoes.count == 0);
  bench.expect_drops({{DropReason::ip_ttl_expired, 12}});
}

TEST_CASE("protocols that we do not carry are refused", "[drop:ip_protocol]") {
  GatewayBench bench;
  bench.play_web();
  const auto sctp = static_cast<wire::IpProtocol>(132);
  bench.send(ip_frame(between(kWeb4, kGateway4), sctp, pattern(20)));
  Said error = said(bench.expect("protocol unreachable"));
  CHECK((error.type == 3 && error.code == 2));
  bench.send(ip_frame(between(kWeb6, kGateway6), sctp, pattern(20)));
  error = said(bench.expect("parameter problem"));
  CHECK((error.type == 4 && error.code == 1 && error.rest == 6));
  bench.send(ip_frame(between(kWeb4, kForeign4), sctp, pattern(20)));
  error = said(bench.expect("prohibited"));
  CHECK((error.type == 3 && error.code == 13));
  // Each family's own ICMP is foreign to the other.
  bench.send(ip_frame(between(kWeb4, kGateway4), wire::IpProtocol::icmpv6, pattern(20)));
  bench.expect("protocol unreachable");
  bench.send(ip_frame(between(kWeb6, kGateway6), wire::IpProtocol::no_next_header, pattern(20)));
  bench.expect_nothing();
  bench.expect_drops({{DropReason::ip_protocol, 5}});
}

TEST_CASE("no error is sent about what must not be answered") {
  GatewayBench bench;
  bench.play_web();
  PacketEnds ends = between(kWeb4, kForeign4);
  ends.hop_limit = 1;
  SECTION("an ICMP error") {
    const Bytes quoted = to_bytes(ByteView(udp_frame(ends, 1, 2, pattern(8))).subspan(14));
    bench.send(icmp_frame(ends, wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port), quoted));
    bench.expect_drops({{DropReason::ip_ttl_expired, 1}});
  }
  SECTION("a later fragment") {
    Bytes frame = udp_frame(ends, 1, 2, pattern(8));
    frame[14 + 7] = 1;  // offset 8
    frame[14 + 10] = frame[14 + 11] = 0;
    wire::Checksum sum;
    sum.add(ByteView(frame).subspan(14, 20));
    store_be(frame.data() + 24, sum.value());
    bench.send(frame);
    bench.expect_drops({{DropReason::ip_ttl_expired, 1}});
  }
  SECTION("a broadcast") {
    ends = between(kWeb4, "172.17.255.255");
    ends.target_mac = MacAddress::broadcast();
    bench.send(udp_frame(ends, 1, 2, pattern(8)));
    bench.send(ip_frame(ends, static_cast<wire::IpProtocol>(132), pattern(8)));
    bench.expect_drops({{DropReason::multicast_not_routed, 1}, {DropReason::ip_protocol, 1}});
  }
  bench.expect_nothing();
}

TEST_CASE("errors are rate-limited and the rest is counted", "[drop:icmp_limit]") {
  GatewayBench bench;
  bench.play_web();
  const Bytes frame = udp_frame(between(kWeb4, kGateway4), 4000, 9, pattern(1));
  for (unsigned i = 0; i < limits::kIcmpErrorBurst + 10; ++i)
    bench.send(frame);
  CHECK(bench.waiting() == limits::kIcmpErrorBurst);
  bench.expect_drops(
      {{DropReason::udp_no_flow, limits::kIcmpErrorBurst + 10}, {DropReason::icmp_limit, 10}});
  bench.tick(1s);
  bench.send(frame);
  CHECK(bench.waiting() == limits::kIcmpErrorBurst + 1);
}

TEST_CASE("an error by specification quotes what the endpoint had sent") {
  GatewayBench bench;
  bench.play_web();
  using Quoted = stack::IcmpErrorSpec::Quoted;
  for (const Families& family : kFamilies) {
    const bool v4 = ip(family.web).is_v4();
    stack::IcmpErrorSpec spec;
    spec.flow = {{ip(family.web), 4000}, {ip(family.foreign), 80}};
    const Bytes payload = pattern(30);
    spec.payload = payload;
    for (const Quoted quoted : {Quoted::tcp, Quoted::udp, Quoted::echo}) {
      spec.quoted = quoted;
      spec.reason = stack::Unreachable::too_big;
      spec.mtu = 1300;
      spec.tcp_sequence = 0x01020304;
      spec.echo_sequence = 12;
      spec.reporter = quoted == Quoted::udp ? std::optional(ip(family.foreign)) : std::nullopt;
      CHECK(bench.gateway.send_icmp_error(spec, bench.now));
      bench.turn();
      const Received error = bench.expect("packet too big");
      CHECK(said(error).type == (v4 ? 3U : 2U));
      CHECK(said(error).rest == 1300);
      CHECK(error.packet.source == ip(quoted == Quoted::udp ? family.foreign : family.gateway));
      const auto type = v4 ? wire::EtherType::ipv4 : wire::EtherType::ipv6;
      const Dissected inner =
          dissect(ethernet_frame(web_mac(), gateway_mac(), type, error.packet.payload));
      CHECK(inner.problem.empty());
      CHECK(inner.source == ip(family.web));
      CHECK(inner.target == ip(family.foreign));
      CHECK(inner.payload == payload);
      CHECK(inner.tcp.has_value() == (quoted == Quoted::tcp));
      if (inner.tcp) CHECK(inner.tcp->sequence.value == 0x01020304);
      if (inner.udp) CHECK(inner.udp->destination_port == 80);
    }
  }
  bench.expect_drops({});
}

TEST_CASE("what an endpoint says by ICMP and we do not act on is named",
          "[drop:malformed_icmp][drop:icmp_unhandled]") {
  GatewayBench bench;
  bench.play_web();
  const PacketEnds ends = between(kWeb4, kGateway4);
  const Bytes quoted = to_bytes(ByteView(udp_frame(ends.reversed(), 53, 4000, {})).subspan(14));
  bench.send(echo_frame(ends, false, 1, 1));
  bench.send(icmp_frame(ends, {wire::IcmpType::redirect, 0, 0}, quoted));
  bench.send(icmp_frame(ends, wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port), quoted));
  bench.send(echo_frame(between(kWeb6, kGateway6), false, 1, 1));
  bench.expect_drops({{DropReason::icmp_unhandled, 4}});
  // An error whose quotation is cut off or makes no sense.
  bench.send(
      icmp_frame(ends, wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port), pattern(9)));
  bench.send(icmpv6_frame(between(kWeb6, kGateway6),
                          wire::Icmpv6Repr::unreachable(wire::Icmpv6Unreachable::port),
                          pattern(9)));
  // Checksums, lengths and codes.
  Bytes wrong = echo_frame(ends, true, 1, 1, pattern(8));
  wrong.back() ^= 1;
  bench.send(wrong);
  wrong = echo_frame(between(kWeb6, kGateway6), true, 1, 1, pattern(8));
  wrong.back() ^= 1;
  bench.send(wrong);
  bench.send(ip_frame(ends, wire::IpProtocol::icmp, pattern(7)));
  bench.send(icmp_frame(ends, {wire::IcmpType::echo_request, 1, 0}));
  bench.expect_drops({{DropReason::malformed_icmp, 6}});
  // A segment of another endpoint: nobody speaks for others.
  const Bytes foreign =
      to_bytes(ByteView(tcp_frame(between(kForeign4, "172.17.0.3"), {})).subspan(14));
  PacketEnds about = between(kWeb4, kForeign4);
  bench.send(icmp_frame(about, wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port), foreign));
  bench.expect_drops({{DropReason::icmp_unhandled, 1}});
  bench.expect_nothing();
}

TEST_CASE("echo to everybody stays unanswered") {
  GatewayBench bench;
  PacketEnds ends = between(kWeb4, "255.255.255.255");
  ends.target_mac = MacAddress::broadcast();
  bench.send(echo_frame(ends, true, 1, 1));
  ends = between(kWeb6, "ff02::1");
  ends.target_mac = mac("33:33:00:00:00:01");
  bench.send(echo_frame(ends, true, 1, 1));
  bench.expect_nothing();
  bench.expect_drops({{DropReason::multicast_not_routed, 2}});
}
