// The addresses of one IPv4 network that can be handed out, lowest first. Taking a particular
// address, giving one back and finding the lowest free one are O(log n) in the number of addresses
// that were taken out of order or given back, and cost no memory for the rest: a /8 is no larger
// than a /28.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "core/base/address.h"

namespace pontoon::dhcp {

class AddressPool {
 public:
  // `prefix`: IPv4, /1 to /30. The network and broadcast addresses are never part of the pool.
  AddressPool(const IpPrefix& prefix, const std::vector<Ipv4Address>& reserved);

  bool contains(Ipv4Address address) const noexcept;
  bool is_free(Ipv4Address address) const;
  std::optional<Ipv4Address> lowest_free();
  void take(Ipv4Address address);       // must be free
  void give_back(Ipv4Address address);  // must be taken
  std::size_t capacity() const noexcept { return last_ - first_ + 1 - reserved_.size(); }

 private:
  std::uint32_t first_;
  std::uint32_t last_;
  std::set<std::uint32_t> reserved_;
  std::uint32_t cursor_;              // below it everything is taken, save what is in returned_
  std::set<std::uint32_t> returned_;  // free again, below cursor_
  std::set<std::uint32_t> taken_;     // taken out of order, at or above cursor_
};

}  // namespace pontoon::dhcp
