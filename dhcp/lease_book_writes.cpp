// What the disk does not know yet.
//
//   mark() --> marked_ --take_batch()--> in_flight_ --settle(ok)----> (the disk has it)
//                 ^                          |
//                 +---- retry_ ---- failed_ <+ settle(failed)
//
// A write carries the state that its address has when the batch is taken, so writing an address
// once more than needed is harmless, and a failed batch needs no memory but its addresses. The
// submissions are applied in order, so the newest state is what stays.
#include <algorithm>

#include "core/base/limits.h"
#include "dhcp/lease_book.h"

namespace pontoon::dhcp {

void LeaseBook::mark(Ipv4Address address) {
  marked_.insert(address.value);
  if (Entry* held = entry(address)) held->changed = next_change_++;
}

Ticket LeaseBook::save(Ipv4Address address) {
  marked_.insert(address.value);
  return next_ticket();
}

bool LeaseBook::has_batch() const noexcept {
  return !marked_.empty() && in_flight_.size() < limits::kLeaseBatchesInFlight;
}

bool LeaseBook::has_unsaved() const noexcept {
  return !marked_.empty() || !failed_.empty() || !in_flight_.empty();
}

LeaseWrite LeaseBook::write_of(std::uint32_t address, Written& written) const {
  LeaseWrite write;
  const Entry* held = entry(Ipv4Address{address});
  written.address = address;
  const bool offered = held != nullptr && held->lease.state == LeaseState::offered;
  if (held != nullptr) {
    written.born = held->born;
    written.changed = held->changed;
  }
  if (held == nullptr || (offered && !held->remembered)) {
    write.kind = LeaseWrite::Kind::erase;
    write.lease.network = config_.network;
    write.lease.address = Ipv4Address{address};
    return write;
  }
  write.lease = held->lease;
  if (held->lease.state == LeaseState::bound) written.until = held->lease.expires;
  // Offers are not durable: to the disk the client is one whose lease has ended. When that was is
  // near enough the offer's beginning.
  if (offered) {
    write.lease.state = LeaseState::expired;
    write.lease.expires = held->lease.expires - limits::kDhcpOffer;
  }
  return write;
}

std::vector<LeaseWrite> LeaseBook::take_batch() {
  std::vector<LeaseWrite> batch;
  if (!has_batch()) return batch;
  InFlight& sent = in_flight_.emplace_back();
  sent.number = next_ticket_++;
  batch.reserve(marked_.size());
  sent.writes.reserve(marked_.size());
  for (const std::uint32_t address : marked_)
    batch.push_back(write_of(address, sent.writes.emplace_back()));
  marked_.clear();
  return batch;
}

void LeaseBook::settle(Ticket ticket, bool ok, Instant now) {
  if (ticket.book != config_.id) return;
  const auto found = std::find_if(in_flight_.begin(), in_flight_.end(), [&](const InFlight& sent) {
    return sent.number == ticket.number;
  });
  if (found == in_flight_.end()) return;
  const InFlight settled = std::move(*found);
  in_flight_.erase(found);
  if (!ok) {
    for (const Written& written : settled.writes)
      failed_.insert(written.address);
    if (!retry_.armed()) timers_.arm(retry_, now + limits::kLeaseRetry);
    return;
  }
  for (const Written& written : settled.writes) {
    Entry* held = entry(Ipv4Address{written.address});
    if (held == nullptr || held->born != written.born) continue;
    held->saved = written.changed;
    held->durable_until = written.until;
  }
}

void LeaseBook::on_retry(Instant) {
  marked_.merge(failed_);
  failed_.clear();
}

std::optional<Instant> LeaseBook::durable_until(Ipv4Address address) const {
  const Entry* held = entry(address);
  return held == nullptr ? std::nullopt : held->durable_until;
}

bool LeaseBook::is_durable(Ipv4Address address) const {
  const Entry* held = entry(address);
  return held != nullptr && held->saved == held->changed;
}

}  // namespace pontoon::dhcp
