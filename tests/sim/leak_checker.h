// What must not outlast its reason: when all has been silent for long, no flow of a conversation
// that came to its end is left, no UDP or ping flow at all, and nothing of an endpoint that went.
#pragma once

#include "lab/world/world.h"
#include "tests/sim/conversation.h"
#include "tests/sim/report.h"

namespace pontoon::sim {

class LeakChecker {
 public:
  LeakChecker(lab::World& world, const Conversations& conversations, Report& report)
      : world_(world), conversations_(conversations), report_(report) {}

  // An endpoint has just gone from there.
  void on_gone(const std::string& network, const IpAddress& address);
  // After the silence.
  void on_silence();

 private:
  lab::World& world_;
  const Conversations& conversations_;
  Report& report_;
};

}  // namespace pontoon::sim
