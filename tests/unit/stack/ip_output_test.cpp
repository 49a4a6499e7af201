#include "core/stack/ip_output.h"

#include <catch2/catch.hpp>

#include "core/frame/offload.h"
#include "core/stack/icmp_output.h"
#include "tests/support/packets.h"

using namespace pontoon;
using namespace pontoon::stack;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

struct World final : UnresolvedSink {
  void on_unresolved_packet(ByteView packet, Instant) noexcept override {
    unresolved.push_back(to_bytes(packet));
  }

  // A segment as the engine makes it: header and payload, the checksum not filled in.
  FrameRef segment(std::size_t payload) {
    wire::TcpRepr repr;
    repr.source_port = 80;
    repr.destination_port = 4000;
    repr.flags.ack = true;
    FrameRef frame = pool.allocate(repr.header_size() + payload);
    const MutableBytes header = frame->append(repr.header_size());
    repr.emit(header, {}, ip("1.1.1.1"), ip("2.2.2.2"));
    store_be(header.data() + 16, std::uint16_t{0});
    const Bytes content = pattern(payload);
    std::copy(content.begin(), content.end(), frame->append(payload).begin());
    return frame;
  }
  bool send(const std::string& target, std::size_t payload, std::uint16_t segment_size = 0) {
    const bool v4 = ip(target).is_v4();
    const Route route{ip(v4 ? "198.51.100.7" : "2001:db8::7"), ip(target), std::nullopt};
    return output.send_tcp(route, segment(payload), segment_size, now);
  }
  Dissected finished(Frame& frame) {
    REQUIRE(finish_checksum(frame));
    return dissect(frame.bytes());
  }

  FramePool pool;
  TimerQueue timers;
  SeededRandom random{3, "output"};
  DropCounters drops;
  Instant now{1h};
  std::vector<Bytes> unresolved;
  Addresses addresses{mac("02:00:00:00:00:02"), IpPrefix::parse("172.17.0.1/16").value(),
                      IpPrefix::parse("fd00:17::1/64")};
  IpOutput output{addresses, 1500, StackContext{pool, timers, random}, drops, *this};
};

struct Collect final : FrameSink {
  bool accept(FrameRef frame) noexcept override {
    frames.push_back(std::move(frame));
    return true;
  }
  std::vector<FrameRef> frames;
};

}  // namespace

TEST_CASE("segments leave with headers in front and their checksum for the port to finish") {
  for (const char* target : {"172.17.0.2", "fd00:17::2"}) {
    World world;
    world.output.neighbours().learn(ip(target), mac("02:00:00:00:00:01"), world.now);
    CHECK(world.send(target, 100));
    FrameRef frame = world.output.queue().pop();
    CHECK(frame->offload.gso == Gso::none);
    CHECK(frame->offload.needs_checksum);
    const Dissected packet = world.finished(*frame);
    CHECK(packet.problem.empty());
    REQUIRE(packet.tcp);
    CHECK(packet.tcp->source_port == 80);
    CHECK(packet.payload == pattern(100));
    if (packet.ipv4) CHECK((packet.ipv4->dont_fragment && packet.ipv4->identification == 0));
  }
}

TEST_CASE("a super-segment leaves whole, and software can cut it") {
  for (const char* target : {"172.17.0.2", "fd00:17::2"}) {
    World world;
    world.output.neighbours().learn(ip(target), mac("02:00:00:00:00:01"), world.now);
    CHECK(world.send(target, 60000, 1400));
    FrameRef frame = world.output.queue().pop();
    const bool v4 = ip(target).is_v4();
    CHECK(frame->offload.gso == (v4 ? Gso::tcp4 : Gso::tcp6));
    CHECK(frame->offload.segment_size == 1400);
    CHECK(frame->offload.header_length == 14 + (v4 ? 20 : 40) + 20);
    Collect pieces;
    CHECK(segment(*frame, world.pool, pieces) == SegmentResult::ok);
    REQUIRE(pieces.frames.size() == 43);
    Bytes content;
    for (const FrameRef& piece : pieces.frames) {
      const Dissected packet = dissect(piece->bytes());
      CHECK(packet.problem.empty());
      content = joined(content, packet.payload);
    }
    CHECK(content == pattern(60000));
  }
}

TEST_CASE("what fits into one segment is no super-segment") {
  World world;
  world.output.neighbours().learn(ip("172.17.0.2"), mac("02:00:00:00:00:01"), world.now);
  CHECK(world.send("172.17.0.2", 1400, 1400));
  CHECK(world.output.queue().pop()->offload.gso == Gso::none);
}

TEST_CASE("segments that are too long are dropped, not fragmented") {
  World world;
  world.output.neighbours().learn(ip("172.17.0.2"), mac("02:00:00:00:00:01"), world.now);
  CHECK_FALSE(world.send("172.17.0.2", 1461));
  CHECK_FALSE(world.send("172.17.0.2", 65500, 1400));
  CHECK(world.drops[DropReason::too_big] == 2);
  CHECK(world.output.queue().empty());
  CHECK(world.pool.in_use() == 0);
}

TEST_CASE("segments for a silent neighbour come back whole") {
  World world;
  CHECK(world.send("172.17.0.2", 10));
  world.output.queue().pop();  // the ARP request
  for (int i = 0; i < 3; ++i) {
    world.now += 1s;
    world.timers.run_due(world.now, 10);
  }
  REQUIRE(world.unresolved.size() == 1);
  CHECK(world.unresolved[0][0] == 0x45);
  CHECK(world.drops[DropReason::neighbour_unresolved] == 1);
}

TEST_CASE("no error is sent about a packet that may not be answered, and no token is spent") {
  World world;
  world.output.neighbours().learn(ip("172.17.0.2"), mac("02:00:00:00:00:01"), world.now);
  IcmpOutput icmp(world.addresses, world.output, world.drops);
  const Bytes packet = to_bytes(
      ByteView(udp_frame(between("172.17.0.2", "198.51.100.7"), 1, 2, pattern(8))).subspan(14));
  Offender about{ip("172.17.0.2"), ip("198.51.100.7"),          false, wire::IpProtocol::udp,
                 packet,           ByteView(packet).subspan(20)};
  for (unsigned i = 0; i < 2 * limits::kIcmpErrorBurst; ++i)
    icmp.complain(about, icmp_message(IpFamily::v4, Unreachable::port), world.now);
  CHECK(world.output.queue().empty());
  about.may_be_answered = true;
  icmp.complain(about, icmp_message(IpFamily::v4, Unreachable::port), world.now);
  CHECK(world.output.queue().size() == 1);
  CHECK(world.drops.total() == 0);
}

TEST_CASE("what one endpoint provokes leaves the others' ICMP errors alone",
          "[limit:kIcmpErrorBurst][limit:kIcmpErrorBuckets][limit:kIcmpErrorsPerSecond]") {
  World world;
  const auto complain = [&](IcmpOutput& icmp, const std::string& source) {
    const Bytes packet = to_bytes(
        ByteView(udp_frame(between(source, "198.51.100.7"), 1, 2, pattern(8))).subspan(14));
    icmp.complain({ip(source), ip("198.51.100.7"), true, wire::IpProtocol::udp, packet,
                   ByteView(packet).subspan(20)},
                  icmp_message(IpFamily::v4, Unreachable::port), world.now);
  };
  for (const char* address : {"172.17.0.2", "172.17.0.3", "172.17.1.2"})
    world.output.neighbours().learn(ip(address), mac("02:00:00:00:00:01"), world.now);
  IcmpOutput icmp(world.addresses, world.output, world.drops);
  for (unsigned i = 0; i < 2 * limits::kIcmpErrorBurst; ++i)
    complain(icmp, "172.17.0.2");
  CHECK(world.output.queue().size() == limits::kIcmpErrorBurst);
  CHECK(world.drops[DropReason::icmp_limit] == limits::kIcmpErrorBurst);
  complain(icmp, "172.17.0.3");
  CHECK(world.output.queue().size() == limits::kIcmpErrorBurst + 1);
  // Beyond kIcmpErrorBuckets they share.
  complain(icmp, "172.17.1.2");
  CHECK(world.output.queue().size() == limits::kIcmpErrorBurst + 1);
  // Time brings some back.
  world.now += Duration(std::chrono::seconds(10)) / limits::kIcmpErrorsPerSecond;
  for (unsigned i = 0; i < limits::kIcmpErrorBurst; ++i)
    complain(icmp, "172.17.0.2");
  CHECK(world.output.queue().size() == limits::kIcmpErrorBurst + 1 + 10);
}
