// All flows of one network: a slab that recycles them and an open-addressed index (linear probing,
// deletion by moving back, keyed hash). Flows have stable addresses; nobody outside the engine
// refers to one, so a flow needs no generation. Limits: kTcpFlows, and per endpoint
// kTcpFlowsPerEndpoint and kTcpHalfOpenPerEndpoint. Nothing is ever evicted for a newcomer.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/stack/tcp/flow.h"
#include "core/stack/tcp/keyed_hash.h"

namespace pontoon::stack::tcp {

class FlowTable {
 public:
  FlowTable(Random& random, FlowEvents& events);

  Flow* find(const SocketAddress& endpoint, const SocketAddress& far) const noexcept;
  // Whether a limit forbids another flow of this endpoint.
  bool full(const IpAddress& endpoint) const noexcept;
  // A fresh, half-open flow; the pair must not be in the table. Null when a limit is reached.
  Flow* insert(const SocketAddress& endpoint, const SocketAddress& far) noexcept;
  // The flow is no longer half-open.
  void opened(Flow& flow) noexcept;
  // Forgets the flow; its storage is used again.
  void erase(Flow& flow) noexcept;

  std::size_t size() const noexcept { return size_; }
  std::size_t half_open_of(const IpAddress& endpoint) const noexcept;

  // Visits every flow; the visitor may erase the one that it is shown.
  template <class Visitor>
  void for_each(Visitor visit) {
    for (const Slot& slot : slab_)
      if (slot.used) visit(*slot.flow);
  }

 private:
  struct Slot {
    std::unique_ptr<Flow> flow;
    bool used = false;
  };
  struct Usage {
    std::uint32_t flows = 0;
    std::uint32_t half_open = 0;
  };
  struct AddressHash {
    HashKey key;
    std::size_t operator()(const IpAddress& address) const noexcept {
      return keyed_hash(key, address.octets());
    }
  };
  struct Entry {
    Flow* flow = nullptr;
    std::uint32_t slot = 0;
  };

  std::size_t home(std::uint64_t hash) const noexcept { return hash & (index_.size() - 1); }
  std::size_t position_of(const Flow& flow) const noexcept;
  std::uint32_t take_slot();
  void put(Entry entry) noexcept;
  void grow();
  void close_gap(std::size_t gap) noexcept;

  HashKey key_;
  FlowEvents& events_;
  std::vector<Slot> slab_;
  std::vector<std::uint32_t> free_;
  std::vector<Entry> index_;
  std::unordered_map<IpAddress, Usage, AddressHash> usage_;
  std::size_t size_ = 0;
};

}  // namespace pontoon::stack::tcp
