// Where leases outlive the daemon. One store per daemon holds the leases of all networks.
//
// Engines know only Instants. A store converts at its rim: it writes how long a lease still had and
// when that was, and gives back an Instant on load. A clock that was set back between two runs
// never makes a lease longer than it was; time that passed while the daemon was down counts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "dhcp/lease.h"

namespace pontoon::dhcp {

struct LeaseWrite {
  enum class Kind : std::uint8_t { put, erase };
  Kind kind = Kind::put;
  Lease lease;  // erase: only network and address count
};

// Names one submission. `book` says whose it is (LeaseBookConfig::id), so that the owner of the
// store can hand the completion to the right network.
struct Ticket {
  std::uint32_t book = 0;
  std::uint64_t number = 0;
  friend auto operator<=>(const Ticket&, const Ticket&) = default;
};

struct Completion {
  Ticket ticket;
  bool ok = false;
  std::string error;  // when not ok: what failed, for a person
};

class LeaseStore {
 public:
  virtual ~LeaseStore() = default;

  // Every lease of every network, at start. May block.
  virtual Result<std::vector<Lease>> load() = 0;
  // Never blocks and never fails at once: what cannot be queued (kLeaseBatch submissions wait
  // already) completes as failed. Submissions are applied in their order, each one whole or not at
  // all.
  virtual void submit(std::vector<LeaseWrite> batch, Ticket ticket) = 0;
  // The completions since the last call, in the order of the submissions save for those that could
  // not be queued.
  virtual std::vector<Completion> poll() = 0;
  // Readable while poll() has something to give. -1: the store is asked each turn (tests).
  virtual int completion_fd() const noexcept = 0;
};

// For tests and the simulator: keeps leases in memory and completes when it is told to.
class MemoryLeaseStore final : public LeaseStore {
 public:
  explicit MemoryLeaseStore(std::vector<Lease> leases = {}) : leases_(std::move(leases)) {}

  Result<std::vector<Lease>> load() override { return leases_; }
  void submit(std::vector<LeaseWrite> batch, Ticket ticket) override;
  std::vector<Completion> poll() override;
  int completion_fd() const noexcept override { return -1; }

  // Ends what was submitted so far; a failed submission changes nothing.
  void complete_all();
  void fail_all(std::string error);
  std::size_t waiting() const noexcept { return waiting_.size(); }
  // The leases as a reader of the disk would find them.
  const std::vector<Lease>& durable() const noexcept { return leases_; }

 private:
  struct Submission {
    std::vector<LeaseWrite> batch;
    Ticket ticket;
  };
  void apply(const LeaseWrite& write);

  std::vector<Lease> leases_;
  std::vector<Submission> waiting_;
  std::vector<Completion> done_;
};

}  // namespace pontoon::dhcp
