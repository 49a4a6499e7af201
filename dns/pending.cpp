#include "dns/pending.h"

#include "core/base/check.h"
#include "core/base/limits.h"

namespace pontoon::dns {

struct PendingTable::Slot : Pending {
  Slot(PendingTable& owner, std::uint32_t own_index) : table(owner), index(own_index) {}
  void on_timeout(Instant now) { table.handler_.on_pending_timeout(ticket, now); }

  PendingTable& table;
  std::uint32_t index;
  std::uint32_t generation = 0;
  bool active = false;
  std::uint64_t hash = 0;
  std::uint32_t first_waiter = kNone;
  std::uint32_t last_waiter = kNone;
  Timer timer{Timer::bind<&Slot::on_timeout>(*this)};
};

PendingTable::PendingTable(PendingHandler& handler, TimerQueue& timers, Random& random)
    : handler_(handler), timers_(timers), seed_(random.u64()) {}

PendingTable::~PendingTable() = default;

PendingTable::Slot& PendingTable::slot_of(Pending& pending) noexcept {
  return static_cast<Slot&>(pending);
}

Pending* PendingTable::find(const QuestionKey& key) noexcept {
  const auto at = by_question_.find(key.hash(seed_));
  if (at == by_question_.end()) return nullptr;
  Slot& slot = *slots_[at->second];
  return slot.key() == key ? &slot : nullptr;
}

Pending* PendingTable::add(const Query& query, std::uint16_t id, Instant deadline) {
  if (active_ >= limits::kDnsInFlight) return nullptr;
  if (free_slots_.empty()) {
    const auto index = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::make_unique<Slot>(*this, index));
    free_slots_.push_back(index);
  }
  Slot& slot = *slots_[free_slots_.back()];
  free_slots_.pop_back();
  ++active_;
  slot.active = true;
  slot.question = *query.question;
  slot.dnssec_ok = query.dnssec_ok();
  slot.checking_disabled = query.checking_disabled();
  slot.id = id;
  ++slot.generation;
  slot.ticket = static_cast<ForwardTicket>(std::uint64_t{slot.generation} << 32 | slot.index);
  slot.hash = slot.key().hash(seed_);
  by_question_.try_emplace(slot.hash, slot.index);
  timers_.arm(slot.timer, deadline);
  return &slot;
}

bool PendingTable::may_wait(const Client& client) const noexcept {
  if (waiting_ >= limits::kDnsWaiters) return false;
  const auto at = per_client_.find(client.address.ip);
  return at == per_client_.end() || at->second < limits::kDnsInFlightPerClient;
}

bool PendingTable::wait(Pending& pending, const Waiter& waiter) {
  if (!may_wait(waiter.client)) return false;
  std::uint32_t index = free_waiter_;
  if (index == kNone) {
    index = static_cast<std::uint32_t>(waiters_.size());
    waiters_.push_back(waiter);
  } else {
    free_waiter_ = waiters_[index].next;
    waiters_[index] = waiter;
  }
  waiters_[index].next = kNone;
  Slot& slot = slot_of(pending);
  if (slot.first_waiter == kNone) {
    slot.first_waiter = index;
  } else {
    waiters_[slot.last_waiter].next = index;
  }
  slot.last_waiter = index;
  ++waiting_;
  ++per_client_[waiter.client.address.ip];
  return true;
}

Pending* PendingTable::get(ForwardTicket ticket) noexcept {
  const auto value = static_cast<std::uint64_t>(ticket);
  const std::uint64_t index = value & 0xffffffff;
  if (index >= slots_.size()) return nullptr;
  Slot& slot = *slots_[index];
  return slot.active && slot.ticket == ticket ? &slot : nullptr;
}

std::uint32_t PendingTable::retire(Pending& pending) noexcept {
  Slot& slot = slot_of(pending);
  INVARIANT(slot.active);
  const auto at = by_question_.find(slot.hash);
  if (at != by_question_.end() && at->second == slot.index) by_question_.erase(at);
  slot.timer.cancel();
  slot.active = false;
  free_slots_.push_back(slot.index);
  --active_;
  slot.last_waiter = kNone;
  return std::exchange(slot.first_waiter, kNone);
}

Waiter PendingTable::release(std::uint32_t index) noexcept {
  Waiter waiter = waiters_[index];
  waiters_[index].next = free_waiter_;
  free_waiter_ = index;
  --waiting_;
  const auto at = per_client_.find(waiter.client.address.ip);
  INVARIANT(at != per_client_.end());
  if (--at->second == 0) per_client_.erase(at);
  return waiter;
}

void PendingTable::forget(const ReplySink& sink) noexcept {
  for (const auto& slot : slots_) {
    for (std::uint32_t at = slot->first_waiter; at != kNone; at = waiters_[at].next) {
      if (waiters_[at].sink == &sink) waiters_[at].sink = nullptr;
    }
  }
}

}  // namespace pontoon::dns
