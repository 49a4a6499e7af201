// What is to be done later in a world: actions with their times, on one timer. Equal times keep
// the order in which they were noted.
#pragma once

#include <functional>
#include <map>

#include "core/base/timer_queue.h"

namespace pontoon::lab {

class Agenda {
 public:
  using Action = std::function<void(Instant now)>;

  explicit Agenda(TimerQueue& events) : events_(events) {}

  // Never from within the call; a time that is past means as soon as the events are run.
  void at(Instant when, Action action);
  std::size_t size() const noexcept { return actions_.size(); }

 private:
  void run(Instant now);
  void arm();

  TimerQueue& events_;
  std::multimap<Instant, Action> actions_;
  Timer timer_{Timer::bind<&Agenda::run>(*this)};
};

}  // namespace pontoon::lab
