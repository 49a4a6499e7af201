#include "core/link/impaired_port.h"

#include <catch2/catch.hpp>

#include "tests/unit/link/impaired_bench.h"

namespace pontoon {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr ImpairmentMatch kIn = ImpairedBench::kIn;
constexpr ImpairmentMatch kOut = ImpairedBench::kOut;

std::vector<std::uint32_t> numbers(const Arrivals& arrivals) {
  std::vector<std::uint32_t> out;
  for (const Arrival& arrival : arrivals)
    out.push_back(arrival.number);
  return out;
}

std::vector<std::uint32_t> up_to(std::uint32_t count) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < count; ++i)
    out.push_back(i);
  return out;
}

// Lengths of the runs of numbers that are missing.
std::vector<std::uint32_t> gaps(const Arrivals& arrivals, std::uint32_t count) {
  std::vector<std::uint32_t> out;
  std::uint32_t expected = 0;
  for (const Arrival& arrival : arrivals) {
    if (arrival.number != expected) out.push_back(arrival.number - expected);
    expected = arrival.number + 1;
  }
  if (expected != count) out.push_back(count - expected);
  return out;
}

Arrivals after_sending(const std::string& words, std::uint32_t count, std::uint64_t seed = 1) {
  ImpairedBench bench;
  bench.impair(words, kOut, seed);
  Arrivals out;
  const auto take = [&] {
    const Arrivals more = bench.delivered();
    out.insert(out.end(), more.begin(), more.end());
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    bench.send(numbered(i));
    take();
  }
  bench.run_for(100s);
  take();
  return out;
}

}  // namespace

TEST_CASE("impaired port: without rules every call goes straight through") {
  ImpairedBench bench;
  CHECK_FALSE(bench.port->impaired());
  const SuperFrame super =
      tcp_super_frame(between("172.17.0.2", "172.17.0.3"), wire::TcpRepr{}, pattern(5000), 1400);
  bench.send(super.bytes, super.offload);
  bench.inject(super.bytes, super.offload);
  const auto delivered = bench.take_delivered();
  const auto received = bench.take_received();
  REQUIRE(delivered.size() == 1);
  REQUIRE(received.size() == 1);
  CHECK(delivered[0].frame->offload.gso == Gso::tcp4);
  CHECK(received[0].frame->offload.gso == Gso::tcp4);
  CHECK(bench.timers.size() == 0);
  CHECK(bench.port->features().tso4);
  CHECK(bench.port->counters().sent_frames == 1);
}

TEST_CASE("impaired port: a delay holds each frame so long, in both directions") {
  for (const bool from_endpoint : {true, false}) {
    ImpairedBench bench;
    bench.impair("delay=20ms", from_endpoint ? kIn : kOut);
    CHECK(bench.port->impaired());
    const auto put = [&](std::uint32_t number) {
      from_endpoint ? bench.inject(numbered(number)) : bench.send(numbered(number));
    };
    put(1);
    bench.run_for(5ms);
    put(2);
    bench.run_for(1s);
    const Arrivals expected{{20ms, 1}, {25ms, 2}};
    CHECK((from_endpoint ? bench.received() : bench.delivered()) == expected);
    CHECK(bench.timers.size() == 0);
    CHECK(bench.pool.in_use() == 0);
  }
}

TEST_CASE("impaired port: one direction's rule leaves the other alone") {
  ImpairedBench bench;
  bench.impair("partition", kOut);
  bench.inject(numbered(1));
  bench.send(numbered(2));
  CHECK(bench.received() == Arrivals{{0ms, 1}});
  CHECK(bench.delivered().empty());
}

TEST_CASE("impaired port: a rule about a peer leaves the others alone") {
  ImpairedBench bench;
  bench.impair("delay=10ms", {false, kPeer, 0});
  bench.impair("delay=10ms", {true, kPeer, 0});
  bench.send(numbered(1, 100, kPeer, kNear));
  bench.send(numbered(2, 100, kOther, kNear));
  bench.inject(numbered(3, 100, kNear, kPeer));
  bench.inject(numbered(4, 100, kNear, kOther));
  CHECK(bench.delivered() == Arrivals{{0ms, 2}});
  CHECK(bench.received() == Arrivals{{0ms, 4}});
  bench.run_for(1s);
  CHECK(bench.delivered() == Arrivals{{10ms, 1}});
  CHECK(bench.received() == Arrivals{{10ms, 3}});
}

TEST_CASE("impaired port: what is too short for a MAC meets only rules about everybody") {
  ImpairedBench bench;
  bench.impair("partition", {true, kPeer, 0});
  bench.inject(Bytes(13));
  CHECK(bench.take_received().size() == 1);
  bench.impair("corrupt=100%", kIn, 1, 2);
  bench.inject(Bytes(13));
  bench.inject(Bytes(14));
  CHECK(bench.take_received().size() == 2);
}

TEST_CASE("impaired port: the lowest rank is first, then the order of addition") {
  ImpairedBench bench;
  bench.impair("delay=30ms", {false, std::nullopt, 2}, 1, 1);
  bench.impair("delay=20ms", {false, std::nullopt, 1}, 1, 2);
  bench.impair("delay=10ms", {false, std::nullopt, 1}, 1, 3);
  bench.send(numbered(1));
  bench.run_for(1s);
  CHECK(bench.delivered() == Arrivals{{20ms, 1}});
  CHECK(bench.port->counters_of(2).passed == 1);
  CHECK(bench.port->counters_of(1).passed == 0);
}

TEST_CASE("impaired port: losses are those of the seed, and about as many as was said") {
  const Arrivals first = after_sending("loss=10%", 10'000, 1);
  const Arrivals second = after_sending("loss=10%", 10'000, 1);
  const Arrivals third = after_sending("loss=10%", 10'000, 2);
  CHECK(first == second);
  CHECK(first != third);
  // Three standard deviations of a binomial distribution are 90.
  CHECK(first.size() >= 8'910);
  CHECK(first.size() <= 9'090);
  CHECK(third.size() >= 8'910);
  CHECK(third.size() <= 9'090);
  CHECK(after_sending("loss=0%", 100).size() == 100);
  CHECK(after_sending("loss=100%", 100).empty());
  CHECK(after_sending("loss=100% burst=3", 100).empty());
}

TEST_CASE("impaired port: single losses are independent, bursts have their mean length") {
  const auto mean = [](const std::vector<std::uint32_t>& runs) {
    double sum = 0;
    for (const std::uint32_t run : runs)
      sum += run;
    return sum / static_cast<double>(runs.size());
  };
  const std::uint32_t count = 100'000;
  // Independent: runs have a mean of 1 / (1 - loss).
  CHECK(mean(gaps(after_sending("loss=5%", count), count)) == Approx(1.0526).epsilon(0.03));
  for (const double burst : {2.0, 4.0, 10.0}) {
    const std::string words = "loss=5% burst=" + std::to_string(static_cast<int>(burst));
    const Arrivals arrivals = after_sending(words, count);
    CHECK(mean(gaps(arrivals, count)) == Approx(burst).epsilon(0.1));
    CHECK(static_cast<double>(count - arrivals.size()) == Approx(5'000).epsilon(0.1));
  }
}

TEST_CASE("impaired port: a partition lets nothing pass and counts it", "[drop:impaired]") {
  ImpairedBench bench;
  bench.impair("partition", kOut);
  bench.impair("partition", kIn);
  bench.send(numbered(1));
  bench.inject(numbered(2));
  bench.run_for(10s);
  CHECK(bench.delivered().empty());
  CHECK(bench.received().empty());
  CHECK(bench.lost() == 2);
  CHECK(bench.observed_drops == 2);
  CHECK(bench.port->counters_of(1).lost == 2);
  CHECK(bench.port->counters().drops.total() == 0);
}

TEST_CASE("impaired port: a duplicate follows its frame") {
  CHECK(numbers(after_sending("duplicate=100%", 3)) ==
        std::vector<std::uint32_t>{0, 0, 1, 1, 2, 2});
  CHECK(after_sending("duplicate=10%", 1000).size() > 1050);
  CHECK(after_sending("duplicate=10%", 1000).size() < 1150);
}

TEST_CASE("impaired port: a jitter spreads delays evenly but keeps the order") {
  ImpairedBench bench;
  bench.impair("delay=20ms±10");
  Duration least = 1s;
  Duration most{};
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const Instant sent = bench.now;
    bench.send(numbered(i));
    bench.run_for(100ms);
    const auto seen = bench.take_delivered();
    REQUIRE(seen.size() == 1);
    least = std::min(least, seen[0].at - sent);
    most = std::max(most, seen[0].at - sent);
  }
  CHECK(least >= 10ms);
  CHECK(least < 10'200us);
  CHECK(most <= 30ms);
  CHECK(most > 29'800us);
  CHECK(numbers(after_sending("delay=20ms±20", 500)) == up_to(500));
}

TEST_CASE("impaired port: a reordered frame skips the delay") {
  ImpairedBench bench;
  bench.impair("delay=10ms reorder=20%");
  for (std::uint32_t i = 0; i < 200; ++i)
    bench.send(numbered(i));
  bench.run_for(0ms);
  const Arrivals early = bench.delivered();
  bench.run_for(1s);
  const Arrivals late = bench.delivered();
  CHECK(early.size() == bench.port->counters_of(1).reordered);
  CHECK(early.size() > 20);
  CHECK(early.size() < 60);
  CHECK(early.size() + late.size() == 200);
  CHECK(std::all_of(early.begin(), early.end(), [](const Arrival& a) { return a.at == 0ms; }));
  CHECK(std::all_of(late.begin(), late.end(), [](const Arrival& a) { return a.at == 10ms; }));
}

TEST_CASE("impaired port: without a delay a reordered frame is held for a millisecond") {
  ImpairedBench bench;
  bench.impair("reorder=100%");
  bench.send(numbered(1));
  bench.port->remove_rule(99, bench.now);
  bench.run_for(1s);
  CHECK(bench.delivered() == Arrivals{{1ms, 1}});
  const Arrivals some = after_sending("reorder=10%", 100);
  CHECK(some.size() == 100);
  CHECK(numbers(some) != up_to(100));
}

TEST_CASE("impaired port: a rule ends by itself, and what it held leaves at once in order") {
  ImpairedBench bench;
  bench.impair("delay=10s for=2s");
  bench.send(numbered(1));
  bench.run_for(1s);
  bench.send(numbered(2));
  bench.run_for(999ms);
  CHECK(bench.delivered().empty());
  CHECK(bench.port->impaired());
  bench.run_for(1ms);
  CHECK_FALSE(bench.port->impaired());
  CHECK(bench.delivered() == Arrivals{{2s, 1}, {2s, 2}});
  bench.send(numbered(3));
  CHECK(bench.delivered() == Arrivals{{2s, 3}});
  CHECK(bench.timers.size() == 0);
}

TEST_CASE("impaired port: a partition heals after its time without any traffic before") {
  ImpairedBench bench;
  bench.impair("partition for=2s");
  bench.run_for(3s);
  CHECK_FALSE(bench.port->impaired());
  bench.send(numbered(1));
  CHECK(bench.delivered() == Arrivals{{3s, 1}});
}

TEST_CASE("impaired port: a rule that is removed lets go what it held, and nothing else") {
  ImpairedBench bench;
  bench.impair("delay=10ms~9", {false, kPeer, 0}, 1, 1);
  bench.impair("delay=10ms", {false, kOther, 0}, 1, 2);
  for (std::uint32_t i = 0; i < 5; ++i)
    bench.send(numbered(i, 100, kPeer));
  bench.send(numbered(9, 100, kOther));
  bench.port->remove_rule(1, bench.now);
  // The next one must not overtake what was let go.
  bench.send(numbered(5, 100, kPeer));
  CHECK(numbers(bench.delivered()) == up_to(6));
  bench.run_for(1s);
  CHECK(bench.delivered() == Arrivals{{10ms, 9}});
  bench.port->remove_rule(2, bench.now);
  CHECK_FALSE(bench.port->impaired());
}

TEST_CASE("impaired port: a removed rule wakes the port for what it held inbound") {
  ImpairedBench bench;
  bench.impair("delay=10s", kIn);
  for (std::uint32_t i = 0; i < 20; ++i)
    bench.inject(numbered(i));
  bench.port->remove_rule(1, bench.now);
  bench.inject(numbered(20));
  CHECK(numbers(bench.received()) == up_to(21));
}

TEST_CASE("impaired port: frames that are held when the port goes return to the pool") {
  FramePool pool;
  TimerQueue timers;
  {
    ImpairedPort port(std::make_unique<MemoryPort>(pool), pool, timers);
    port.add_rule(1, kOut, *parse_impairment({"delay=10s"}), 1, Instant{});
    port.send(to_frame(pool, numbered(1)), Instant{});
    port.flush(Instant{});
    CHECK(pool.in_use() == 1);
    CHECK(timers.size() == 1);
  }
  CHECK(pool.in_use() == 0);
  CHECK(timers.size() == 0);
}

}  // namespace pontoon
