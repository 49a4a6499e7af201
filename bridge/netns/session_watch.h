// How an agent keeps its session: it passes on what the daemon says and, when the daemon has gone
// without a word, tries to reach it again for a bounded time.
#pragma once

#include <cstdint>
#include <string>

#include "bridge/netns/session.h"
#include "core/base/time.h"

namespace pontoon::bridge {

class SessionWatch {
 public:
  enum class Verdict : std::uint8_t {
    keep,
    removed,  // the interface is to go; the watch is over
    stopped,  // the daemon ended on purpose; the watch is over
    lost,     // the daemon did not return; the watch is over
  };

  SessionWatch(AttachSession& session, const LinkHandle& link, Duration return_wait,
               Duration interval) noexcept
      : session_(session), link_(link), return_wait_(return_wait), interval_(interval) {}

  // What to poll for input; -1 while there is nothing to listen to.
  int fd() const { return state_ == State::attached ? session_.fd() : -1; }
  // When step() is due without input.
  Instant deadline() const noexcept { return state_ == State::away ? next_try_ : kNever; }
  // To be called on input and when the deadline has passed. Says on stderr what has changed.
  Verdict step(Instant now);

 private:
  enum class State : std::uint8_t { attached, away, over };

  Verdict listen(Instant now);
  Verdict retry(Instant now);

  AttachSession& session_;
  const LinkHandle& link_;
  Duration return_wait_;
  Duration interval_;
  State state_ = State::attached;
  Instant next_try_ = kNever;
  Instant give_up_ = kNever;
};

}  // namespace pontoon::bridge
