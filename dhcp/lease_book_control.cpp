// What the control plane does to the book: claims by name, and restoring what the store had.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "dhcp/lease_book.h"

namespace pontoon::dhcp {
namespace {

// Names compare as in DNS (RFC 4343): without regard to the case of ASCII letters.
std::string identity_of_name(std::string_view endpoint) {
  std::string identity("e");
  for (const char c : endpoint)
    identity += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return identity;
}

std::string holder(const Lease& lease) {
  if (!lease.endpoint.empty()) return lease.endpoint;
  if (lease.hostname.empty()) return fmt::format("{} (by DHCP)", lease.mac.to_string());
  return fmt::format("{} (by DHCP, calls itself {})", lease.mac.to_string(), lease.hostname);
}

Status<> check_claim(const Claim& claim) {
  if (claim.endpoint.empty() || claim.endpoint.size() > limits::kNameBytes) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("An endpoint's name has 1 to {} characters", limits::kNameBytes)};
  }
  if (claim.mac.is_zero() || claim.mac.is_multicast()) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{} is not the address of an interface", claim.mac.to_string())};
  }
  return {};
}

// The order in which restored leases are taken in: who holds an address now goes first, then those
// that rest, in the order in which they ended.
auto restore_rank(const Lease& lease, Instant now) {
  const bool rests = lease.state == LeaseState::released || lease.state == LeaseState::expired;
  const bool holds = !rests && lease.expires > now;
  return std::tuple(holds ? 0 : 1, lease.expires, lease.address);
}

}  // namespace

Status<> LeaseBook::check_requested(const Claim& claim, Ipv4Address address) const {
  const auto invalid = [&](std::string_view why) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("Address {} {}", address.to_string(), why)};
  };
  const IpPrefix& prefix = config_.prefix;
  if (!prefix.contains(address)) {
    return invalid(fmt::format("is not in network {} ({})", config_.network,
                               IpPrefix{prefix.network(), prefix.length}.to_string()));
  }
  if (address == prefix.network().v4()) return invalid("is the network's own address");
  if (address == prefix.last().v4()) return invalid("is the network's broadcast address");
  if (address == config_.gateway) return invalid("is the network's gateway");
  if (!pool_.contains(address)) return invalid("is reserved");
  const Entry* held = entry(address);
  if (held == nullptr || held->rests() || held->identity == identity_of_name(claim.endpoint))
    return {};
  if (held->lease.state == LeaseState::declined) {
    return Error{ErrorCode::conflict,
                 fmt::format("Address {} is in quarantine: {} found it in use", address.to_string(),
                             held->lease.mac.to_string())};
  }
  if (!held->is_endpoint() && held->lease.mac == claim.mac) return {};
  return Error{ErrorCode::conflict,
               fmt::format("Address {} is in use by {}", address.to_string(), holder(held->lease))};
}

// Whether this very endpoint found the address that it asks for in use: it gets another one again.
bool LeaseBook::has_declined(const Claim& claim) const {
  const Entry* held = entry(*claim.requested);
  return claim.by_dhcp && held != nullptr && held->lease.state == LeaseState::declined &&
         held->lease.mac == claim.mac;
}

Result<Ipv4Address> LeaseBook::address_for(const Claim& claim) {
  const Entry* known = entry_by_identity(identity_of_name(claim.endpoint));
  if (claim.requested && !has_declined(claim)) {
    const auto fits = check_requested(claim, *claim.requested);
    if (!fits) return fits.error();
    return *claim.requested;
  }
  if (known != nullptr) return known->lease.address;
  if (const auto address = vacate_one()) return *address;
  return Error{ErrorCode::exhausted, fmt::format("Network {} ({}) has no free address left",
                                                 config_.network, config_.prefix.to_string())};
}

Result<Lease> LeaseBook::claim(const Claim& claim, Instant) {
  const auto valid = check_claim(claim);
  if (!valid) return valid.error();
  const std::string identity = identity_of_name(claim.endpoint);
  const Entry* mac_holder = nullptr;
  if (const auto found = endpoint_by_mac_.find(claim.mac); found != endpoint_by_mac_.end()) {
    mac_holder = entry(Ipv4Address{found->second});
  }
  if (mac_holder != nullptr && mac_holder->identity != identity) {
    return Error{ErrorCode::conflict,
                 fmt::format("MAC address {} is in use by {}", claim.mac.to_string(),
                             holder(mac_holder->lease))};
  }
  const auto address = address_for(claim);
  if (!address) return address.error();

  Entry* held = entry(*address);
  const bool unchanged = held != nullptr && held->identity == identity &&
                         held->lease.state == LeaseState::bound && held->lease.mac == claim.mac;
  if (unchanged) {
    held->claimed = true;
    held->by_dhcp = claim.by_dhcp;
    return held->lease;
  }
  return take_over(*address, claim, identity);
}

// The name leaves another address that it had, and whoever is remembered at this one is forgotten.
Lease LeaseBook::take_over(Ipv4Address address, const Claim& claim, const std::string& identity) {
  const auto known = by_identity_.find(identity);
  if (known != by_identity_.end() && known->second != address.value) {
    const Ipv4Address former{known->second};
    erase(*entry(former));
    mark(former);
  }
  Entry* held = entry(address);
  if (held != nullptr && held->identity != identity) {
    erase(*held);
    held = nullptr;
  }
  if (held == nullptr) {
    Lease content;
    content.mac = claim.mac;
    content.endpoint = claim.endpoint;
    content.state = LeaseState::bound;
    held = &create(address, std::move(content), identity);
  } else {
    hold_anew(*held);
    set_mac(*held, claim.mac);
    move(*held, LeaseState::bound, kNever);
  }
  held->remembered = true;
  held->claimed = true;
  held->by_dhcp = claim.by_dhcp;
  mark(address);
  return held->lease;
}

bool LeaseBook::release(std::string_view endpoint, Instant now) {
  const auto known = by_identity_.find(identity_of_name(endpoint));
  if (known == by_identity_.end()) return false;
  Entry& held = *entry(Ipv4Address{known->second});
  if (held.lease.state != LeaseState::bound) return false;
  move(held, LeaseState::released, now);
  mark(held.lease.address);
  return true;
}

void LeaseBook::release_unclaimed(Instant now) {
  std::vector<std::string> absent;
  for (const auto& [address, held] : entries_) {
    const bool gone = held.is_endpoint() && held.lease.state == LeaseState::bound && !held.claimed;
    if (gone) absent.push_back(held.lease.endpoint);
  }
  std::sort(absent.begin(), absent.end());  // the order of a hash table is not reproducible
  for (const std::string& endpoint : absent)
    release(endpoint, now);
}

bool LeaseBook::forget(std::string_view endpoint) {
  const auto known = by_identity_.find(identity_of_name(endpoint));
  if (known == by_identity_.end()) return false;
  const Ipv4Address address{known->second};
  erase(*entry(address));
  mark(address);
  return true;
}

void LeaseBook::forget_all() {
  while (!entries_.empty()) {
    Entry& held = entries_.begin()->second;
    const Ipv4Address address = held.lease.address;
    erase(held);
    mark(address);
  }
}

void LeaseBook::restore(const std::vector<Lease>& leases, Instant now) {
  INVARIANT(entries_.empty());
  std::vector<Lease> ours;
  for (const Lease& lease : leases) {
    if (lease.network == config_.network) ours.push_back(lease);
  }
  std::sort(ours.begin(), ours.end(), [now](const Lease& left, const Lease& right) {
    return restore_rank(left, now) < restore_rank(right, now);
  });
  for (const Lease& lease : ours)
    restore_one(lease, now);
}

bool LeaseBook::accept_restored(const Lease& lease, const std::string& identity, Instant now) {
  if (!pool_.is_free(lease.address) || entries_.size() >= limits::kLeasesPerNetwork) return false;
  if (lease.state == LeaseState::offered) return false;
  if (lease.state == LeaseState::declined) return lease.expires > now;
  const Entry* same = entry_by_identity(identity);
  if (same == nullptr) return true;
  // Two rows of one client: the running lease counts, else the one that ended last.
  if (!same->rests()) return false;
  const Ipv4Address older = same->lease.address;
  erase(*entry(older));
  mark(older);
  return true;
}

void LeaseBook::restore_one(const Lease& lease, Instant now) {
  const std::string identity = !lease.endpoint.empty()
                                   ? identity_of_name(lease.endpoint)
                                   : identity_of(Client{lease.mac, lease.client_id, {}});
  if (!accept_restored(lease, identity, now)) {
    mark(lease.address);
    return;
  }
  Lease content = lease;
  if (lease.state == LeaseState::bound && lease.expires <= now) content.state = LeaseState::expired;
  const bool bound = content.state == LeaseState::bound;
  if (bound && !lease.endpoint.empty() && endpoint_by_mac_.contains(lease.mac)) {
    content.state = LeaseState::released;  // one MAC, one endpoint
    content.expires = now;
  }
  const bool declined = lease.state == LeaseState::declined;
  Entry& held = create(lease.address, std::move(content), declined ? std::string() : identity);
  held.remembered = true;
  held.saved = held.changed;
  if (held.lease.state == LeaseState::bound) held.durable_until = lease.expires;
  if (held.lease.state != lease.state) mark(lease.address);
}

const Lease* LeaseBook::find_endpoint(std::string_view endpoint) const {
  const Entry* found = entry_by_identity(identity_of_name(endpoint));
  return found == nullptr ? nullptr : &found->lease;
}

std::vector<Lease> LeaseBook::list() const {
  std::vector<Lease> leases;
  leases.reserve(entries_.size());
  for (const auto& [address, held] : entries_)
    leases.push_back(held.lease);
  std::sort(leases.begin(), leases.end(),
            [](const Lease& left, const Lease& right) { return left.address < right.address; });
  return leases;
}

}  // namespace pontoon::dhcp
