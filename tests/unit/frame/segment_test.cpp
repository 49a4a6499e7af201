#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <string>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <tins/tins.h>
#pragma GCC diagnostic pop

#include "core/frame/offload.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"
#include "tests/unit/frame/collecting_sink.h"

namespace pontoon {
namespace {

using namespace test;

const PacketEnds& v4_ends() {
  static const PacketEnds ends = [] {
    PacketEnds made = between("172.17.0.2", "172.17.0.3");
    made.identification = 0xfffe;
    made.ecn = 2;
    return made;
  }();
  return ends;
}

const PacketEnds& v6_ends() {
  static const PacketEnds ends = between("fd00::2", "fd00::3");
  return ends;
}

wire::TcpRepr data_segment() {
  wire::TcpRepr repr;
  repr.source_port = 80;
  repr.destination_port = 40000;
  repr.sequence = {0xfffffc00};
  repr.acknowledgement = {7};
  repr.flags = {.fin = true, .psh = true, .ack = true, .ece = true, .cwr = true};
  repr.window = 501;
  repr.options.timestamps = wire::TcpTimestamps{1, 2};
  return repr;
}

// Cuts the super-frame and takes every segment apart; the test fails when that is not possible.
struct Cut {
  SegmentResult result = SegmentResult::ok;
  std::vector<Dissected> segments;
  Bytes payload;
};

Cut cut(const Bytes& bytes, const Offload& offload) {
  FramePool pool;
  CollectingSink sink;
  Cut cut;
  const FrameRef frame = to_frame(pool, bytes, offload);
  cut.result = segment(*frame, pool, sink);
  REQUIRE(to_bytes(frame->bytes()) == bytes);
  for (const FrameRef& made : sink.frames) {
    CHECK(made->offload.gso == Gso::none);
    CHECK_FALSE(made->offload.needs_checksum);
    cut.segments.push_back(dissect(made->bytes()));
    CHECK(cut.segments.back().problem == "");
    cut.payload = joined(cut.payload, cut.segments.back().payload);
  }
  return cut;
}

Cut cut(const SuperFrame& super) {
  return cut(super.bytes, super.offload);
}

bool is_malformed(const SuperFrame& super) {
  const Cut result = cut(super);
  return result.result == SegmentResult::malformed && result.segments.empty();
}

// libtins parses the frame and serialises it with lengths and checksums of its own making.
Bytes remade_by_tins(ByteView frame) {
  Tins::EthernetII parsed(frame.data(), static_cast<std::uint32_t>(frame.size()));
  return parsed.serialize();
}

}  // namespace

TEST_CASE("segment: TCP over IPv4") {
  const Bytes payload = pattern(2 * 1448 + 100);
  const Cut result = cut(tcp_super_frame(v4_ends(), data_segment(), payload, 1448));
  REQUIRE(result.result == SegmentResult::ok);
  REQUIRE(result.segments.size() == 3);
  CHECK(result.payload == payload);
  for (std::size_t i = 0; i < 3; ++i) {
    const Dissected& got = result.segments[i];
    wire::TcpRepr expected = data_segment();
    expected.sequence += static_cast<std::uint32_t>(i * 1448);
    expected.flags.fin = expected.flags.psh = i == 2;
    expected.flags.cwr = i == 0;
    CHECK(got.tcp == expected);
    CHECK(got.ipv4->identification == static_cast<std::uint16_t>(0xfffe + i));
    CHECK(got.ipv4->dont_fragment);
    CHECK(got.ipv4->ecn == 2);
    CHECK(got.payload.size() == (i == 2 ? 100 : 1448));
    CHECK(got.ethernet->source == v4_ends().source_mac);
  }
}

TEST_CASE("segment: TCP over IPv6") {
  const Bytes payload = pattern(60000);
  const Cut result = cut(tcp_super_frame(v6_ends(), data_segment(), payload, 1428));
  REQUIRE(result.result == SegmentResult::ok);
  CHECK(result.segments.size() == (60000 + 1427) / 1428);
  CHECK(result.payload == payload);
  CHECK(result.segments[1].ipv6->payload_length == 32 + 1428);
}

TEST_CASE("segment: UDP over both families") {
  const Bytes payload = pattern(3 * 1200 + 1);
  for (const PacketEnds& ends : {v4_ends(), v6_ends()}) {
    const Cut result = cut(udp_super_frame(ends, 5000, 443, payload, 1200));
    REQUIRE(result.result == SegmentResult::ok);
    REQUIRE(result.segments.size() == 4);
    CHECK(result.payload == payload);
    CHECK(result.segments[3].payload.size() == 1);
    for (const Dissected& got : result.segments)
      CHECK(got.udp == wire::UdpRepr{5000, 443});
  }
}

TEST_CASE("segment: libtins makes the same bytes of each segment") {
  FramePool pool;
  CollectingSink sink;
  for (const SuperFrame& super : {tcp_super_frame(v4_ends(), data_segment(), pattern(2999), 1001),
                                  tcp_super_frame(v6_ends(), data_segment(), pattern(2999), 1001),
                                  udp_super_frame(v4_ends(), 5000, 6000, pattern(2999), 1001),
                                  udp_super_frame(v6_ends(), 5000, 6000, pattern(2999), 1001)}) {
    REQUIRE(segment(*to_frame(pool, super.bytes, super.offload), pool, sink) == SegmentResult::ok);
  }
  CHECK(sink.frames.size() == 12);
  for (const FrameRef& frame : sink.frames)
    CHECK(hex(remade_by_tins(frame->bytes())) == hex(frame->bytes()));
}

TEST_CASE("segment: any payload in any pieces comes out whole and in order") {
  REQUIRE(rc::check([] {
    const auto size = *rc::gen::inRange<std::size_t>(0, 5000);
    const auto piece = *rc::gen::inRange<std::uint16_t>(50, 3000);
    const bool v4 = *rc::gen::arbitrary<bool>();
    const Bytes payload = pattern(size, 3);
    const auto super = tcp_super_frame(v4 ? v4_ends() : v6_ends(), data_segment(), payload, piece);
    const Cut result = cut(super);
    RC_ASSERT(result.result == SegmentResult::ok);
    RC_ASSERT(result.payload == payload);
    wire::TcpSequence next = data_segment().sequence;
    for (const Dissected& got : result.segments) {
      RC_ASSERT(got.tcp->sequence == next);
      RC_ASSERT(got.payload.size() <= piece);
      next += static_cast<std::uint32_t>(got.payload.size());
    }
  }));
}

TEST_CASE("segment: a VLAN tag stays on every segment") {
  SuperFrame super = tcp_super_frame(v4_ends(), data_segment(), pattern(2500), 1000);
  super.bytes = tagged(super.bytes, 42);
  const Cut result = cut(super);
  REQUIRE(result.segments.size() == 3);
  CHECK(result.payload == pattern(2500));
  for (const Dissected& got : result.segments)
    CHECK(got.vlan == 42);
}

TEST_CASE("segment: IPv4 options and IPv6 extension headers stay on every segment") {
  const wire::UdpRepr udp{1, 2};
  Bytes datagram(8);
  udp.emit(datagram, pattern(100), ip("10.0.0.1"), ip("10.0.0.2"));
  datagram = joined(datagram, pattern(100));
  wire::Ipv4Repr repr;
  repr.source = ip4("10.0.0.1");
  repr.destination = ip4("10.0.0.2");
  repr.payload_length = 108;
  repr.options.size = 8;
  repr.options.bytes = {1, 1, 1, 1, 1, 1, 1, 0};
  Bytes header(repr.header_size());
  repr.emit(header);
  const Bytes four = ethernet_frame(mac("02:00:00:00:00:01"), mac("02:00:00:00:00:02"),
                                    wire::EtherType::ipv4, joined(header, datagram));
  Offload offload;
  offload.gso = Gso::udp;
  offload.segment_size = 60;
  const Cut with_options = cut(four, offload);
  REQUIRE(with_options.segments.size() == 2);
  CHECK(with_options.payload == pattern(100));
  CHECK(with_options.segments[1].ipv4->options == repr.options);

  const Bytes destination_options = unhex("11 00 0104 00000000");
  Bytes six = ip_frame(v6_ends(), wire::IpProtocol::destination_options,
                       joined(destination_options, datagram));
  const Cut with_extension = cut(six, offload);
  REQUIRE(with_extension.segments.size() == 2);
  CHECK(with_extension.payload == pattern(100));
  CHECK(with_extension.segments[0].ipv6->next_header == wire::IpProtocol::destination_options);
}

TEST_CASE("segment: the urgent pointer moves with the segments") {
  wire::TcpRepr repr = data_segment();
  repr.flags.urg = true;
  repr.urgent = 150;
  const Cut result = cut(tcp_super_frame(v4_ends(), repr, pattern(300), 100));
  REQUIRE(result.segments.size() == 3);
  CHECK(result.segments[0].tcp->urgent == 150);
  CHECK(result.segments[1].tcp->urgent == 50);
  CHECK(result.segments[1].tcp->flags.urg);
  CHECK(result.segments[2].tcp->urgent == 0);
  CHECK_FALSE(result.segments[2].tcp->flags.urg);
}

TEST_CASE("segment: one that needs no cutting gets its checksum all the same") {
  const Cut result = cut(tcp_super_frame(v4_ends(), data_segment(), pattern(10), 1448));
  REQUIRE(result.segments.size() == 1);
  CHECK(result.segments[0].tcp == data_segment());
  CHECK(cut(tcp_super_frame(v4_ends(), data_segment(), {}, 1448)).segments.size() == 1);
}

TEST_CASE("segment: header_length is a hint that may be anything inside the frame") {
  SuperFrame super = tcp_super_frame(v4_ends(), data_segment(), pattern(2000), 1000);
  for (const std::size_t hint : {std::size_t{0}, std::size_t{14}, super.bytes.size()}) {
    super.offload.header_length = static_cast<std::uint16_t>(hint);
    CHECK(cut(super).payload == pattern(2000));
  }
  super.offload.header_length = static_cast<std::uint16_t>(super.bytes.size() + 1);
  CHECK(is_malformed(super));
}

TEST_CASE("segment: metadata that disagrees with the headers is malformed",
          "[limit:kGsoSegments]") {
  SuperFrame tcp = tcp_super_frame(v4_ends(), data_segment(), pattern(2000), 1000);
  SuperFrame udp = udp_super_frame(v4_ends(), 1, 2, pattern(2000), 1000);
  SECTION("no segment size") {
    tcp.offload.segment_size = 0;
  }
  SECTION("the other family") {
    tcp.offload.gso = Gso::tcp6;
  }
  SECTION("the other protocol") {
    tcp.offload.gso = Gso::udp;
  }
  SECTION("no gso at all") {
    tcp.offload.gso = Gso::none;
  }
  SECTION("TCP that is UDP") {
    tcp = udp;
    tcp.offload.gso = Gso::tcp4;
  }
  SECTION("not IP") {
    tcp.bytes[12] = 0x12;
  }
  SECTION("a bad IP version") {
    tcp.bytes[14] = 0x65;
  }
  SECTION("an IP length beyond the frame") {
    tcp.bytes[16] = 0xff;
  }
  SECTION("a fragment") {
    tcp.bytes[20] |= 0x20;
  }
  SECTION("a TCP header that ends behind the packet") {
    tcp = tcp_super_frame(v4_ends(), data_segment(), {}, 1000);
    tcp.bytes[14 + 20 + 12] = 0xf0;
  }
  SECTION("a TCP header that is too short") {
    tcp.bytes[14 + 20 + 12] = 0x40;
  }
  SECTION("SYN") {
    tcp.bytes[14 + 20 + 13] |= 0x02;
  }
  SECTION("RST") {
    tcp.bytes[14 + 20 + 13] |= 0x04;
  }
  SECTION("a UDP length that is not the packet's") {
    tcp = udp;
    tcp.bytes[14 + 20 + 5] = static_cast<std::uint8_t>(tcp.bytes[14 + 20 + 5] - 1);
  }
  SECTION("more segments than one frame may become") {
    tcp.offload.segment_size = 1;
    tcp = tcp_super_frame(v4_ends(), data_segment(), pattern(limits::kGsoSegments + 1), 1);
  }
  CHECK(is_malformed(tcp));
}

TEST_CASE("segment: a truncated super-frame is malformed at every length") {
  const SuperFrame super = tcp_super_frame(v6_ends(), data_segment(), pattern(200), 50);
  for (std::size_t size = 0; size < super.bytes.size(); ++size) {
    SuperFrame shorter = super;
    shorter.bytes.resize(size);
    CHECK(is_malformed(shorter));
  }
}

TEST_CASE("segment: padding behind the packet is not sent on") {
  SuperFrame super = udp_super_frame(v4_ends(), 1, 2, pattern(20), 10);
  super.bytes.resize(super.bytes.size() + 5, 0xee);
  CHECK(cut(super).payload == pattern(20));
}

TEST_CASE("segment: stops when the pool is empty or the sink has enough") {
  const SuperFrame super = tcp_super_frame(v4_ends(), data_segment(), pattern(500), 100);
  FramePool pool(3);
  const FrameRef frame = to_frame(pool, super.bytes, super.offload);
  {
    CollectingSink sink;
    CHECK(segment(*frame, pool, sink) == SegmentResult::pool_exhausted);
    CHECK(sink.frames.size() == 2);
  }
  CollectingSink sink(1);
  CHECK(segment(*frame, pool, sink) == SegmentResult::sink_stopped);
  CHECK(sink.frames.size() == 1);
}

}  // namespace pontoon
