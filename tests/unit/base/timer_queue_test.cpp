#include "core/base/timer_queue.h"

#include <catch2/catch.hpp>
#include <list>
#include <map>

#include "core/base/limits.h"
#include "core/base/random.h"

using namespace pontoon;
using namespace std::chrono_literals;

namespace {

struct Woken {
  explicit Woken(std::vector<int>& log, int id) : log_(log), id_(id) {}
  void on_timer(Instant) { log_.push_back(id_); }
  std::vector<int>& log_;
  int id_;
  Timer timer{Timer::bind<&Woken::on_timer>(*this)};
};

struct Rearming {
  explicit Rearming(TimerQueue& queue) : queue_(queue) {}
  void on_timer(Instant now) {
    ++fired;
    queue_.arm(timer, now);
  }
  TimerQueue& queue_;
  int fired = 0;
  Timer timer{Timer::bind<&Rearming::on_timer>(*this)};
};

}  // namespace

TEST_CASE("timers fire in the order of their deadlines, equal ones as armed") {
  TimerQueue queue;
  std::vector<int> log;
  Woken late(log, 1), early(log, 2), same_as_late(log, 3);
  queue.arm(late.timer, Instant(20ns));
  queue.arm(early.timer, Instant(10ns));
  queue.arm(same_as_late.timer, Instant(20ns));
  CHECK(queue.next_deadline() == Instant(10ns));
  CHECK(queue.run_due(Instant(19ns), 10) == 1);
  CHECK(queue.run_due(Instant(20ns), 10) == 2);
  CHECK(log == std::vector<int>{2, 1, 3});
  CHECK(queue.next_deadline() == kNever);
}

TEST_CASE("a timer that rearms itself for now does not hold up the turn") {
  TimerQueue queue;
  Rearming rearming(queue);
  queue.arm(rearming.timer, Instant(1ns));
  CHECK(queue.run_due(Instant(5ns), 100) == 1);
  CHECK(rearming.fired == 1);
  CHECK(queue.run_due(Instant(5ns), 100) == 1);
}

TEST_CASE("the budget bounds one call and leaves the rest due", "[limit:kTurnTimers]") {
  TimerQueue queue;
  std::vector<int> log;
  std::list<Woken> many;
  for (std::size_t i = 0; i < limits::kTurnTimers + 1; ++i)
    queue.arm(many.emplace_back(log, static_cast<int>(i)).timer, Instant(1ns));
  CHECK(queue.run_due(Instant(1ns), limits::kTurnTimers) == limits::kTurnTimers);
  CHECK(log.size() == limits::kTurnTimers);
  CHECK(queue.size() == 1);
  CHECK(queue.run_due(Instant(1ns), limits::kTurnTimers) == 1);
}

TEST_CASE("a timer that dies disarms itself, and a queue that dies first is no trouble") {
  std::vector<int> log;
  auto queue = std::make_unique<TimerQueue>();
  auto dead = std::make_unique<Woken>(log, 1);
  Woken survivor(log, 2);
  queue->arm(dead->timer, Instant(1ns));
  queue->arm(survivor.timer, Instant(2ns));
  dead.reset();
  CHECK(queue->run_due(Instant(5ns), 10) == 1);
  queue->arm(survivor.timer, Instant(9ns));
  queue.reset();
  CHECK_FALSE(survivor.timer.armed());
}

TEST_CASE("arming, moving and cancelling agree with a sorted map") {
  SeededRandom random(7, "timers");
  TimerQueue queue;
  std::vector<int> log;
  std::vector<std::unique_ptr<Woken>> timers;
  for (int i = 0; i < 50; ++i)
    timers.push_back(std::make_unique<Woken>(log, i));
  std::map<int, Instant> model;
  for (int step = 0; step < 5000; ++step) {
    const int id = static_cast<int>(random.below(50));
    if (random.below(4) == 0) {
      timers[static_cast<std::size_t>(id)]->timer.cancel();
      model.erase(id);
    } else {
      const Instant at{Duration(random.below(1000))};
      queue.arm(timers[static_cast<std::size_t>(id)]->timer, at);
      model[id] = at;
    }
    Instant least = kNever;
    for (const auto& [_, at] : model)
      least = std::min(least, at);
    REQUIRE(queue.next_deadline() == least);
    REQUIRE(queue.size() == model.size());
  }
}
