#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <deque>
#include <functional>

#include "core/host/poller.h"

using namespace pontoon;
using host::Pollable;
using host::Poller;

namespace {

struct Watched final : Pollable {
  Watched() : fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  void on_events(std::uint32_t events) noexcept override {
    ++calls;
    last = events;
    if (then) then();
  }
  void signal() const {
    const std::uint64_t one = 1;
    REQUIRE(write(fd.get(), &one, sizeof one) == sizeof one);
  }

  UniqueFd fd;
  int calls = 0;
  std::uint32_t last = 0;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("an event is told once, at the edge") {
  Poller poller;
  Watched watched;
  REQUIRE(poller.add(watched.fd.get(), EPOLLIN, watched));
  CHECK_FALSE(poller.collect());
  CHECK(watched.calls == 0);
  watched.signal();
  CHECK_FALSE(poller.collect());
  CHECK(watched.calls == 1);
  CHECK(watched.last == EPOLLIN);
  poller.collect();  // still readable, but nothing new
  CHECK(watched.calls == 1);
  watched.signal();
  poller.collect();
  CHECK(watched.calls == 2);
}

TEST_CASE("modify reports what holds already") {
  Poller poller;
  Watched watched;
  REQUIRE(poller.add(watched.fd.get(), EPOLLIN, watched));
  REQUIRE(poller.modify(watched.fd.get(), EPOLLIN | EPOLLOUT, watched));
  poller.collect();
  CHECK(watched.calls == 1);
  CHECK(watched.last == EPOLLOUT);
}

TEST_CASE("a removed pollable hears nothing more") {
  Poller poller;
  Watched watched;
  REQUIRE(poller.add(watched.fd.get(), EPOLLIN, watched));
  watched.signal();
  poller.remove(watched.fd.get(), watched);
  poller.collect();
  CHECK(watched.calls == 0);
  poller.remove(watched.fd.get(), watched);  // twice is no harm
  CHECK_FALSE(poller.modify(watched.fd.get(), EPOLLIN, watched));
}

TEST_CASE("a pollable may remove itself and others from within its event") {
  Poller poller;
  Watched first;
  Watched second;
  Watched third;
  for (Watched* each : {&first, &second, &third}) {
    REQUIRE(poller.add(each->fd.get(), EPOLLIN, *each));
    each->signal();
  }
  // Whoever comes first takes the two others out, and dies as a real one would: fd closed.
  for (Watched* each : {&first, &second, &third}) {
    each->then = [&poller, &first, &second, &third] {
      for (Watched* every : {&first, &second, &third}) {
        poller.remove(every->fd.get(), *every);
        every->fd.reset();
      }
    };
  }
  poller.collect();
  CHECK(first.calls + second.calls + third.calls == 1);
  poller.collect();
  CHECK(first.calls + second.calls + third.calls == 1);
}

TEST_CASE("one added from within an event is heard in the next batch") {
  Poller poller;
  Watched first;
  Watched late;
  late.signal();
  REQUIRE(poller.add(first.fd.get(), EPOLLIN, first));
  first.then = [&] { (void)poller.add(late.fd.get(), EPOLLIN, late); };
  first.signal();
  poller.collect();
  CHECK(late.calls == 0);
  poller.collect();
  CHECK(late.calls == 1);
}

TEST_CASE("more events than fit one batch are told in the next") {
  Poller poller;
  std::deque<Watched> many(300);
  for (Watched& each : many) {
    REQUIRE(poller.add(each.fd.get(), EPOLLIN, each));
    each.signal();
  }
  CHECK(poller.collect());  // 256, and there may be more
  while (poller.collect()) {
  }
  for (const Watched& each : many)
    CHECK(each.calls == 1);
}

TEST_CASE("what the kernel cannot watch is refused") {
  Poller poller;
  Watched watched;
  CHECK_FALSE(poller.add(-1, EPOLLIN, watched));
  REQUIRE(poller.add(watched.fd.get(), EPOLLIN, watched));
  CHECK_FALSE(poller.add(watched.fd.get(), EPOLLIN, watched));  // is there already
}

TEST_CASE("a hang-up is told with its flags") {
  Poller poller;
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  UniqueFd near(ends[0]);
  UniqueFd far(ends[1]);
  Watched watched;
  REQUIRE(poller.add(near.get(), EPOLLIN | EPOLLRDHUP, watched));
  far.reset();
  poller.collect();
  CHECK((watched.last & EPOLLRDHUP) != 0);
  CHECK((watched.last & EPOLLHUP) != 0);
}
