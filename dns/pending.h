// Questions that are with the forwarder, and the queries that wait for each. Bounded: kDnsInFlight
// questions, kDnsWaiters queries, kDnsInFlightPerClient queries of one address.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/base/timer_queue.h"
#include "dns/cache.h"
#include "dns/forwarder.h"
#include "dns/server.h"

namespace pontoon::dns {

struct Waiter {
  Client client;
  Transport transport = Transport::udp;
  ReplySink* sink = nullptr;
  Query query;
  std::uint32_t next = 0;
};

class PendingHandler {
 public:
  virtual ~PendingHandler() = default;
  virtual void on_pending_timeout(ForwardTicket ticket, Instant now) noexcept = 0;
};

struct Pending {
  Question question;
  bool dnssec_ok = false;
  bool checking_disabled = false;
  std::uint16_t id = 0;  // towards the upstream
  ForwardTicket ticket{};

  QuestionKey key() const noexcept {
    return {question.name, question.type, dnssec_ok, checking_disabled};
  }
};

class PendingTable {
 public:
  PendingTable(PendingHandler& handler, TimerQueue& timers, Random& random);
  ~PendingTable();

  // The question in flight that equals `key`, or null.
  Pending* find(const QuestionKey& key) noexcept;
  // Null when kDnsInFlight is reached.
  Pending* add(const Query& query, std::uint16_t id, Instant deadline);
  // False when a limit on waiting queries is reached.
  bool wait(Pending& pending, const Waiter& waiter);
  bool may_wait(const Client& client) const noexcept;

  Pending* get(ForwardTicket ticket) noexcept;
  // Ends a question: its ticket is dead from now on; the waiting queries go to `deliver`, in the
  // order in which they came.
  template <class Deliver>
  void finish(Pending& pending, Deliver&& deliver) {
    std::uint32_t at = retire(pending);
    while (at != kNone) {
      const std::uint32_t next = waiters_[at].next;
      const Waiter waiter = release(at);
      if (waiter.sink != nullptr) deliver(waiter);
      at = next;
    }
  }

  void forget(const ReplySink& sink) noexcept;
  std::size_t size() const noexcept { return active_; }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Slot;

  static Slot& slot_of(Pending& pending) noexcept;
  std::uint32_t retire(Pending& pending) noexcept;
  Waiter release(std::uint32_t index) noexcept;

  PendingHandler& handler_;
  TimerQueue& timers_;
  std::uint64_t seed_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::size_t active_ = 0;
  // By the key's 64-bit hash. Two different questions of one hash do not meet in practice; if they
  // do, the second is simply not joined.
  std::unordered_map<std::uint64_t, std::uint32_t> by_question_;
  std::vector<Waiter> waiters_;
  std::uint32_t free_waiter_ = kNone;
  std::size_t waiting_ = 0;
  std::unordered_map<IpAddress, std::uint32_t> per_client_;
};

}  // namespace pontoon::dns
