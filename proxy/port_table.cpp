#include "proxy/port_table.h"

#include <algorithm>
#include <tuple>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace pontoon::proxy {

PortTable::Reservation::Reservation(Reservation&& other) noexcept
    : table_(std::exchange(other.table_, nullptr)), ports_(std::move(other.ports_)) {}

PortTable::Reservation& PortTable::Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    give_back();
    table_ = std::exchange(other.table_, nullptr);
    ports_ = std::move(other.ports_);
  }
  return *this;
}

PortTable::Reservation::~Reservation() {
  give_back();
}

void PortTable::Reservation::commit() noexcept {
  if (table_ == nullptr) return;
  for (const HostPort& port : ports_) {
    const auto slot = table_->slots_.find(slot_of(port));
    if (slot == table_->slots_.end()) continue;  // released meanwhile
    for (Claim& claim : slot->second) {
      if (claim.ip == port.ip) claim.committed = true;
    }
  }
  table_ = nullptr;
}

void PortTable::Reservation::give_up(const HostPort& port) noexcept {
  if (table_ != nullptr && std::erase(ports_, port) > 0) table_->release(port);
}

void PortTable::Reservation::give_back() noexcept {
  if (table_ == nullptr) return;
  for (const HostPort& port : ports_)
    table_->release(port);
  table_ = nullptr;
}

Result<PortTable::Reservation> PortTable::reserve(std::string_view owner,
                                                  std::span<const HostPort> ports) {
  std::vector<HostPort> taken;
  taken.reserve(ports.size());
  Reservation reservation(*this, std::move(taken));
  for (const HostPort& port : ports) {
    if (const Claim* claim = conflicting(port)) {
      return Error{ErrorCode::conflict, "Bind for " + port.to_string() +
                                            " failed: port is already allocated by " +
                                            claim->owner + "; stop it or choose another host port"};
    }
    if (size_ >= limits::kPublishedPorts) {
      return Error{ErrorCode::exhausted,
                   "Bind for " + port.to_string() + " failed: all " +
                       std::to_string(limits::kPublishedPorts) +
                       " places for published ports are taken; stop an endpoint first"};
    }
    slots_[slot_of(port)].push_back({port.ip, std::string(owner), false});
    reservation.ports_.push_back(port);
    ++size_;
  }
  return Result<Reservation>(std::move(reservation));
}

std::optional<std::string> PortTable::holder(const HostPort& port) const {
  const Claim* claim = conflicting(port);
  if (claim == nullptr) return std::nullopt;
  return claim->owner;
}

void PortTable::release(const HostPort& port) noexcept {
  const auto slot = slots_.find(slot_of(port));
  if (slot == slots_.end()) return;
  size_ -= std::erase_if(slot->second, [&](const Claim& claim) { return claim.ip == port.ip; });
  if (slot->second.empty()) slots_.erase(slot);
}

void PortTable::release_owner(std::string_view owner) noexcept {
  for (auto slot = slots_.begin(); slot != slots_.end();) {
    size_ -= std::erase_if(
        slot->second, [&](const Claim& claim) { return claim.committed && claim.owner == owner; });
    slot = slot->second.empty() ? slots_.erase(slot) : std::next(slot);
  }
}

std::vector<PortTable::Entry> PortTable::entries() const {
  std::vector<Entry> all;
  all.reserve(size_);
  for (const auto& [slot, claims] : slots_) {
    for (const Claim& claim : claims) {
      all.push_back({{claim.ip, slot.port, slot.protocol}, claim.owner, claim.committed});
    }
  }
  std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.port.protocol, a.port.port, a.port.ip) <
           std::tie(b.port.protocol, b.port.port, b.port.ip);
  });
  return all;
}

PortTable::Slot PortTable::slot_of(const HostPort& port) noexcept {
  return {port.protocol, port.ip.family(), port.port};
}

const PortTable::Claim* PortTable::conflicting(const HostPort& port) const noexcept {
  const auto slot = slots_.find(slot_of(port));
  if (slot == slots_.end()) return nullptr;
  for (const Claim& claim : slot->second) {
    if (claim.ip == port.ip || claim.ip.is_any() || port.ip.is_any()) return &claim;
  }
  return nullptr;
}

}  // namespace pontoon::proxy
