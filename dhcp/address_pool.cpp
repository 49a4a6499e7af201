#include "dhcp/address_pool.h"

#include "core/base/check.h"

namespace pontoon::dhcp {

AddressPool::AddressPool(const IpPrefix& prefix, const std::vector<Ipv4Address>& reserved) {
  INVARIANT(prefix.address.is_v4() && prefix.length >= 1 && prefix.length <= 30);
  first_ = prefix.network().v4().value + 1;
  last_ = prefix.last().v4().value - 1;
  for (const Ipv4Address address : reserved) {
    if (address.value >= first_ && address.value <= last_) reserved_.insert(address.value);
  }
  cursor_ = first_;
}

bool AddressPool::contains(Ipv4Address address) const noexcept {
  return address.value >= first_ && address.value <= last_ && !reserved_.contains(address.value);
}

bool AddressPool::is_free(Ipv4Address address) const {
  if (!contains(address)) return false;
  return address.value < cursor_ ? returned_.contains(address.value)
                                 : !taken_.contains(address.value);
}

// The cursor only moves up, so what it passes over is passed over once.
std::optional<Ipv4Address> AddressPool::lowest_free() {
  if (!returned_.empty()) return Ipv4Address{*returned_.begin()};
  while (cursor_ <= last_ && (reserved_.contains(cursor_) || taken_.erase(cursor_) == 1))
    ++cursor_;
  if (cursor_ > last_) return std::nullopt;
  return Ipv4Address{cursor_};
}

void AddressPool::take(Ipv4Address address) {
  INVARIANT(is_free(address));
  if (address.value < cursor_) {
    returned_.erase(address.value);
  } else if (address.value == cursor_) {
    ++cursor_;
  } else {
    taken_.insert(address.value);
  }
}

void AddressPool::give_back(Ipv4Address address) {
  INVARIANT(contains(address) && !is_free(address));
  if (address.value < cursor_) {
    returned_.insert(address.value);
  } else {
    taken_.erase(address.value);
  }
}

}  // namespace pontoon::dhcp
