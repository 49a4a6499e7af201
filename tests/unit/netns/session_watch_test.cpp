#include "bridge/netns/session_watch.h"

#include <catch2/catch.hpp>
#include <deque>

#include "bridge/ports/link_handle.h"

using namespace pontoon;
using namespace pontoon::bridge;
using namespace std::chrono_literals;
using Event = AttachSession::Event;
using Verdict = SessionWatch::Verdict;

namespace {

class ScriptedSession final : public AttachSession {
 public:
  int fd() const override { return 5; }
  Status<> hand_over(const LinkHandle&) override { return {}; }
  Event next_event(std::string& reason) override {
    if (events.empty()) return Event::none;
    const Event event = events.front();
    events.pop_front();
    reason = "because";
    return event;
  }
  Status<> reconnect(const LinkHandle&) override {
    ++tries;
    if (reachable) return {};
    return Error{ErrorCode::unavailable, "not yet"};
  }

  std::deque<Event> events;
  bool reachable = false;
  int tries = 0;
};

struct Watched {
  ScriptedSession session;
  LinkHandle link;
  SessionWatch watch{session, link, 1s, 200ms};
  Instant start{100s};
};

}  // namespace

TEST_CASE("a session with nothing to say is kept without a deadline") {
  Watched it;
  CHECK(it.watch.fd() == 5);
  CHECK(it.watch.step(it.start) == Verdict::keep);
  CHECK(it.watch.deadline() == kNever);
}

TEST_CASE("the daemon's word ends the watch") {
  const auto ended = [](Event event) {
    Watched it;
    it.session.events = {event};
    const Verdict verdict = it.watch.step(it.start);
    CHECK(it.watch.fd() == -1);
    CHECK(it.watch.deadline() == kNever);
    CHECK(it.watch.step(it.start) == Verdict::keep);
    return verdict;
  };
  CHECK(ended(Event::removed) == Verdict::removed);
  CHECK(ended(Event::stopped) == Verdict::stopped);
}

TEST_CASE("a lost daemon is tried at once and then at intervals until it returns") {
  Watched it;
  it.session.events = {Event::lost};
  CHECK(it.watch.step(it.start) == Verdict::keep);
  CHECK(it.watch.fd() == -1);
  CHECK(it.watch.deadline() == it.start);
  CHECK(it.watch.step(it.start) == Verdict::keep);
  CHECK(it.session.tries == 1);
  CHECK(it.watch.deadline() == it.start + 200ms);
  CHECK(it.watch.step(it.start + 100ms) == Verdict::keep);
  CHECK(it.session.tries == 1);
  it.session.reachable = true;
  CHECK(it.watch.step(it.start + 200ms) == Verdict::keep);
  CHECK(it.session.tries == 2);
  CHECK(it.watch.fd() == 5);
  CHECK(it.watch.deadline() == kNever);
}

TEST_CASE("a daemon that does not return is given up after the wait, with a last try") {
  Watched it;
  it.session.events = {Event::lost};
  (void)it.watch.step(it.start);
  Verdict verdict = Verdict::keep;
  while (it.watch.deadline() != kNever) {
    REQUIRE(verdict == Verdict::keep);
    CHECK(it.watch.deadline() <= it.start + 1s);
    verdict = it.watch.step(it.watch.deadline());
  }
  CHECK(verdict == Verdict::lost);
  CHECK(it.session.tries == 6);
}

TEST_CASE("a daemon may be lost and found more than once") {
  Watched it;
  it.session.reachable = true;
  for (int i = 1; i <= 3; ++i) {
    it.session.events = {Event::lost};
    CHECK(it.watch.step(it.start) == Verdict::keep);
    CHECK(it.watch.step(it.start) == Verdict::keep);
    CHECK(it.session.tries == i);
    CHECK(it.watch.fd() == 5);
  }
}
