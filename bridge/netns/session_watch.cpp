#include "bridge/netns/session_watch.h"

#include <algorithm>

#include "bridge/netns/process.h"

namespace pontoon::bridge {

SessionWatch::Verdict SessionWatch::step(Instant now) {
  switch (state_) {
    case State::attached:
      return listen(now);
    case State::away:
      return now >= next_try_ ? retry(now) : Verdict::keep;
    case State::over:
      return Verdict::keep;
  }
  return Verdict::keep;
}

SessionWatch::Verdict SessionWatch::listen(Instant now) {
  std::string reason;
  switch (session_.next_event(reason)) {
    case AttachSession::Event::none:
      return Verdict::keep;
    case AttachSession::Event::removed:
      state_ = State::over;
      say("detached: " + reason);
      return Verdict::removed;
    case AttachSession::Event::stopped:
      state_ = State::over;
      say("detached: " + reason);
      return Verdict::stopped;
    case AttachSession::Event::lost:
      state_ = State::away;
      next_try_ = now;
      give_up_ = now + return_wait_;
      say("the daemon has gone; waiting for its return");
      return Verdict::keep;
  }
  return Verdict::keep;
}

SessionWatch::Verdict SessionWatch::retry(Instant now) {
  const auto reached = session_.reconnect(link_);
  if (reached) {
    state_ = State::attached;
    say("the daemon is back: attached again");
    return Verdict::keep;
  }
  if (now >= give_up_) {
    state_ = State::over;
    say("the daemon did not return: " + reached.error().message);
    return Verdict::lost;
  }
  next_try_ = std::min(now + interval_, give_up_);
  return Verdict::keep;
}

}  // namespace pontoon::bridge
