#include "core/host/driver.h"

#include <unistd.h>

#include <boost/asio/post.hpp>

#include "core/base/check.h"

namespace pontoon::host {
namespace {
// Turns in a row before Asio's other handlers (the API, signals) get their chance.
constexpr int kTurnsInARow = 16;
}  // namespace

// The descriptor is a dup, since Asio closes what it is given and the poller owns its own.
Driver::Driver(boost::asio::io_context& io, Poller& poller, Turnable& turnable, const Clock& clock)
    : io_(io), poller_(poller), turnable_(turnable), clock_(clock), events_(io), timer_(io) {
  const int copy = ::dup(poller.fd());
  INVARIANT(copy >= 0);
  events_.assign(copy);
  wait_for_events();
}

Driver::~Driver() {
  *alive_ = false;
}

void Driver::wake() {
  if (wake_posted_) return;
  wake_posted_ = true;
  boost::asio::post(io_, [this, alive = alive_] {
    if (!*alive) return;
    wake_posted_ = false;
    run();
  });
}

void Driver::wait_for_events() {
  events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this, alive = alive_](const boost::system::error_code& error) {
                       if (!*alive || error) return;
                       run();
                       wait_for_events();
                     });
}

void Driver::run() {
  bool more = true;
  for (int turns = 0; more && turns < kTurnsInARow; ++turns) {
    const bool more_events = poller_.collect();
    const bool more_work = turnable_.turn(clock_.now());
    more = more_events || more_work;
  }
  if (more) wake();
  arm_timer();
}

// A timer that stands for an earlier moment than needed is left alone: it costs one idle wake-up,
// and moving it would cost a system call on every turn.
void Driver::arm_timer() {
  const Instant due = turnable_.next_deadline();
  if (due >= armed_for_) return;
  armed_for_ = due;
  timer_.expires_after(due - clock_.now());
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (!*alive || error) return;
    armed_for_ = kNever;
    run();
  });
}

}  // namespace pontoon::host
