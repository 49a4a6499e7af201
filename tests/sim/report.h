// What a run has to tell: its last steps, and the first thing that went wrong. Checkers report
// here and go on; the run ends at its next step. Nothing throws, for checkers are called from
// within the network's turn.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "core/base/time.h"

namespace pontoon::sim {

class Report {
 public:
  void at(Instant now) noexcept { now_ = now; }
  void step(std::string text);
  // Only the first failure is kept: what follows is mostly its consequence.
  void fail(std::string_view checker, std::string what);

  bool failed() const noexcept { return !failure_.empty(); }
  const std::string& failure() const noexcept { return failure_; }
  // One line each, the newest last.
  std::string steps() const;

 private:
  std::string stamp() const;

  Instant now_{};
  std::deque<std::string> steps_;
  std::string failure_;
};

}  // namespace pontoon::sim
