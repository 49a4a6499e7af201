// Lease exclusivity in a world: no two endpoints of a network hold one address, an address that was
// acknowledged is on the disk, and it is the endpoint's own.
#pragma once

#include <string>

#include "lab/world/world.h"
#include "tests/sim/report.h"

namespace pontoon::sim {

class LeaseChecker {
 public:
  LeaseChecker(lab::World& world, Report& report) : world_(world), report_(report) {}

  // A member has come (again), with everything that the world knows of it.
  void on_member(const lab::Member& member);
  // Any frame to a member: looks for DHCPACKs.
  void on_frame(std::string_view where, ByteView frame);

 private:
  void on_acknowledgement(const lab::Member& member, Ipv4Address address);

  lab::World& world_;
  Report& report_;
  std::vector<const lab::Member*> members_;
};

}  // namespace pontoon::sim
