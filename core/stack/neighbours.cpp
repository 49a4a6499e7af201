#include "core/stack/neighbours.h"

#include <algorithm>

namespace pontoon::stack {
namespace {

bool still_reachable(Instant confirmed, Instant now) noexcept {
  return now - confirmed < limits::kNeighbourReachable;
}

}  // namespace

bool NeighbourCache::send(const IpAddress& address, FrameRef packet, Instant now) noexcept {
  Entry* entry = find_entry(address);
  if (entry == nullptr) {
    Entry& fresh = create(address, now);
    enqueue(fresh, std::move(packet));
    ask(fresh, now);
    return true;
  }
  entry->used = now;
  if (entry->state == NeighbourState::incomplete) {
    enqueue(*entry, std::move(packet));
    return true;
  }
  output_.send_to_link(entry->mac, std::move(packet), now);
  const bool over =
      entry->state == NeighbourState::reachable && !still_reachable(entry->confirmed, now);
  if (over || entry->state == NeighbourState::stale) {
    entry->state = NeighbourState::probe;
    entry->asked = 0;
    ask(*entry, now);
  }
  return true;
}

void NeighbourCache::on_question(const IpAddress& address, const MacAddress& mac,
                                 Instant now) noexcept {
  Entry* entry = find_entry(address);
  if (entry == nullptr) {
    set_mac(create(address, now), mac, NeighbourState::stale, now);
  } else if (entry->state == NeighbourState::incomplete || entry->mac != mac) {
    set_mac(*entry, mac, NeighbourState::stale, now);
  }
}

void NeighbourCache::on_announcement(const IpAddress& address, const MacAddress& mac,
                                     Instant now) noexcept {
  if (find_entry(address) != nullptr) on_question(address, mac, now);
}

void NeighbourCache::on_answer(const IpAddress& address, const NeighbourAnswer& answer,
                               Instant now) noexcept {
  Entry* entry = find_entry(address);
  if (entry == nullptr) return;
  if (entry->state == NeighbourState::incomplete) {
    if (!answer.mac) return;
    set_mac(*entry, *answer.mac,
            answer.solicited ? NeighbourState::reachable : NeighbourState::stale, now);
    return;
  }
  const MacAddress mac = answer.mac.value_or(entry->mac);
  if (mac != entry->mac && !answer.override_known) {
    // RFC 4861 7.2.5: without the Override flag a different address makes REACHABLE into STALE and
    // changes nothing else.
    if (entry->state == NeighbourState::reachable) entry->state = NeighbourState::stale;
  } else if (answer.solicited) {
    set_mac(*entry, mac, NeighbourState::reachable, now);
  } else if (mac != entry->mac) {
    set_mac(*entry, mac, NeighbourState::stale, now);
  }
}

void NeighbourCache::learn(const IpAddress& address, const MacAddress& mac, Instant now) noexcept {
  Entry* entry = find_entry(address);
  set_mac(entry != nullptr ? *entry : create(address, now), mac, NeighbourState::reachable, now);
}

void NeighbourCache::forget(const IpAddress& address) noexcept {
  const auto found = entries_.find(address);
  if (found == entries_.end()) return;
  drops_.count(DropReason::neighbour_unresolved, found->second.waiting);
  entries_.erase(found);
}

std::optional<MacAddress> NeighbourCache::find(const IpAddress& address) const noexcept {
  const auto found = entries_.find(address);
  if (found == entries_.end() || found->second.state == NeighbourState::incomplete) {
    return std::nullopt;
  }
  return found->second.mac;
}

std::optional<NeighbourState> NeighbourCache::state(const IpAddress& address,
                                                    Instant now) const noexcept {
  const auto found = entries_.find(address);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  const bool over =
      entry.state == NeighbourState::reachable && !still_reachable(entry.confirmed, now);
  return over ? NeighbourState::stale : entry.state;
}

NeighbourCache::Entry* NeighbourCache::find_entry(const IpAddress& address) noexcept {
  const auto found = entries_.find(address);
  return found == entries_.end() ? nullptr : &found->second;
}

NeighbourCache::Entry& NeighbourCache::create(const IpAddress& address, Instant now) noexcept {
  if (entries_.size() >= limits::kNeighbours) evict_least_recently_used();
  Entry& entry = entries_.try_emplace(address, *this, address).first->second;
  entry.used = now;
  return entry;
}

// A scan: the table is small, and it is full only when somebody makes it so.
void NeighbourCache::evict_least_recently_used() noexcept {
  const auto oldest = std::min_element(
      entries_.begin(), entries_.end(),
      [](const auto& left, const auto& right) { return left.second.used < right.second.used; });
  drops_.count(DropReason::neighbour_queue_full, oldest->second.waiting);
  entries_.erase(oldest);
}

void NeighbourCache::ask(Entry& entry, Instant now) noexcept {
  ++entry.asked;
  timers_.arm(entry.timer, now + limits::kNeighbourRetry);
  const bool known = entry.state != NeighbourState::incomplete;
  output_.ask_neighbour(entry.address, known ? std::optional(entry.mac) : std::nullopt, now);
}

// RFC 4861 7.2.2: when the queue overflows, the new arrival replaces the oldest entry.
void NeighbourCache::enqueue(Entry& entry, FrameRef packet) noexcept {
  if (entry.waiting == entry.queue.size()) {
    std::move(entry.queue.begin() + 1, entry.queue.end(), entry.queue.begin());
    --entry.waiting;
    drops_.count(DropReason::neighbour_queue_full);
  }
  entry.queue[entry.waiting++] = std::move(packet);
}

void NeighbourCache::set_mac(Entry& entry, const MacAddress& mac, NeighbourState state,
                             Instant now) noexcept {
  entry.mac = mac;
  entry.state = state;
  entry.used = now;
  if (state == NeighbourState::reachable) entry.confirmed = now;
  entry.timer.cancel();
  flush(entry, now);
}

// Sending may come back to this cache, so the queue is emptied before the first packet leaves.
void NeighbourCache::flush(Entry& entry, Instant now) noexcept {
  const MacAddress mac = entry.mac;
  auto queue = std::move(entry.queue);
  const std::size_t count = std::exchange(entry.waiting, std::uint8_t{0});
  for (std::size_t i = 0; i < count; ++i)
    output_.send_to_link(mac, std::move(queue[i]), now);
}

void NeighbourCache::fail(Entry& entry, Instant now) noexcept {
  auto queue = std::move(entry.queue);
  const std::size_t count = entry.waiting;
  entries_.erase(IpAddress(entry.address));
  drops_.count(DropReason::neighbour_unresolved, count);
  for (std::size_t i = 0; i < count; ++i)
    output_.on_unresolved(std::move(queue[i]), now);
}

void NeighbourCache::on_timer(Entry& entry, Instant now) noexcept {
  if (entry.asked < limits::kNeighbourProbes) {
    ask(entry, now);
  } else {
    fail(entry, now);
  }
}

}  // namespace pontoon::stack
