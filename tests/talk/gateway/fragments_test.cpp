#include "tests/support/datagrams.h"
#include "tests/support/gateway_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kIdentification = 0x1234;

// Cuts a frame as a router (IPv4) or its sender (IPv6) would, at multiples of `step`.
std::vector<Bytes> cut(ByteView frame, std::size_t step) {
  const Dissected whole = dissect(frame);
  std::vector<Bytes> frames;
  for (std::size_t offset = 0; offset < whole.transport.size(); offset += step) {
    const std::size_t size = std::min(step, whole.transport.size() - offset);
    const ByteView part = ByteView(whole.transport).subspan(offset, size);
    const bool more = offset + size < whole.transport.size();
    Bytes packet;
    if (whole.ipv4) {
      wire::Ipv4Repr repr = *whole.ipv4;
      repr.identification = kIdentification;
      repr.dont_fragment = false;
      repr.fragment_offset = static_cast<std::uint16_t>(offset);
      repr.more_fragments = more;
      repr.payload_length = static_cast<std::uint16_t>(size);
      packet.resize(repr.header_size());
      repr.emit(packet);
    } else {
      wire::Ipv6Repr repr = *whole.ipv6;
      wire::Ipv6Fragment piece;
      piece.identification = kIdentification;
      piece.offset = static_cast<std::uint16_t>(offset);
      piece.more = more;
      piece.next_header = std::exchange(repr.next_header, wire::IpProtocol::fragment);
      repr.payload_length = static_cast<std::uint16_t>(size + 8);
      packet.resize(48);
      repr.emit(MutableBytes(packet).first(40));
      wire::emit_fragment_header(MutableBytes(packet).subspan(40), piece);
    }
    frames.push_back(ethernet_frame(whole.ethernet->source, whole.ethernet->destination,
                                    whole.ethernet->ether_type, joined(packet, part)));
  }
  return frames;
}

const std::pair<std::string, std::string> kPairs[] = {{kWeb4, kForeign4}, {kWeb6, kForeign6}};

}  // namespace

TEST_CASE("fragments become the datagram, in whatever order they come") {
  GatewayBench bench;
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  for (const auto& [web, foreign] : kPairs) {
    forwarder.kept.clear();
    std::vector<Bytes> frames = cut(udp_frame(between(web, foreign), 7, 8, pattern(5000)), 1480);
    REQUIRE(frames.size() == 4);
    std::swap(frames[0], frames[2]);
    for (const Bytes& frame : frames) {
      CHECK(forwarder.kept.empty());
      bench.send(frame);
    }
    REQUIRE(forwarder.kept.size() == 1);
    CHECK(forwarder.kept[0].payload == pattern(5000));
    CHECK(forwarder.kept[0].datagram.source == SocketAddress{ip(web), 7});
    CHECK(forwarder.kept[0].datagram.segment_size == 0);
  }
  bench.expect_drops({});
  bench.expect_nothing();
}

TEST_CASE("the checksum of what was put together is verified, whatever its pieces claim") {
  GatewayBench bench;
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  Bytes frame = udp_frame(between(kWeb4, kForeign4), 7, 8, pattern(3000));
  frame.back() ^= 1;
  Offload valid;
  valid.checksum_valid = true;
  for (const Bytes& piece : cut(frame, 1480))
    bench.send(piece, valid);
  CHECK(forwarder.kept.empty());
  bench.expect_drops({{DropReason::udp_checksum, 1}});
}

TEST_CASE("an atomic fragment is a whole packet") {
  GatewayBench bench;
  Datagrams forwarder;
  bench.gateway.set_udp_forwarder(&forwarder);
  const Bytes frame = udp_frame(between(kWeb6, kForeign6), 7, 8, pattern(100));
  // Another datagram with the same identification is under way; RFC 6946 keeps them apart.
  bench.send(cut(udp_frame(between(kWeb6, kForeign6), 7, 8, pattern(3000)), 1480)[0]);
  bench.send(cut(frame, 2000)[0]);
  REQUIRE(forwarder.kept.size() == 1);
  CHECK(forwarder.kept[0].payload == pattern(100));
  bench.expect_drops({});
}

TEST_CASE("long datagrams leave in fragments that come together again") {
  GatewayBench bench;
  bench.play_web();
  GatewayBench far;  // plays the endpoint's reassembly
  Datagrams service;
  far.gateway.set_udp_forwarder(&service);
  for (const auto& [web, foreign] : kPairs) {
    for (const std::size_t size : {1473, 1481, 4000, 65507}) {
      CAPTURE(web, size);
      service.kept.clear();
      CHECK(bench.gateway.send_udp({ip(foreign), 53}, {ip(web), 4000}, pattern(size), bench.now));
      bench.turn();
      std::size_t count = 0;
      for (; bench.waiting() > 0; ++count) {
        const Received piece = bench.expect("a fragment");
        CHECK(piece.frame->size() <= 14 + 1500);
        CHECK_FALSE(piece.offload.needs_checksum);
        CHECK(piece.packet.source == ip(foreign));
        // Turned around, so that a gateway takes it; the addresses' sum stays the same.
        Bytes frame = to_bytes(piece.frame->bytes());
        const std::size_t at = ip(web).is_v4() ? 26 : 22;
        const std::size_t width = ip(web).is_v4() ? 4 : 16;
        for (std::size_t i = 0; i < width; ++i)
          std::swap(frame[at + i], frame[at + width + i]);
        for (std::size_t i = 0; i < 6; ++i)
          std::swap(frame[i], frame[6 + i]);
        far.send(frame);
      }
      CHECK(count >= 2);
      REQUIRE(service.kept.size() == 1);
      CHECK(service.kept[0].payload == pattern(size));
    }
  }
  far.expect_drops({});
}

TEST_CASE("long echo comes back long") {
  GatewayBench bench;
  bench.play_web();
  for (const Bytes& piece :
       cut(echo_frame(between(kWeb4, kGateway4), true, 1, 2, pattern(3000)), 1480))
    bench.send(piece);
  CHECK(bench.waiting() == 3);
  CHECK(bench.expect("first fragment").packet.ipv4->more_fragments);
}

TEST_CASE("what stays incomplete is counted, and its sender is told", "[drop:fragment_timeout]") {
  GatewayBench bench;
  bench.play_web();
  for (const auto& [web, foreign] : kPairs) {
    const std::vector<Bytes> frames =
        cut(udp_frame(between(web, foreign), 7, 8, pattern(5000)), 1480);
    bench.send(frames[0]);
    bench.send(frames[2]);
    bench.tick(limits::kReassemblyTimeout);
    const Received error = bench.expect("reassembly time exceeded");
    const bool v4 = ip(web).is_v4();
    CHECK((v4 ? error.packet.icmp->code : error.packet.icmpv6->code) == 1);
    CHECK((v4 ? static_cast<int>(error.packet.icmp->type)
              : static_cast<int>(error.packet.icmpv6->type)) == (v4 ? 11 : 3));
    bench.expect_drops({{DropReason::fragment_timeout, 2}});
    // Without the first piece there is nothing to quote.
    bench.send(frames[1]);
    bench.tick(limits::kReassemblyTimeout);
    bench.expect_drops({{DropReason::fragment_timeout, 1}});
    bench.expect_nothing();
  }
}

TEST_CASE("overlaps, duplicates and nonsense are dropped by name",
          "[drop:fragment_malformed][drop:fragment_overlap][drop:fragment_duplicate][drop:fragment_"
          "limit]") {
  GatewayBench bench;
  const Bytes frame = udp_frame(between(kWeb4, kForeign4), 7, 8, pattern(200));
  const std::vector<Bytes> wide = cut(frame, 64);
  const std::vector<Bytes> shifted = cut(frame, 40);
  bench.send(wide[0]);
  bench.send(wide[0]);
  bench.expect_drops({{DropReason::fragment_duplicate, 1}});
  bench.send(shifted[1]);
  bench.expect_drops({{DropReason::fragment_overlap, 2}});
  bench.tick(limits::kReassemblyTimeout);
  // Not a multiple of eight, and more to come.
  Bytes odd = cut(udp_frame(between(kWeb6, kForeign6), 7, 8, pattern(200)), 64)[0];
  odd.pop_back();
  odd[14 + 5] = static_cast<std::uint8_t>(odd[14 + 5] - 1);
  bench.send(odd);
  bench.expect_drops({{DropReason::fragment_malformed, 1}});
  for (std::uint32_t i = 0; i < limits::kReassembliesPerSource + 1; ++i) {
    Bytes piece = cut(udp_frame(between(kWeb6, kForeign6), 7, 8, pattern(200)), 64)[0];
    piece[14 + 40 + 7] = static_cast<std::uint8_t>(i);
    bench.send(piece);
  }
  bench.expect_drops({{DropReason::fragment_limit, 1}});
}

TEST_CASE("a fragment header inside a datagram that was put together is refused") {
  GatewayBench bench;
  const Bytes inner = cut(udp_frame(between(kWeb6, kForeign6), 7, 8, pattern(100)), 2000)[0];
  // The payload of `inner`, from its fragment header on, cut again.
  const Bytes body = to_bytes(ByteView(inner).subspan(54));
  const Bytes nested = ip_frame(between(kWeb6, kForeign6), wire::IpProtocol::fragment, body);
  std::vector<Bytes> frames;
  for (std::size_t offset = 0; offset < body.size(); offset += 64) {
    const std::size_t size = std::min<std::size_t>(64, body.size() - offset);
    wire::Ipv6Fragment piece;
    piece.identification = 5;
    piece.offset = static_cast<std::uint16_t>(offset);
    piece.more = offset + size < body.size();
    piece.next_header = wire::IpProtocol::fragment;
    Bytes header(8);
    wire::emit_fragment_header(header, piece);
    bench.send(ip_frame(between(kWeb6, kForeign6), wire::IpProtocol::fragment,
                        joined(header, ByteView(body).subspan(offset, size))));
  }
  bench.expect_drops({{DropReason::fragment_malformed, 1}});
}

TEST_CASE("neighbour discovery never comes in fragments") {
  GatewayBench bench;
  wire::NeighbourSolicitationRepr question{ip6(kGateway6), {}};
  question.options.source_link = web_mac();
  bench.send(cut(ndp_frame(between(kWeb6, kGateway6), question), 2000)[0]);
  bench.expect_nothing();
  bench.expect_drops({{DropReason::malformed_ndp, 1}});
}
