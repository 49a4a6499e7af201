#include "core/host/poller.h"

#include <poll.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <functional>
#include <vector>

namespace pontoon::host {
namespace {

// One end of a socket pair under watch, the other in the test's hand.
class Watched final : public Pollable {
 public:
  Watched() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    near = UniqueFd(fds[0]);
    far = UniqueFd(fds[1]);
  }
  void on_events(std::uint32_t events) noexcept override {
    seen.push_back(events);
    if (then) then();
  }
  void poke() const { REQUIRE(::write(far.get(), "x", 1) == 1); }

  UniqueFd near;
  UniqueFd far;
  std::vector<std::uint32_t> seen;
  std::function<void()> then;
};

bool readable(int fd) {
  pollfd watched{fd, POLLIN, 0};
  return ::poll(&watched, 1, 0) == 1;
}

TEST_CASE("an edge is reported once") {
  Poller poller;
  Watched one;
  REQUIRE(poller.add(one.near.get(), EPOLLIN, one));
  CHECK_FALSE(poller.collect());
  CHECK(one.seen.empty());
  one.poke();
  CHECK(readable(poller.fd()));
  CHECK_FALSE(poller.collect());
  REQUIRE(one.seen.size() == 1);
  CHECK((one.seen[0] & EPOLLIN) != 0);
  poller.collect();
  CHECK(one.seen.size() == 1);
  CHECK_FALSE(readable(poller.fd()));
  one.poke();
  poller.collect();
  CHECK(one.seen.size() == 2);
  poller.remove(one.near.get(), one);
}

TEST_CASE("what is removed is not reported") {
  Poller poller;
  Watched one;
  REQUIRE(poller.add(one.near.get(), EPOLLIN, one));
  one.poke();
  poller.remove(one.near.get(), one);
  poller.collect();
  CHECK(one.seen.empty());
}

TEST_CASE("an event may remove whoever waits behind it in the batch") {
  Poller poller;
  Watched first;
  Watched second;
  REQUIRE(poller.add(first.near.get(), EPOLLIN, first));
  REQUIRE(poller.add(second.near.get(), EPOLLIN, second));
  first.poke();
  second.poke();
  first.then = [&] { poller.remove(second.near.get(), second); };
  second.then = [&] { poller.remove(first.near.get(), first); };
  poller.collect();
  CHECK(first.seen.size() + second.seen.size() == 1);
}

TEST_CASE("an event may remove its own pollable") {
  Poller poller;
  Watched one;
  REQUIRE(poller.add(one.near.get(), EPOLLIN, one));
  one.then = [&] { poller.remove(one.near.get(), one); };
  one.poke();
  poller.collect();
  one.poke();
  poller.collect();
  CHECK(one.seen.size() == 1);
}

TEST_CASE("room to write is reported only to those who ask, and at once") {
  Poller poller;
  Watched one;
  REQUIRE(poller.add(one.near.get(), EPOLLIN, one));
  poller.collect();
  CHECK(one.seen.empty());
  REQUIRE(poller.modify(one.near.get(), EPOLLIN | EPOLLOUT, one));
  poller.collect();
  REQUIRE(one.seen.size() == 1);
  CHECK((one.seen[0] & EPOLLOUT) != 0);
  poller.remove(one.near.get(), one);
}

TEST_CASE("the far end's close is an event") {
  Poller poller;
  Watched one;
  REQUIRE(poller.add(one.near.get(), EPOLLIN, one));
  one.far.reset();
  poller.collect();
  REQUIRE(one.seen.size() == 1);
  CHECK((one.seen[0] & EPOLLHUP) != 0);
  poller.remove(one.near.get(), one);
}

TEST_CASE("the kernel's refusal is told") {
  Poller poller;
  Watched one;
  REQUIRE(poller.add(one.near.get(), EPOLLIN, one));
  CHECK_FALSE(poller.add(one.near.get(), EPOLLIN, one));
  CHECK_FALSE(poller.add(-1, EPOLLIN, one));
  CHECK_FALSE(poller.modify(one.far.get(), EPOLLIN, one));
  poller.remove(one.near.get(), one);
}

TEST_CASE("more events than one batch holds are told to be there") {
  Poller poller;
  std::vector<std::unique_ptr<Watched>> many;
  for (int i = 0; i < 300; ++i) {
    many.push_back(std::make_unique<Watched>());
    REQUIRE(poller.add(many.back()->near.get(), EPOLLIN, *many.back()));
    many.back()->poke();
  }
  CHECK(poller.collect());
  CHECK_FALSE(poller.collect());
  for (const auto& one : many) {
    CHECK(one->seen.size() == 1);
    poller.remove(one->near.get(), *one);
  }
}

}  // namespace
}  // namespace pontoon::host
