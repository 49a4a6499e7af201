#include "dns/zone.h"

#include <algorithm>

namespace pontoon::dns {
namespace {

// What resolvers, not programs, ask about top-level domains. Denying these would break validation
// and minimised queries (RFC 9156) for everything below com.
bool asked_by_resolvers(RecordType type) noexcept {
  return type == RecordType::ns || type == RecordType::soa || type == RecordType::ds ||
         type == RecordType::dnskey;
}

Lookup not_ours() noexcept {
  return {};
}
Lookup no_data(NameView zone) noexcept {
  return {Lookup::Kind::no_data, {}, zone};
}
Lookup nx_domain(NameView zone) noexcept {
  return {Lookup::Kind::nx_domain, {}, zone};
}

}  // namespace

Lookup ZoneSet::find(NameView name, RecordType type) const noexcept {
  const unsigned labels = name.label_count();
  if (labels == 0) return not_ours();
  const Node* found = node(name);
  if (found != nullptr && !found->zoned) {
    if (found->record_count == 0 && asked_by_resolvers(type)) return not_ours();
    return of_node(*found, found->name, type);
  }
  const Node* apex = enclosing_apex(name, labels);
  if (apex != nullptr) {
    if (found != nullptr) return of_node(*found, apex->name, type);
    // RFC 6761 6.3: names below localhost. have its addresses.
    if (apex->wildcard) return of_node(*apex, apex->name, type);
    return nx_domain(apex->name);
  }
  if (labels == 1 && !asked_by_resolvers(type)) return nx_domain(NameView());
  return not_ours();
}

const ZoneSet::Node* ZoneSet::node(NameView name) const noexcept {
  const std::uint64_t hash = hash_name(name, kSeed);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = hash & mask; table_[slot] != 0; slot = (slot + 1) & mask) {
    const Node& candidate = nodes_[table_[slot] - 1];
    if (candidate.hash == hash && candidate.name == name) return &candidate;
  }
  return nullptr;
}

const ZoneSet::Node* ZoneSet::enclosing_apex(NameView name, unsigned labels) const noexcept {
  for (;; name = name.parent(), --labels) {
    if (labels < apex_depths_.size() && apex_depths_[labels]) {
      const Node* candidate = node(name);
      if (candidate != nullptr && candidate->apex) return candidate;
    }
    if (labels == 0) return nullptr;
  }
}

Lookup ZoneSet::of_node(const Node& node, NameView zone, RecordType type) const noexcept {
  const std::span<const Record> all(records_.data() + node.first_record, node.record_count);
  if (all.empty()) return no_data(zone);
  // RFC 8482 4.1: one RRset of the name is answer enough to ANY.
  if (type == RecordType::any) type = all.front().type;
  const auto is_wanted = [type](const Record& record) { return record.type == type; };
  const auto first = std::find_if(all.begin(), all.end(), is_wanted);
  const auto last = std::find_if_not(first, all.end(), is_wanted);
  if (first == last) return no_data(zone);
  return {Lookup::Kind::records, {first, last}, zone};
}

}  // namespace pontoon::dns
