// Turns Asio's wake-ups into turns of one network. The engine side (Turnable) knows nothing of
// Asio.
//
//   the poller's epoll is readable, or the timer is due, or wake() was called
//     -> collect readiness, turn(now), repeat while there is work (bounded), re-arm the timer
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

#include "core/base/time.h"
#include "core/host/poller.h"
#include "core/host/turnable.h"

namespace pontoon::host {

class Driver {
 public:
  Driver(boost::asio::io_context& io, Poller& poller, Turnable& turnable, const Clock& clock);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // A turn is due although no descriptor says so (the control plane changed something). Any number
  // of calls before the turn make one turn.
  void wake();

 private:
  void wait_for_events();
  void run();
  void arm_timer();

  boost::asio::io_context& io_;
  Poller& poller_;
  Turnable& turnable_;
  const Clock& clock_;
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer timer_;
  Instant armed_for_ = kNever;
  bool wake_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pontoon::host
