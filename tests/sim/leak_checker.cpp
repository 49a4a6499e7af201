#include "tests/sim/leak_checker.h"

#include <fmt/format.h>

namespace pontoon::sim {

void LeakChecker::on_gone(const std::string& network, const IpAddress& address) {
  for (const control::FlowInfo& flow : world_.network(network)->flows(world_.now())) {
    if (flow.initiator.ip == address || flow.target.ip == address) {
      report_.fail("leaks",
                   fmt::format("the {} flow {} > {} is left of an endpoint that has gone",
                               flow.protocol, flow.initiator.to_string(), flow.target.to_string()));
    }
  }
}

void LeakChecker::on_silence() {
  // A reset may be lost on the way, and the other side cannot know; all others must have ended.
  if (!conversations_.all_ended_in_order()) return;
  for (const std::string& network : world_.networks()) {
    for (const control::FlowInfo& flow : world_.network(network)->flows(world_.now())) {
      report_.fail("leaks",
                   fmt::format("the {} flow {} > {} ({}) is left when all is over", flow.protocol,
                               flow.initiator.to_string(), flow.target.to_string(), flow.state));
    }
  }
}

}  // namespace pontoon::sim
