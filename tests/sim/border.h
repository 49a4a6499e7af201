// Whom the host is asked to talk to: hosts of the plan, and nobody else. What an endpoint may not
// reach (the host itself, other networks, metadata services) must not be tried, and what arrived
// broken or forged must not be passed on.
#pragma once

#include <set>

#include "lab/world/world.h"
#include "tests/sim/report.h"

namespace pontoon::sim {

class Border {
 public:
  Border(lab::World& world, Report& report);

  void allow(const SocketAddress& host) { allowed_.insert(host); }
  // There is no second network: its addresses are any host's.
  void allow_second_network();
  // A host that nobody has asked sends to sockets that wait for others' answers.
  void send_unasked(SeededRandom& random);
  // Looks at what was begun since the last call.
  void step();
  // An answer that could only come after something had crossed the border.
  void on_datagram(const std::string& station, const SocketAddress& from);

 private:
  lab::World& world_;
  Report& report_;
  std::set<SocketAddress> allowed_;
  std::size_t seen_ = 0;
};

}  // namespace pontoon::sim
