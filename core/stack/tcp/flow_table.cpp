#include "core/stack/tcp/flow_table.h"

#include <memory>
#include <utility>

namespace pontoon::stack::tcp {
namespace {

constexpr std::size_t kFirstIndex = 64;  // a power of two, as all its successors

}  // namespace

FlowTable::FlowTable(Random& random, FlowEvents& events)
    : key_(HashKey::draw(random)),
      events_(events),
      index_(kFirstIndex),
      usage_(16, AddressHash{key_}) {}

Flow* FlowTable::find(const SocketAddress& endpoint, const SocketAddress& far) const noexcept {
  const std::uint64_t hash = keyed_hash(key_, endpoint, far);
  for (std::size_t at = home(hash); index_[at].flow != nullptr; at = home(at + 1)) {
    Flow& flow = *index_[at].flow;
    if (flow.hash == hash && flow.endpoint == endpoint && flow.far == far) return &flow;
  }
  return nullptr;
}

bool FlowTable::full(const IpAddress& endpoint) const noexcept {
  if (size_ >= limits::kTcpFlows) return true;
  const auto found = usage_.find(endpoint);
  return found != usage_.end() && (found->second.flows >= limits::kTcpFlowsPerEndpoint ||
                                   found->second.half_open >= limits::kTcpHalfOpenPerEndpoint);
}

Flow* FlowTable::insert(const SocketAddress& endpoint, const SocketAddress& far) noexcept {
  if (full(endpoint.ip)) return nullptr;
  if ((size_ + 1) * 2 > index_.size()) grow();
  const std::uint32_t slot = take_slot();
  // Everything starts from its default; the storage is what is recycled.
  Flow* flow = slab_[slot].flow.get();
  std::destroy_at(flow);
  std::construct_at(flow, events_);
  flow->endpoint = endpoint;
  flow->far = far;
  flow->hash = keyed_hash(key_, endpoint, far);
  put({flow, slot});
  Usage& usage = usage_[endpoint.ip];
  ++usage.flows;
  ++usage.half_open;
  ++size_;
  return flow;
}

void FlowTable::opened(Flow& flow) noexcept {
  --usage_[flow.endpoint.ip].half_open;
}

void FlowTable::erase(Flow& flow) noexcept {
  const std::size_t at = position_of(flow);
  const std::uint32_t slot = index_[at].slot;
  close_gap(at);
  const auto usage = usage_.find(flow.endpoint.ip);
  if (half_open(flow.state)) --usage->second.half_open;
  if (--usage->second.flows == 0) usage_.erase(usage);
  flow.timer.cancel();
  flow.stream.reset();
  slab_[slot].used = false;
  free_.push_back(slot);
  --size_;
}

std::size_t FlowTable::half_open_of(const IpAddress& endpoint) const noexcept {
  const auto found = usage_.find(endpoint);
  return found == usage_.end() ? 0 : found->second.half_open;
}

std::size_t FlowTable::position_of(const Flow& flow) const noexcept {
  std::size_t at = home(flow.hash);
  while (index_[at].flow != &flow) {
    INVARIANT(index_[at].flow != nullptr);
    at = home(at + 1);
  }
  return at;
}

std::uint32_t FlowTable::take_slot() {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slab_.size()));
    slab_.push_back({std::make_unique<Flow>(events_), false});
    free_.reserve(slab_.capacity());  // so that erase() never allocates
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  slab_[slot].used = true;
  return slot;
}

void FlowTable::put(Entry entry) noexcept {
  std::size_t at = home(entry.flow->hash);
  while (index_[at].flow != nullptr)
    at = home(at + 1);
  index_[at] = entry;
}

void FlowTable::grow() {
  const std::vector<Entry> old = std::exchange(index_, std::vector<Entry>(index_.size() * 2));
  for (const Entry& entry : old)
    if (entry.flow != nullptr) put(entry);
}

// Moves back every follower that the gap would hide from its home.
void FlowTable::close_gap(std::size_t gap) noexcept {
  for (std::size_t at = home(gap + 1); index_[at].flow != nullptr; at = home(at + 1)) {
    const std::size_t distance_home = home(at - home(index_[at].flow->hash));
    const std::size_t distance_gap = home(at - gap);
    if (distance_home < distance_gap) continue;
    index_[gap] = index_[at];
    gap = at;
  }
  index_[gap] = {};
}

}  // namespace pontoon::stack::tcp
