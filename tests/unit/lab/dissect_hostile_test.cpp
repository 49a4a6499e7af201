// No bytes may crash the dissector, and none may leave it without an answer.
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "lab/dissect/dissect.h"
#include "tests/support/dns.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"

using namespace pontoon;
using namespace pontoon::test;

namespace {

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char letter) { return letter >= 0x20 && letter < 0x7f; });
}

// What holds of every dissection.
void check_dissection(const lab::Dissection& got) {
  RC_ASSERT(!got.layers.empty());
  RC_ASSERT(!got.summary.empty());
  RC_ASSERT(printable(got.summary));
  RC_ASSERT(printable(got.source));
  RC_ASSERT(printable(got.target));
  for (const lab::Layer& layer : got.layers) {
    RC_ASSERT(!layer.protocol.empty());
    RC_ASSERT(printable(layer.problem));
    for (const lab::Field& field : layer.fields) {
      RC_ASSERT(printable(field.name));
      RC_ASSERT(printable(field.value));
    }
  }
}

std::vector<Bytes> good_frames() {
  const PacketEnds v4 = between("172.17.0.2", "172.17.0.1");
  const PacketEnds v6 = between("fe80::2", "fe80::1");
  DnsMessage answer = response_to(encode(question("web.default")));
  answer.answers = {address_record("web.default", 60, "172.17.0.2"),
                    name_record("web.default", 5, 60, "other"), soa_record("x", 1, 1)};
  answer.opt = DnsMessage::Opt{1232, 0, 0, true, unhex("000a0002abcd")};
  Bytes dhcp(240);
  dhcp[0] = 1;
  store_be<std::uint32_t>(dhcp.data() + 236, 0x63825363);
  dhcp = joined(dhcp, unhex("350101 340103 3704010306ff 790518c0a80101 0c03776562 ff"));
  wire::TcpRepr tcp;
  tcp.source_port = 53;
  tcp.options.mss = 1460;
  tcp.options.timestamps = wire::TcpTimestamps{1, 2};
  tcp.options.add_sack({{10}, {20}});
  wire::RouterAdvertisementRepr router;
  router.options.add_prefix({ip6("fd00::"), 64, true, true, 86400, 14400});
  router.options.add_dns_server(ip6("fd00::1"));
  const Bytes udp = udp_frame(v4, 53, 4000, encode(answer));
  return {
      arp_frame({wire::ArpOperation::request, v4.source_mac, v4.source.v4(), {}, v4.target.v4()}),
      udp,
      udp_frame(v4, 68, 67, dhcp),
      tcp_frame(v4, tcp, joined(unhex("0021"), encode(answer))),
      icmp_frame(v4, wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port),
                 ByteView(udp).subspan(14)),
      ndp_frame(v6, router),
      ip_frame(v6, wire::IpProtocol::hop_by_hop, unhex("2c00050200000100 1100000100000007 0102")),
      tagged(udp, 7),
  };
}

}  // namespace

TEST_CASE("dissect: arbitrary bytes always give a layer and printable text") {
  REQUIRE(rc::check([](const Bytes& bytes) { check_dissection(lab::dissect(bytes)); }));
  check_dissection(lab::dissect({}));
}

TEST_CASE("dissect: mutated frames always give a layer and printable text") {
  const std::vector<Bytes> frames = good_frames();
  REQUIRE(rc::check([&] {
    Bytes frame = *rc::gen::elementOf(frames);
    const auto changes = *rc::gen::inRange(1, 12);
    for (int i = 0; i < changes; ++i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, frame.size());
      frame[at] = *rc::gen::element<std::uint8_t>(0, 1, 2, 0x3f, 0x7f, 0xc0, 0xff,
                                                  *rc::gen::arbitrary<std::uint8_t>());
    }
    frame.resize(*rc::gen::weightedOneOf<std::size_t>(
        {{3, rc::gen::just(frame.size())},
         {1, rc::gen::inRange<std::size_t>(0, frame.size() + 20)}}));
    check_dissection(lab::dissect(frame));
  }));
}

TEST_CASE("dissect: each frame cut anywhere is still shown") {
  for (const Bytes& frame : good_frames()) {
    CHECK(lab::dissect(frame).layers.size() > 1);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      const lab::Dissection got = lab::dissect(ByteView(frame).first(size));
      REQUIRE_FALSE(got.layers.empty());
      CHECK(printable(got.summary));
    }
  }
}

TEST_CASE("dissect: comparing any two frames ends, within the width") {
  const std::vector<Bytes> frames = good_frames();
  REQUIRE(rc::check([&] {
    const Bytes left = *rc::gen::elementOf(frames);
    Bytes right = *rc::gen::elementOf(frames);
    right[*rc::gen::inRange<std::size_t>(0, right.size())] ^= 0x41;
    const std::string text = lab::side_by_side(left, right, 100);
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
      RC_ASSERT(end - begin <= 100U);
    RC_ASSERT(left == right || text.find("\n!") != std::string::npos);
  }));
}
