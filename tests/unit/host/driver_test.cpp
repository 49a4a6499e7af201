// Asio's wake-ups become turns. A real io_context, run until the condition holds.
#include <sys/eventfd.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <boost/asio/post.hpp>
#include <functional>

#include "core/host/driver.h"
#include "core/host/system.h"

using namespace pontoon;

namespace {

struct Turns final : host::Turnable {
  bool turn(Instant now) noexcept override {
    ++count;
    if (due <= now) {
      ++timer_fired;
      due = next_due;
      next_due = kNever;
    }
    if (more > 0) --more;
    return more > 0;
  }
  Instant next_deadline() const noexcept override { return due; }

  int count = 0;
  int timer_fired = 0;
  int more = 0;
  Instant due = kNever;
  Instant next_due = kNever;
};

struct Event final : host::Pollable {
  Event() : fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  void on_events(std::uint32_t) noexcept override { ++calls; }
  void signal() const {
    const std::uint64_t one = 1;
    REQUIRE(write(fd.get(), &one, sizeof one) == sizeof one);
  }
  UniqueFd fd;
  int calls = 0;
};

struct World {
  World() : driver(std::in_place, io, poller, turns, clock) {}

  // Runs handlers until the condition holds; false when it does not within ten seconds.
  bool until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      io.restart();
      io.run_one_for(std::chrono::milliseconds(100));
    }
    return true;
  }
  void run_what_is_ready() {
    io.restart();
    io.poll();
  }

  boost::asio::io_context io{1};
  host::Poller poller;
  Turns turns;
  host::SystemClock clock;
  std::optional<host::Driver> driver;
};

}  // namespace

TEST_CASE("nothing happens, nothing turns") {
  World world;
  world.run_what_is_ready();
  CHECK(world.turns.count == 0);
}

TEST_CASE("readiness makes a turn, each time") {
  World world;
  Event event;
  REQUIRE(world.poller.add(event.fd.get(), EPOLLIN, event));
  for (int round = 1; round <= 3; ++round) {
    event.signal();
    REQUIRE(world.until([&] { return world.turns.count == round; }));
    CHECK(event.calls == round);
  }
  world.run_what_is_ready();
  CHECK(world.turns.count == 3);
}

TEST_CASE("what was ready before the driver came is not lost") {
  boost::asio::io_context io{1};
  host::Poller poller;
  Event event;
  REQUIRE(poller.add(event.fd.get(), EPOLLIN, event));
  event.signal();
  Turns turns;
  const host::SystemClock clock;
  const host::Driver driver(io, poller, turns, clock);
  io.run_one_for(std::chrono::seconds(10));
  CHECK(turns.count == 1);
  CHECK(event.calls == 1);
}

TEST_CASE("any number of wakes is one turn") {
  World world;
  for (int i = 0; i < 5; ++i)
    world.driver->wake();
  world.run_what_is_ready();
  CHECK(world.turns.count == 1);
  world.driver->wake();
  world.run_what_is_ready();
  CHECK(world.turns.count == 2);
}

TEST_CASE("a deadline makes a turn when it is due") {
  World world;
  world.turns.due = world.clock.now() + std::chrono::milliseconds(30);
  world.driver->wake();  // a turn arms the timer
  REQUIRE(world.until([&] { return world.turns.timer_fired == 1; }));
  CHECK(world.turns.due == kNever);
}

TEST_CASE("an earlier deadline replaces a later one") {
  World world;
  world.turns.due = world.clock.now() + std::chrono::hours(1);
  world.driver->wake();
  world.run_what_is_ready();
  world.turns.due = world.clock.now() + std::chrono::milliseconds(10);
  world.driver->wake();
  CHECK(world.until([&] { return world.turns.timer_fired == 1; }));
}

TEST_CASE("deadlines follow one another") {
  World world;
  world.turns.due = world.clock.now() + std::chrono::milliseconds(5);
  world.turns.next_due = world.clock.now() + std::chrono::milliseconds(20);
  world.driver->wake();
  CHECK(world.until([&] { return world.turns.timer_fired == 2; }));
}

TEST_CASE("a deadline that moved away costs an idle turn and is met later") {
  World world;
  world.turns.due = world.clock.now() + std::chrono::milliseconds(5);
  world.driver->wake();
  world.run_what_is_ready();
  const int turns_before = world.turns.count;
  world.turns.due = world.clock.now() + std::chrono::milliseconds(40);
  REQUIRE(world.until([&] { return world.turns.timer_fired == 1; }));
  CHECK(world.turns.count >= turns_before + 2);
}

TEST_CASE("work that is left makes further turns, and others get their chance in between") {
  World world;
  world.turns.more = 100;
  bool others = false;
  int turns_before_others = 0;
  world.driver->wake();
  boost::asio::post(world.io, [&] {
    others = true;
    turns_before_others = world.turns.count;
  });
  REQUIRE(world.until([&] { return world.turns.more == 0; }));
  CHECK(world.turns.count == 100);
  CHECK(others);
  CHECK(turns_before_others < 100);
}

TEST_CASE("a driver that has gone does nothing with wake-ups under way") {
  World world;
  world.turns.due = world.clock.now() + std::chrono::milliseconds(1);
  world.driver->wake();
  world.run_what_is_ready();
  world.driver->wake();
  Event event;
  REQUIRE(world.poller.add(event.fd.get(), EPOLLIN, event));
  event.signal();
  const int before = world.turns.count;
  world.driver.reset();
  world.io.restart();
  world.io.run_for(std::chrono::milliseconds(20));
  CHECK(world.turns.count == before);
}
