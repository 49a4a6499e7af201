// A bounded table of flows that one owner cannot fill at the cost of another.
//
// Each owner (an endpoint's address) has its own order of use and its own cap: at the cap its own
// least recently used flow makes room. When the whole table is full, the owner with the most flows
// gives one up, so that a flood from one endpoint, or from several, never costs a quiet one its
// flows.
//
// Flow is constructed in place, as Flow(key, args...), and never moves. It must have the members
// `const Key key`, `const IpAddress owner` and `ListHook<Flow> age`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>

#include "core/base/address.h"
#include "core/base/check.h"
#include "proxy/intrusive_list.h"

namespace pontoon::proxy {

template <class Key, class Flow, class Hash = std::hash<Key>>
class FlowTable {
 public:
  FlowTable(std::size_t total, std::size_t per_owner) noexcept
      : total_(total), per_owner_(per_owner) {}

  std::size_t size() const noexcept { return flows_.size(); }
  std::uint64_t evicted() const noexcept { return evicted_; }

  Flow* find(const Key& key) noexcept {
    const auto found = flows_.find(key);
    return found == flows_.end() ? nullptr : &found->second;
  }

  // Evicts until one more flow of this owner fits.
  void make_room(const IpAddress& owner) noexcept {
    const auto own = owners_.find(owner);
    if (own != owners_.end() && own->second.size() >= per_owner_) evict_oldest_of(owner);
    if (flows_.size() >= total_) evict_oldest_of(largest_owner(owner));
  }

  // False when the owner has no flow.
  bool evict_oldest_of(const IpAddress& owner) noexcept {
    const auto own = owners_.find(owner);
    if (own == owners_.end()) return false;
    ++evicted_;
    erase(*own->second.front());
    return true;
  }

  // Evicts one flow in favour of this owner: of the owner with the most, itself among them. False
  // when nobody has a flow.
  bool evict_for(const IpAddress& owner) noexcept { return evict_oldest_of(largest_owner(owner)); }

  // The key must not be there yet, and make_room() must have been called.
  template <class... Args>
  Flow& insert(const Key& key, Args&&... args) {
    const auto [place, inserted] = flows_.try_emplace(key, key, std::forward<Args>(args)...);
    INVARIANT(inserted && flows_.size() <= total_);
    touch(place->second);
    return place->second;
  }

  // The flow becomes its owner's most recently used one.
  void touch(Flow& flow) noexcept { owners_[flow.owner].push_back(flow.age); }

  void erase(Flow& flow) noexcept {
    const auto own = owners_.find(flow.owner);
    flow.age.unlink();
    if (own != owners_.end() && own->second.empty()) owners_.erase(own);
    const Key key = flow.key;
    flows_.erase(key);
  }

  void erase_owner(const IpAddress& owner) noexcept {
    for (auto own = owners_.find(owner); own != owners_.end(); own = owners_.find(owner)) {
      erase(*own->second.front());
    }
  }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [key, flow] : flows_)
      visit(flow);
  }

 private:
  // Ties go against the one who asks.
  IpAddress largest_owner(const IpAddress& asking) const noexcept {
    IpAddress largest = asking;
    const auto own = owners_.find(asking);
    std::size_t most = own == owners_.end() ? 0 : own->second.size();
    for (const auto& [owner, flows] : owners_) {
      if (flows.size() > most) {
        most = flows.size();
        largest = owner;
      }
    }
    return largest;
  }

  std::size_t total_;
  std::size_t per_owner_;
  std::uint64_t evicted_ = 0;
  std::unordered_map<IpAddress, IntrusiveList<Flow>> owners_;
  std::unordered_map<Key, Flow, Hash> flows_;  // dies first: flows leave their owner's list
};

}  // namespace pontoon::proxy
