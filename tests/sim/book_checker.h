// The lease book against what its server has promised: whoever was acknowledged an address holds it
// in the book until then, no lease outlives its end, and the disk comes to say the same.
#pragma once

#include <vector>

#include "dhcp/lease_book.h"
#include "tests/sim/report.h"

namespace pontoon::sim {

class BookChecker {
 public:
  explicit BookChecker(Report& report) : report_(report) {}

  // A client was acknowledged this, and has neither released nor declined it.
  void check_promise(const dhcp::LeaseBook& book, Ipv4Address address, const MacAddress& client,
                     Instant until);
  void check_ends(const dhcp::LeaseBook& book, Instant now);
  // Nobody may have more leases than his share.
  void check_share(const dhcp::LeaseBook& book, const MacAddress& client);
  // The disk has had the time to take everything.
  void check_disk(const dhcp::LeaseBook& book, const std::vector<dhcp::Lease>& rows);

 private:
  Report& report_;
};

}  // namespace pontoon::sim
