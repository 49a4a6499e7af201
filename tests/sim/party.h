// One end of a scripted connection: says its part, checks every byte of the other's, ends as its
// manners are. It works over either kind of connection through Channel.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/timer_queue.h"
#include "tests/sim/script.h"

namespace pontoon::sim {

class StreamChecker;

class Channel {
 public:
  enum class Heard : std::uint8_t { text, nothing, end, reset };
  virtual ~Channel() = default;
  virtual std::size_t write(std::string_view text, Instant now) = 0;  // how much was taken
  virtual std::size_t write_room() = 0;
  virtual Heard read(std::string& out, std::size_t most, Instant now) = 0;
  virtual void shut_down(Instant now) = 0;
  virtual void abort(Instant now) = 0;
  virtual bool failed() const = 0;
};

class Party {
 public:
  // `way` is the direction in which it speaks.
  Party(const Script& script, Way way, Channel& channel, StreamChecker& checker, TimerQueue& timers)
      : script_(script), way_(way), channel_(channel), checker_(checker), timers_(timers) {}

  // Something may have happened.
  void wake() noexcept { ready_ = true; }
  bool step(Instant now);  // whether anything was done
  // Nothing more is to come: both ends were seen, or a reset.
  bool done() const noexcept { return aborted_ || reset_ || (ended_ && shut_down_); }
  bool aborted() const noexcept { return aborted_; }
  bool was_reset() const noexcept { return reset_; }
  std::uint64_t heard() const noexcept { return heard_; }
  std::string describe() const;

 private:
  void on_time(Instant) { ready_ = true; }
  bool say(Instant now);
  bool listen(Instant now);

  const Script& script_;
  Way way_;
  Channel& channel_;
  StreamChecker& checker_;
  TimerQueue& timers_;
  Timer timer_{Timer::bind<&Party::on_time>(*this)};
  std::uint64_t said_ = 0;
  std::uint64_t heard_ = 0;
  Instant next_read_{};
  bool ready_ = true;
  bool shut_down_ = false;
  bool ended_ = false;
  bool reset_ = false;
  bool aborted_ = false;
};

}  // namespace pontoon::sim
