#include "core/stack/neighbours.h"

#include <catch2/catch.hpp>

#include <set>

#include "tests/support/packets.h"

using namespace pontoon;
using namespace pontoon::stack;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

const MacAddress kOne = mac("02:00:00:00:00:01");
const MacAddress kTwo = mac("02:00:00:00:00:02");

struct World final : NeighbourOutput {
  struct Question {
    IpAddress address;
    std::optional<MacAddress> known;
  };
  struct Sent {
    MacAddress mac;
    std::size_t packet;
  };

  void ask_neighbour(const IpAddress& address, const std::optional<MacAddress>& known,
                     Instant) noexcept override {
    questions.push_back({address, known});
  }
  void send_to_link(const MacAddress& mac, FrameRef packet, Instant) noexcept override {
    sent.push_back({mac, packet->size()});
  }
  void on_unresolved(FrameRef packet, Instant) noexcept override {
    unresolved.push_back(packet->size());
  }

  // Packets are told apart by their size.
  bool send(const char* address, std::size_t packet) {
    FrameRef frame = pool.allocate(256);
    frame->append(packet);
    return cache.send(ip(address), std::move(frame), now);
  }
  void tick(Duration duration) {
    now += duration;
    while (timers.run_due(now, 100) > 0) {
    }
  }
  std::optional<NeighbourState> state(const char* address) { return cache.state(ip(address), now); }

  FramePool pool;
  TimerQueue timers;
  DropCounters drops;
  Instant now{1h};
  std::vector<Question> questions;
  std::vector<Sent> sent;
  std::vector<std::size_t> unresolved;
  NeighbourCache cache{timers, *this, drops};
};

}  // namespace

TEST_CASE("the first packet asks, and leaves with the answer, in order") {
  World world;
  world.send("172.17.0.2", 1);
  world.send("172.17.0.2", 2);
  REQUIRE(world.questions.size() == 1);
  CHECK_FALSE(world.questions[0].known);
  CHECK(world.sent.empty());
  CHECK(world.state("172.17.0.2") == NeighbourState::incomplete);
  world.cache.on_answer(ip("172.17.0.2"), {kOne, true, true}, world.now);
  REQUIRE(world.sent.size() == 2);
  CHECK(world.sent[0].mac == kOne);
  CHECK(world.sent[0].packet == 1);
  CHECK(world.sent[1].packet == 2);
  CHECK(world.state("172.17.0.2") == NeighbourState::reachable);
  CHECK(world.timers.size() == 0);
  CHECK(world.drops.total() == 0);
}

TEST_CASE("silence: three questions a second apart, then the packets are lost and reported",
          "[limit:kNeighbourProbes]") {
  World world;
  world.send("172.17.0.2", 1);
  world.send("172.17.0.2", 2);
  world.tick(999ms);
  CHECK(world.questions.size() == 1);
  world.tick(1ms);
  CHECK(world.questions.size() == 2);
  world.tick(1s);
  CHECK(world.questions.size() == limits::kNeighbourProbes);
  CHECK(world.unresolved.empty());
  world.tick(1s);
  CHECK(world.unresolved == std::vector<std::size_t>{1, 2});
  CHECK(world.drops[DropReason::neighbour_unresolved] == 2);
  CHECK(world.cache.size() == 0);
  CHECK(world.pool.in_use() == 0);
  world.tick(1min);
  CHECK(world.questions.size() == limits::kNeighbourProbes);
}

TEST_CASE("a full queue gives up its oldest packet", "[limit:kNeighbourQueue]") {
  World world;
  for (std::size_t i = 1; i <= limits::kNeighbourQueue + 3; ++i)
    world.send("172.17.0.2", i);
  CHECK(world.drops[DropReason::neighbour_queue_full] == 3);
  world.cache.on_answer(ip("172.17.0.2"), {kOne, true, true}, world.now);
  REQUIRE(world.sent.size() == limits::kNeighbourQueue);
  CHECK(world.sent.front().packet == 4);
  CHECK(world.sent.back().packet == limits::kNeighbourQueue + 3);
}

TEST_CASE("after the reachable time a packet still leaves at once, with a probe beside it",
          "[limit:kNeighbourReachable][limit:kNeighbourRetry]") {
  World world;
  world.cache.learn(ip("fd00:17::2"), kOne, world.now);
  world.tick(limits::kNeighbourReachable - 1ns);
  world.send("fd00:17::2", 1);
  CHECK(world.questions.empty());
  world.tick(1ns);
  CHECK(world.state("fd00:17::2") == NeighbourState::stale);
  world.send("fd00:17::2", 2);
  world.send("fd00:17::2", 3);
  REQUIRE(world.questions.size() == 1);
  CHECK(world.questions[0].known == kOne);
  CHECK(world.sent.size() == 3);
  CHECK(world.state("fd00:17::2") == NeighbourState::probe);

  SECTION("answered, it is reachable again") {
    world.cache.on_answer(ip("fd00:17::2"), {std::nullopt, true, false}, world.now);
    CHECK(world.state("fd00:17::2") == NeighbourState::reachable);
    CHECK(world.timers.size() == 0);
  }
  SECTION("unanswered, it is forgotten, and the next packet starts anew") {
    for (unsigned i = 0; i < limits::kNeighbourProbes; ++i)
      world.tick(limits::kNeighbourRetry);
    CHECK(world.questions.size() == limits::kNeighbourProbes);
    CHECK_FALSE(world.state("fd00:17::2"));
    CHECK(world.drops.total() == 0);
    world.send("fd00:17::2", 4);
    CHECK_FALSE(world.questions.back().known);
  }
}

TEST_CASE("who asks for us is known from then on, but not taken for reachable") {
  World world;
  world.cache.on_question(ip("172.17.0.2"), kOne, world.now);
  CHECK(world.state("172.17.0.2") == NeighbourState::stale);
  CHECK(world.cache.find(ip("172.17.0.2")) == kOne);
  world.cache.learn(ip("172.17.0.2"), kOne, world.now);
  world.cache.on_question(ip("172.17.0.2"), kOne, world.now);
  CHECK(world.state("172.17.0.2") == NeighbourState::reachable);
  world.cache.on_question(ip("172.17.0.2"), kTwo, world.now);
  CHECK(world.state("172.17.0.2") == NeighbourState::stale);
  CHECK(world.cache.find(ip("172.17.0.2")) == kTwo);
}

TEST_CASE("a question from whom we are asking for sets its packets free") {
  World world;
  world.send("172.17.0.2", 1);
  world.cache.on_question(ip("172.17.0.2"), kOne, world.now);
  CHECK(world.sent.size() == 1);
  CHECK(world.timers.size() == 0);
}

TEST_CASE("announcements and answers that nobody asked for create nothing") {
  World world;
  world.cache.on_announcement(ip("172.17.0.2"), kOne, world.now);
  world.cache.on_answer(ip("172.17.0.2"), {kOne, true, true}, world.now);
  world.cache.on_answer(ip("fd00:17::2"), {kOne, false, true}, world.now);
  CHECK(world.cache.size() == 0);
  world.cache.learn(ip("172.17.0.2"), kOne, world.now);
  world.cache.on_announcement(ip("172.17.0.2"), kTwo, world.now);
  CHECK(world.cache.find(ip("172.17.0.2")) == kTwo);
  CHECK(world.state("172.17.0.2") == NeighbourState::stale);
}

TEST_CASE("advertisements obey the table of RFC 4861 7.2.5") {
  World world;
  const IpAddress six = ip("fd00:17::2");
  SECTION("incomplete and no address: nothing") {
    world.send("fd00:17::2", 1);
    world.cache.on_answer(six, {std::nullopt, true, true}, world.now);
    CHECK(world.state("fd00:17::2") == NeighbourState::incomplete);
  }
  SECTION("incomplete and unsolicited: stale, and the packets leave") {
    world.send("fd00:17::2", 1);
    world.cache.on_answer(six, {kOne, false, false}, world.now);
    CHECK(world.state("fd00:17::2") == NeighbourState::stale);
    CHECK(world.sent.size() == 1);
  }
  world.cache.learn(six, kOne, world.now);
  SECTION("another address without override: stale, the address stays") {
    world.cache.on_answer(six, {kTwo, true, false}, world.now);
    CHECK(world.state("fd00:17::2") == NeighbourState::stale);
    CHECK(world.cache.find(six) == kOne);
  }
  SECTION("another address with override, solicited: taken, reachable") {
    world.cache.on_answer(six, {kTwo, true, true}, world.now);
    CHECK(world.state("fd00:17::2") == NeighbourState::reachable);
    CHECK(world.cache.find(six) == kTwo);
  }
  SECTION("another address with override, unsolicited: taken, stale") {
    world.cache.on_answer(six, {kTwo, false, true}, world.now);
    CHECK(world.state("fd00:17::2") == NeighbourState::stale);
    CHECK(world.cache.find(six) == kTwo);
  }
  SECTION("the same address, unsolicited: nothing changes") {
    world.cache.on_answer(six, {kOne, false, true}, world.now);
    CHECK(world.state("fd00:17::2") == NeighbourState::reachable);
  }
}

TEST_CASE("a full table gives up who was not used for longest", "[limit:kNeighbours]") {
  World world;
  world.cache.learn(ip("172.17.200.1"), kOne, world.now);
  world.cache.learn(ip("172.17.200.2"), kOne, world.now);
  for (std::size_t i = 2; i < limits::kNeighbours; ++i) {
    world.now += 1ms;
    const auto value = static_cast<std::uint32_t>(0xac110100 + i);
    world.cache.on_question(Ipv4Address{value}, kTwo, world.now);
  }
  CHECK(world.cache.size() == limits::kNeighbours);
  world.send("172.17.200.1", 1);
  world.send("172.17.201.1", 2);
  CHECK(world.cache.size() == limits::kNeighbours);
  CHECK(world.cache.find(ip("172.17.200.1")) == kOne);
  CHECK_FALSE(world.cache.find(ip("172.17.200.2")));
}

TEST_CASE("an evicted or forgotten neighbour's packets are counted") {
  World world;
  world.send("172.17.0.2", 1);
  for (std::size_t i = 0; i < limits::kNeighbours; ++i) {
    world.now += 1us;
    world.cache.learn(Ipv4Address{static_cast<std::uint32_t>(0xac110100 + i)}, kOne, world.now);
  }
  CHECK(world.drops[DropReason::neighbour_queue_full] == 1);
  world.send("172.17.0.3", 2);
  world.cache.forget(ip("172.17.0.3"));
  world.cache.forget(ip("172.17.0.4"));
  CHECK(world.drops[DropReason::neighbour_unresolved] == 1);
  CHECK(world.pool.in_use() == 0);
  CHECK(world.timers.size() == 0);
}
