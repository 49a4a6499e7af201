// What a rule does to single frames: cutting, corruption, rates and bounds.
#include "core/link/impaired_wire.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "tests/unit/link/impaired_bench.h"

namespace pontoon {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr ImpairmentMatch kIn = ImpairedBench::kIn;
constexpr ImpairmentMatch kOut = ImpairedBench::kOut;

const PacketEnds& ends() {
  static const PacketEnds value = between("172.17.0.2", "172.17.0.3");
  return value;
}

int differing_bits(ByteView left, ByteView right) {
  REQUIRE(left.size() == right.size());
  int bits = 0;
  for (std::size_t i = 0; i < left.size(); ++i)
    bits += __builtin_popcount(static_cast<unsigned>(left[i] ^ right[i]));
  return bits;
}

}  // namespace

TEST_CASE("wire: a super-frame is cut, so that a loss is one packet's") {
  ImpairedBench bench;
  bench.impair("loss=20%", kIn);
  const SuperFrame super = tcp_super_frame(ends(), wire::TcpRepr{}, pattern(50'000), 1000);
  bench.inject(super.bytes, super.offload);
  const auto seen = bench.take_received();
  CHECK(seen.size() + bench.lost() == 50);
  CHECK(bench.lost() > 0);
  CHECK(seen.size() > 30);
  for (const auto& one : seen) {
    CHECK(one.frame->offload.gso == Gso::none);
    const Dissected got = dissect(one.frame->bytes());
    CHECK(got.problem.empty());
    CHECK(got.payload.size() == 1000);
  }
}

TEST_CASE("wire: offload metadata that lies is counted for what it is") {
  ImpairedBench bench;
  bench.impair("delay=1ms", kIn);
  bench.inject(numbered(1), Offload{.gso = Gso::tcp4, .header_length = 54, .segment_size = 1000});
  bench.run_for(1s);
  CHECK(bench.received().empty());
  CHECK(bench.port->drops()[DropReason::malformed_offload] == 1);
  CHECK(bench.lost() == 0);
}

TEST_CASE("wire: a plain frame keeps its partial checksum, and any size") {
  ImpairedBench bench;
  bench.impair("delay=1ms", kIn);
  const Bytes frame = udp_frame(ends(), 1, 2, pattern(9000));
  bench.inject(frame, partial_checksum(frame));
  bench.run_for(1ms);
  const auto seen = bench.take_received();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].frame->offload.needs_checksum);
  CHECK(seen[0].frame->size() == frame.size());
}

TEST_CASE("wire: corruption flips one bit behind the Ethernet header") {
  ImpairedBench bench;
  bench.impair("corrupt=100%", kIn);
  const Bytes frame = udp_frame(ends(), 1, 2, pattern(60));
  std::vector<bool> hit(frame.size());
  for (int i = 0; i < 2000; ++i) {
    bench.inject(frame, Offload{.checksum_valid = true});
    const auto seen = bench.take_received();
    REQUIRE(seen.size() == 1);
    const ByteView got = seen[0].frame->bytes();
    CHECK_FALSE(seen[0].frame->offload.checksum_valid);
    CHECK(differing_bits(got.first(14), ByteView(frame).first(14)) == 0);
    REQUIRE(differing_bits(got, frame) == 1);
    for (std::size_t at = 0; at < frame.size(); ++at)
      if (got[at] != frame[at]) hit[at] = true;
  }
  CHECK(std::count(hit.begin(), hit.end(), true) == static_cast<long>(frame.size() - 14));
  CHECK(bench.port->counters_of(1).corrupted == 2000);
}

TEST_CASE("wire: a checksum is finished before the corruption, so that the receiver notices") {
  ImpairedBench bench;
  bench.impair("corrupt=100%", kIn);
  const Bytes whole = tcp_frame(ends(), wire::TcpRepr{}, pattern(500));
  const Offload partial = partial_checksum(whole);
  bench.inject(whole, partial);
  const auto seen = bench.take_received();
  REQUIRE(seen.size() == 1);
  CHECK_FALSE(seen[0].frame->offload.needs_checksum);
  CHECK_FALSE(dissect(seen[0].frame->bytes()).problem.empty());
}

TEST_CASE("wire: corruption leaves a frame that somebody else holds as it is") {
  ImpairedBench bench;
  bench.impair("corrupt=100%", kOut);
  const Bytes bytes = numbered(1);
  FrameRef frame = to_frame(bench.pool, bytes);
  bench.port->send(frame.share(), bench.now);
  bench.serve();
  CHECK(to_bytes(frame->bytes()) == bytes);
  CHECK(differing_bits(bench.take_delivered().at(0).frame->bytes(), bytes) == 1);
}

TEST_CASE("wire: the frames of an uninterrupted row leave at the exact quotient") {
  // 1514 bytes at 7 Mbit/s take 1,730,285.714... ns.
  ImpairedBench bench;
  bench.impair("rate=7mbit queue=4096");
  for (std::uint32_t i = 0; i < 1000; ++i)
    bench.send(numbered(i, 1514));
  bench.run_for(10s);
  const Arrivals arrivals = bench.delivered();
  REQUIRE(arrivals.size() == 1000);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::uint64_t bits = std::uint64_t{1514} * 8 * (i + 1);
    const auto exact = static_cast<Duration::rep>(bits * 1'000'000'000 / 7'000'000);
    REQUIRE(arrivals[i] == Arrival{Duration(exact), i});
  }
}

TEST_CASE("wire: an idle link takes a frame at once, and its time is counted from there") {
  ImpairedBench bench;
  bench.impair("rate=8mbit");  // a microsecond per byte
  bench.send(numbered(1, 1000));
  bench.run_for(5ms);
  bench.send(numbered(2, 500));
  bench.send(numbered(3, 500));
  bench.run_for(1s);
  CHECK(bench.delivered() == Arrivals{{1ms, 1}, {5'500us, 2}, {6ms, 3}});
}

TEST_CASE("wire: no more frames wait for the rate than its queue holds") {
  ImpairedBench bench;
  bench.impair("rate=8mbit queue=3");
  for (std::uint32_t i = 0; i < 10; ++i)
    bench.send(numbered(i, 1000));
  CHECK(bench.lost() == 6);  // one is leaving, three wait
  bench.run_for(1ms);        // the second begins to leave
  bench.send(numbered(10, 1000));
  bench.send(numbered(11, 1000));
  bench.run_for(1s);
  CHECK(bench.delivered() == Arrivals{{1ms, 0}, {2ms, 1}, {3ms, 2}, {4ms, 3}, {5ms, 10}});
  CHECK(bench.port->counters_of(1).lost == 7);
}

TEST_CASE("wire: the delay comes behind the rate") {
  ImpairedBench bench;
  bench.impair("rate=8mbit delay=100ms");
  bench.send(numbered(1, 1000));
  bench.send(numbered(2, 1000));
  bench.run_for(1s);
  CHECK(bench.delivered() == Arrivals{{101ms, 1}, {102ms, 2}});
}

TEST_CASE("wire: kImpairedFrames bounds what is held, per direction", "[limit:kImpairedFrames]") {
  ImpairedBench bench(4 * limits::kImpairedFrames);
  bench.impair("delay=10s", kOut);
  bench.impair("delay=10s", kIn);
  for (std::uint32_t i = 0; i < limits::kImpairedFrames + 5; ++i)
    bench.send(numbered(i));
  CHECK(bench.lost() == 5);
  bench.inject(numbered(1));
  CHECK(bench.lost() == 5);
  bench.run_for(10s);
  CHECK(bench.delivered().size() == limits::kImpairedFrames);
  CHECK(bench.received().size() == 1);
}

TEST_CASE("wire: held frames leave a quarter of the pool to others") {
  ImpairedBench bench(400);
  bench.impair("delay=10s");
  for (std::uint32_t i = 0; i < 1000; ++i)
    bench.send(numbered(i));
  CHECK(bench.pool.in_use() <= 300);
  CHECK(bench.pool.in_use() > 290);
  CHECK(bench.lost() == 1000 - bench.pool.in_use());
  bench.run_for(10s);
  CHECK(bench.pool.in_use() + bench.delivered().size() + bench.lost() >= 1000);
}

TEST_CASE("wire: what one impairment draws does not depend on another") {
  const auto survivors = [](const std::string& words) {
    ImpairedBench bench;
    bench.impair(words);
    for (std::uint32_t i = 0; i < 300; ++i)
      bench.send(numbered(i));
    bench.run_for(10s);
    std::vector<std::uint32_t> out;
    for (const auto& one : bench.take_delivered())
      out.push_back(number_of(*one.frame));
    return out;
  };
  CHECK(survivors("loss=10%") == survivors("loss=10% delay=5ms±5"));
}

TEST_CASE("wire: every frame is passed on, lost or held, and order is kept without reordering") {
  REQUIRE(rc::check([] {
    ImpairedBench bench(256);
    std::string words = "loss=" + std::to_string(*rc::gen::inRange(0, 50)) + "%";
    words += " duplicate=" + std::to_string(*rc::gen::inRange(0, 50)) + "%";
    words += " delay=" + std::to_string(*rc::gen::inRange(10, 20)) + "ms±10";
    const bool reorders = *rc::gen::arbitrary<bool>();
    if (reorders) words += " reorder=10%";
    if (*rc::gen::arbitrary<bool>()) words += " rate=1mbit queue=5";
    bench.impair(words, kOut, *rc::gen::arbitrary<std::uint32_t>());
    const auto count = *rc::gen::inRange<std::uint32_t>(0, 300);
    for (std::uint32_t i = 0; i < count; ++i) {
      bench.send(numbered(i, *rc::gen::inRange<std::size_t>(60, 1514)));
      bench.run_for(Duration(*rc::gen::inRange<std::int64_t>(0, 3'000'000)));
      const ImpairmentCounters counters = bench.port->counters_of(1);
      RC_ASSERT(counters.passed + counters.lost == bench.came + counters.duplicated);
    }
    if (*rc::gen::arbitrary<bool>()) bench.port->remove_rule(1, bench.now);
    bench.serve();
    bench.run_for(10s);
    const auto arrivals = bench.delivered();
    RC_ASSERT(bench.lost() == bench.observed_drops);
    RC_ASSERT(bench.pool.in_use() == 0U);
    const ImpairmentCounters counters = bench.port->counters_of(1);
    if (bench.port->impaired())
      RC_ASSERT(arrivals.size() == bench.came + counters.duplicated - counters.lost);
    for (std::size_t i = 1; i < arrivals.size(); ++i) {
      RC_ASSERT(arrivals[i - 1].at <= arrivals[i].at);
      if (!reorders) RC_ASSERT(arrivals[i - 1].number <= arrivals[i].number);
    }
  }));
}

}  // namespace pontoon
