// Entries, their indexes, and what DHCP clients do to them.
//
// entries_ holds every address that somebody has or is remembered for; pool_ knows the others.
// Each entry is reachable by its identity (save in quarantine) and counted under its MAC: in
// endpoint_by_mac_ while an endpoint is bound, in clients_by_mac_ in every state when it is no
// endpoint's. It is in resting_ or quarantined_ exactly when its state says so, and its timer is
// armed exactly when its state ends by itself: enter() and leave() keep that true.
#include "dhcp/lease_book.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace pontoon::dhcp {
namespace {

std::vector<Ipv4Address> with_gateway(std::vector<Ipv4Address> reserved, Ipv4Address gateway) {
  reserved.push_back(gateway);
  return reserved;
}

}  // namespace

LeaseBook::LeaseBook(const LeaseBookConfig& config, TimerQueue& timers)
    : config_(config),
      timers_(timers),
      pool_(config.prefix, with_gateway(config.reserved, config.gateway)) {}

LeaseBook::Entry* LeaseBook::entry(Ipv4Address address) noexcept {
  const auto found = entries_.find(address.value);
  return found == entries_.end() ? nullptr : &found->second;
}

const LeaseBook::Entry* LeaseBook::entry(Ipv4Address address) const noexcept {
  return const_cast<LeaseBook*>(this)->entry(address);
}

const LeaseBook::Entry* LeaseBook::entry_by_identity(const std::string& identity) const {
  const auto found = by_identity_.find(identity);
  return found == by_identity_.end() ? nullptr : entry(Ipv4Address{found->second});
}

// RFC 2131 4.2: "If the client does not provide a 'client identifier' option, the server MUST use
// the contents of the 'chaddr' field to identify the client." The first byte keeps the kinds apart;
// endpoints' begin with "e".
std::string LeaseBook::identity_of(const Client& client) const {
  if (client.client_id.empty()) return std::string("m").append(as_text(client.mac.octets));
  std::string contested = std::string("x").append(as_text(client.mac.octets));
  contested.append(as_text(client.client_id));
  if (by_identity_.contains(contested)) return contested;
  std::string identity = std::string("c").append(as_text(client.client_id));
  const Entry* holder = entry_by_identity(identity);
  // Deviation: see the header. A lease that rests follows its identifier to another MAC.
  const bool foreign = holder != nullptr && holder->lease.mac != client.mac && !holder->rests();
  return foreign ? contested : identity;
}

const LeaseBook::Entry* LeaseBook::entry_of(const Client& client) const {
  const auto endpoint = endpoint_by_mac_.find(client.mac);
  if (endpoint != endpoint_by_mac_.end()) return entry(Ipv4Address{endpoint->second});
  return entry_by_identity(identity_of(client));
}

LeaseBook::Entry* LeaseBook::entry_of(const Client& client) {
  return const_cast<Entry*>(std::as_const(*this).entry_of(client));
}

LeaseBook::Entry& LeaseBook::create(Ipv4Address address, Lease content, std::string identity) {
  pool_.take(address);
  content.network = config_.network;
  content.address = address;
  const auto [at, inserted] =
      entries_.try_emplace(address.value, *this, std::move(content), std::move(identity));
  INVARIANT(inserted);
  Entry& created = at->second;
  created.born = created.changed = next_change_++;
  if (!created.identity.empty()) by_identity_[created.identity] = address.value;
  enter(created);
  return created;
}

// The address is free again. The caller marks it when the disk may know of this holder.
void LeaseBook::erase(Entry& entry) {
  const Ipv4Address address = entry.lease.address;
  leave(entry);
  if (!entry.identity.empty()) by_identity_.erase(entry.identity);
  entries_.erase(address.value);
  pool_.give_back(address);
}

void LeaseBook::enter(Entry& entry) {
  const std::uint32_t address = entry.lease.address.value;
  switch (entry.lease.state) {
    case LeaseState::offered:
    case LeaseState::bound:
      timers_.arm(entry.timer, entry.lease.expires);
      break;
    case LeaseState::declined:
      timers_.arm(entry.timer, entry.lease.expires);
      entry.place = quarantined_.insert(quarantined_.end(), address);
      break;
    case LeaseState::released:
    case LeaseState::expired:
      entry.place = resting_.insert(resting_.end(), address);
      break;
  }
  index_mac(entry);
}

void LeaseBook::leave(Entry& entry) {
  unindex_mac(entry);
  entry.timer.cancel();
  if (entry.rests()) resting_.erase(entry.place);
  if (entry.lease.state == LeaseState::declined) quarantined_.erase(entry.place);
}

void LeaseBook::move(Entry& entry, LeaseState state, Instant expires) {
  leave(entry);
  move_to(entry.lease, state, expires);
  enter(entry);
}

void LeaseBook::hold_anew(Entry& entry) {
  if (!entry.rests()) return;
  entry.born = next_change_++;
  entry.durable_until.reset();
}

void LeaseBook::set_mac(Entry& entry, const MacAddress& mac) {
  if (entry.lease.mac == mac) return;
  unindex_mac(entry);
  entry.lease.mac = mac;
  index_mac(entry);
}

void LeaseBook::index_mac(const Entry& entry) {
  const std::uint32_t address = entry.lease.address.value;
  if (!entry.is_endpoint()) {
    clients_by_mac_[entry.lease.mac].push_back(address);
  } else if (entry.lease.state == LeaseState::bound) {
    endpoint_by_mac_[entry.lease.mac] = address;
  }
}

void LeaseBook::unindex_mac(const Entry& entry) {
  const std::uint32_t address = entry.lease.address.value;
  if (entry.is_endpoint()) {
    const auto found = endpoint_by_mac_.find(entry.lease.mac);
    if (found != endpoint_by_mac_.end() && found->second == address) endpoint_by_mac_.erase(found);
    return;
  }
  const auto found = clients_by_mac_.find(entry.lease.mac);
  if (found == clients_by_mac_.end()) return;
  std::erase(found->second, address);
  if (found->second.empty()) clients_by_mac_.erase(found);
}

// Finds a free address, and room for its entry; when there is none, the lease that has rested
// longest loses its own.
std::optional<Ipv4Address> LeaseBook::vacate_one() {
  if (entries_.size() < limits::kLeasesPerNetwork) {
    if (const auto free = pool_.lowest_free()) return free;
  }
  if (resting_.empty()) return std::nullopt;
  const Ipv4Address address{resting_.front()};
  erase(*entry(address));
  mark(address);
  return address;
}

// A MAC at its limit forgets its own oldest resting lease, never somebody else's.
std::optional<Refusal> LeaseBook::make_room_for(const MacAddress& mac) {
  const auto found = clients_by_mac_.find(mac);
  if (found == clients_by_mac_.end() || found->second.size() < limits::kLeasesPerPort) {
    return std::nullopt;
  }
  Entry* oldest = nullptr;
  for (const std::uint32_t address : found->second) {
    Entry* candidate = entry(Ipv4Address{address});
    if (!candidate->rests()) continue;
    if (oldest == nullptr || candidate->lease.expires < oldest->lease.expires) oldest = candidate;
  }
  if (oldest == nullptr) return Refusal::limit;
  const Ipv4Address address = oldest->lease.address;
  erase(*oldest);
  mark(address);
  return std::nullopt;
}

Result<LeaseBook::Entry*, Refusal> LeaseBook::create_for(const Client& client,
                                                         std::optional<Ipv4Address> wanted,
                                                         Instant now) {
  if (const auto refusal = make_room_for(client.mac)) return *refusal;
  std::optional<Ipv4Address> address = vacate_one();
  if (!address) return Refusal::none_free;
  // Only an address that nobody is remembered for: a mere wish takes nothing from anyone.
  if (wanted && pool_.is_free(*wanted)) address = wanted;
  Lease content;
  content.mac = client.mac;
  content.client_id = client.client_id;
  content.hostname = client.hostname;
  content.state = LeaseState::offered;
  content.expires = now + limits::kDhcpOffer;
  return &create(*address, std::move(content), identity_of(client));
}

Result<const Lease*, Refusal> LeaseBook::offer(const Client& client,
                                               std::optional<Ipv4Address> wanted, Instant now) {
  Entry* held = entry_of(client);
  if (held == nullptr) {
    const auto created = create_for(client, wanted, now);
    if (!created) return created.error();
    held = *created;
  }
  if (held->lease.state != LeaseState::bound) {
    held->remembered = held->remembered || held->rests();
    set_mac(*held, client.mac);
    move(*held, LeaseState::offered, now + limits::kDhcpOffer);
  }
  return &held->lease;
}

Result<const Lease*, Refusal> LeaseBook::bind(const Client& client, Ipv4Address address,
                                              Instant until, Instant now) {
  Entry* held = entry_of(client);
  if (held == nullptr) {
    // The offer has lapsed, or the client remembers what we do not: fine while it is nobody's.
    if (!pool_.is_free(address)) return Refusal::unavailable;
    const auto created = create_for(client, address, now);
    if (!created) return created.error();
    held = *created;
  }
  if (held->lease.address != address) return Refusal::unavailable;
  if (held->is_endpoint() && held->lease.state == LeaseState::bound) return &held->lease;
  INVARIANT(until > now);
  hold_anew(*held);
  held->remembered = true;
  held->lease.hostname = client.hostname;
  set_mac(*held, client.mac);
  move(*held, LeaseState::bound, until);
  mark(address);
  return &held->lease;
}

void LeaseBook::drop_offer(const Client& client, Instant now) {
  Entry* held = entry_of(client);
  if (held != nullptr && held->lease.state == LeaseState::offered) lapse(*held, now);
}

bool LeaseBook::release(const Client& client, Ipv4Address address, Instant now) {
  if (!holds(client, address)) return false;
  Entry& held = *entry(address);
  if (held.is_endpoint()) return true;
  move(held, LeaseState::released, now);
  mark(address);
  return true;
}

bool LeaseBook::decline(const Client& client, Ipv4Address address, Instant now) {
  if (!holds(client, address)) return false;
  Entry& held = *entry(address);
  Declined told{address, client.mac, held.lease.endpoint, std::nullopt};
  if (held.is_endpoint()) {
    told.instead = replace_address(held);
    if (!told.instead) return false;
  } else {
    by_identity_.erase(held.identity);
  }
  quarantine(held, now);
  if (declined_.size() < limits::kDhcpQuarantined) declined_.push_back(std::move(told));
  return true;
}

// Binds an endpoint to another address; its entry at the former one is the caller's to end.
std::optional<Ipv4Address> LeaseBook::replace_address(const Entry& endpoint) {
  if (!endpoint.by_dhcp || make_room_for(endpoint.lease.mac)) return std::nullopt;
  const std::optional<Ipv4Address> address = vacate_one();
  if (!address) return std::nullopt;
  Entry& moved = create(*address, endpoint.lease, endpoint.identity);
  moved.remembered = true;
  moved.claimed = endpoint.claimed;
  moved.by_dhcp = true;
  mark(*address);
  return address;
}

// The entry is nobody's from now on, but counts as its MAC's.
void LeaseBook::quarantine(Entry& entry, Instant now) {
  if (quarantined_.size() >= limits::kDhcpQuarantined) {
    const Ipv4Address early{quarantined_.front()};
    erase(*this->entry(early));
    mark(early);
  }
  leave(entry);
  entry.identity.clear();
  if (entry.is_endpoint()) entry.lease.hostname = std::exchange(entry.lease.endpoint, {});
  move_to(entry.lease, LeaseState::declined, now + limits::kDhcpQuarantine);
  enter(entry);
  mark(entry.lease.address);
}

void LeaseBook::withdraw(Ipv4Address address, Instant promised, Instant now) {
  Entry* held = entry(address);
  if (held == nullptr || held->lease.state != LeaseState::bound || held->is_endpoint()) return;
  if (promised > now) {
    move(*held, LeaseState::bound, promised);
  } else {
    move(*held, LeaseState::expired, now);
  }
  mark(address);
}

void LeaseBook::lapse(Entry& entry, Instant now) {
  if (entry.remembered) {
    move(entry, LeaseState::expired, now);
  } else {
    erase(entry);
  }
}

void LeaseBook::on_deadline(Entry& entry, Instant now) {
  const Ipv4Address address = entry.lease.address;
  switch (entry.lease.state) {
    case LeaseState::offered:
      lapse(entry, now);
      return;
    case LeaseState::bound:
      move(entry, LeaseState::expired, now);
      mark(address);
      return;
    case LeaseState::declined:
      erase(entry);
      mark(address);
      return;
    case LeaseState::released:
    case LeaseState::expired:
      INVARIANT(false);
  }
}

const Lease* LeaseBook::find(Ipv4Address address) const {
  const Entry* found = entry(address);
  return found == nullptr ? nullptr : &found->lease;
}

const Lease* LeaseBook::find(const Client& client) const {
  const Entry* found = entry_of(client);
  return found == nullptr ? nullptr : &found->lease;
}

bool LeaseBook::holds(const Client& client, Ipv4Address address) const {
  const Entry* found = entry_of(client);
  return found != nullptr && found->lease.address == address &&
         found->lease.state == LeaseState::bound;
}

}  // namespace pontoon::dhcp
