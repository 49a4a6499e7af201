#include <catch2/catch.hpp>

#include "core/frame/offload.h"
#include "core/frame/transport.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"

namespace pontoon {
namespace {

using namespace test;

// The complete frame, with the checksum field taken back to the pseudo-header's sum.
Bytes with_partial_sum(Bytes frame) {
  const TransportLocation at = locate_transport(frame).value();
  const Dissected whole = dissect(frame);
  const std::size_t length = at.end - at.transport_offset;
  const auto sum = wire::Checksum::pseudo_header(whole.source, whole.target, at.protocol, length);
  store_be(frame.data() + at.transport_offset + partial_checksum(frame).checksum_offset,
           sum.folded());
  return frame;
}

wire::TcpRepr some_tcp() {
  wire::TcpRepr repr;
  repr.source_port = 80;
  repr.flags.ack = true;
  return repr;
}

bool finishes(const Bytes& bytes, const Offload& offload) {
  FramePool pool;
  const FrameRef frame = to_frame(pool, bytes, offload);
  const bool done = finish_checksum(*frame);
  CHECK(frame->offload.needs_checksum == !done);
  // A frame that was refused is unchanged.
  if (!done) CHECK(to_bytes(frame->bytes()) == bytes);
  return done;
}

}  // namespace

TEST_CASE("finish checksum: the frame becomes the one with a complete checksum") {
  FramePool pool;
  const PacketEnds v4 = between("172.17.0.2", "172.17.0.3");
  const PacketEnds v6 = between("fd00::2", "fd00::3");
  for (const std::size_t size : {0, 1, 2, 999, 1000}) {
    for (const Bytes& whole :
         {udp_frame(v4, 1, 2, pattern(size)), udp_frame(v6, 1, 2, pattern(size)),
          tcp_frame(v4, some_tcp(), pattern(size)), tcp_frame(v6, some_tcp(), pattern(size)),
          tagged(tcp_frame(v4, some_tcp(), pattern(size)), 9)}) {
      const FrameRef frame = to_frame(pool, with_partial_sum(whole), partial_checksum(whole));
      REQUIRE(finish_checksum(*frame));
      CHECK(hex(frame->bytes()) == hex(whole));
      CHECK_FALSE(frame->offload.needs_checksum);
      CHECK(frame->offload.checksum_valid);
    }
  }
}

TEST_CASE("finish checksum: UDP's zero goes out as ffff") {
  const PacketEnds ends = between("172.17.0.2", "172.17.0.3");
  // The payload word that makes the sum come out as all ones.
  Bytes frame = udp_frame(ends, 1, 2, unhex("0000"));
  const auto checksum = load_be<std::uint16_t>(frame.data() + 40);
  store_be(frame.data() + 42, checksum);
  frame = with_partial_sum(udp_frame(ends, 1, 2, ByteView(frame).subspan(42)));
  FramePool pool;
  const FrameRef ref = to_frame(pool, frame, partial_checksum(frame));
  REQUIRE(finish_checksum(*ref));
  CHECK(load_be<std::uint16_t>(ref->bytes().data() + 40) == 0xffff);
}

TEST_CASE("finish checksum: a frame that asks for nothing is left alone") {
  FramePool pool;
  const FrameRef frame = to_frame(pool, pattern(5));
  const FrameRef other = frame.share();
  CHECK(finish_checksum(*frame));
  CHECK(to_bytes(frame->bytes()) == pattern(5));
}

TEST_CASE("finish checksum: offsets outside the frame are refused") {
  const Bytes frame = udp_frame(between("172.17.0.2", "172.17.0.3"), 1, 2, pattern(10));
  Offload offload = partial_checksum(frame);
  CHECK(finishes(frame, offload));
  offload.checksum_offset = static_cast<std::uint16_t>(frame.size() - 34 - 2);
  CHECK(finishes(frame, offload));
  offload.checksum_offset = static_cast<std::uint16_t>(frame.size() - 34 - 1);
  CHECK_FALSE(finishes(frame, offload));
  offload.checksum_offset = 0xffff;
  CHECK_FALSE(finishes(frame, offload));
  offload.checksum_start = 0xffff;
  CHECK_FALSE(finishes(frame, offload));
}

TEST_CASE("finish checksum: the headers that the guard has judged cannot be rewritten") {
  const Bytes four = udp_frame(between("172.17.0.2", "172.17.0.3"), 1, 2, pattern(10));
  const Bytes six = udp_frame(between("fd00::2", "fd00::3"), 1, 2, pattern(10));
  Offload offload;
  offload.needs_checksum = true;
  for (std::uint16_t start = 0; start < 34; ++start) {
    offload.checksum_start = start;
    CHECK_FALSE(finishes(four, offload));
  }
  for (std::uint16_t start = 0; start < 54; ++start) {
    offload.checksum_start = start;
    CHECK_FALSE(finishes(six, offload));
  }
}

TEST_CASE("finish checksum: what is no IP packet has no checksum to finish") {
  Offload offload;
  offload.needs_checksum = true;
  offload.checksum_start = 20;
  CHECK_FALSE(finishes(arp_frame(wire::ArpRepr{}), offload));
  CHECK_FALSE(finishes(pattern(13), offload));
}

TEST_CASE("transport: located behind the frame's own headers") {
  const Bytes tcp = tcp_frame(between("fd00::2", "fd00::3"), some_tcp(), pattern(3));
  const auto at = locate_transport(tagged(tcp, 3));
  REQUIRE(at);
  CHECK(at->family == IpFamily::v6);
  CHECK(at->protocol == wire::IpProtocol::tcp);
  CHECK(at->network_offset == 18);
  CHECK(at->transport_offset == 58);
  CHECK(at->end == 58 + 20 + 3);
  CHECK_FALSE(at->fragment);
  CHECK_FALSE(locate_transport(tagged(tagged(tcp, 3), 4)));
  CHECK_FALSE(locate_transport(ByteView(tagged(tcp, 3)).first(17)));
}

}  // namespace pontoon
