#include <algorithm>
#include <utility>

#include "dhcp/lease_store.h"

namespace pontoon::dhcp {

void MemoryLeaseStore::submit(std::vector<LeaseWrite> batch, Ticket ticket) {
  waiting_.push_back({std::move(batch), ticket});
}

std::vector<Completion> MemoryLeaseStore::poll() {
  return std::exchange(done_, {});
}

void MemoryLeaseStore::complete_all() {
  for (const Submission& submission : std::exchange(waiting_, {})) {
    for (const LeaseWrite& write : submission.batch)
      apply(write);
    done_.push_back({submission.ticket, true, {}});
  }
}

void MemoryLeaseStore::fail_all(std::string error) {
  for (const Submission& submission : std::exchange(waiting_, {}))
    done_.push_back({submission.ticket, false, error});
}

void MemoryLeaseStore::apply(const LeaseWrite& write) {
  const auto row = std::find_if(leases_.begin(), leases_.end(), [&](const Lease& lease) {
    return lease.network == write.lease.network && lease.address == write.lease.address;
  });
  const bool known = row != leases_.end();
  switch (write.kind) {
    case LeaseWrite::Kind::put:
      if (known) {
        *row = write.lease;
      } else {
        leases_.push_back(write.lease);
      }
      break;
    case LeaseWrite::Kind::erase:
      if (known) leases_.erase(row);
      break;
  }
}

}  // namespace pontoon::dhcp
