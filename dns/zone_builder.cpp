#include <algorithm>

#include "core/base/check.h"
#include "core/base/limits.h"
#include "dns/zone.h"

namespace pontoon::dns {
namespace {

Name must(std::string_view text) {
  const auto name = Name::from_text(text);
  INVARIANT(name.has_value());
  return *name;
}

Error invalid(std::string_view name, std::string_view why) {
  return {ErrorCode::invalid_argument,
          "'" + std::string(name) + "' cannot be a DNS name: " + std::string(why)};
}

// RFC 1123 2.1 plus the underscore, which container names have.
bool is_host_label(ByteView label) {
  const auto allowed = [](std::uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return label.front() != '-' && label.back() != '-' && std::ranges::all_of(label, allowed);
}

Result<Name> host_name(std::string_view text) {
  const auto name = Name::from_text(text);
  if (!name || NameView(*name).is_root()) {
    return invalid(text, "it needs labels of 1 to 63 bytes, 253 in all");
  }
  for (NameView rest = *name; !rest.is_root(); rest = rest.parent()) {
    if (!is_host_label(rest.first_label())) {
      return invalid(text, "only letters, digits, '-' and '_' are allowed, and no '-' at an end");
    }
  }
  return *name;
}

// The address whose bits after `bits` are replaced by the number `index` in the next `width` bits.
IpAddress sub_prefix(const IpAddress& network, unsigned bits, unsigned width, unsigned index) {
  auto octets = network.octets();
  for (unsigned i = 0; i < width; ++i) {
    const unsigned at = bits + i;
    const unsigned bit = index >> (width - 1 - i) & 1;
    octets[at / 8] = static_cast<std::uint8_t>(octets[at / 8] | bit << (7 - at % 8));
  }
  return IpAddress(Ipv6Address{octets});
}

}  // namespace

ZoneBuilder::ZoneBuilder(const NetworkZoneSpec& spec, std::uint32_t serial) : serial_(serial) {
  const auto network = host_name(spec.network);
  INVARIANT(network && NameView(*network).label_count() == 1);
  network_ = *network;
  const Name internal = must("internal");
  network_zone_ = *Name::concatenate(network_, internal);
  add_apex(network_zone_);
  for (const char* apex : {"pontoon.internal", "docker.internal", "containers.internal",
                           // RFC 6761 6.4, RFC 7686 2, RFC 9462 6.4: never to be forwarded.
                           "invalid", "onion", "resolver.arpa"})
    add_apex(must(apex));
  for (const IpPrefix& prefix : spec.prefixes)
    add_reverse_zones(prefix);
  add_localhost();
  for (const char* name : {"gateway.pontoon.internal", "gateway.docker.internal"})
    add_addresses(must(name), spec.gateway);
  for (const char* name :
       {"host.pontoon.internal", "host.docker.internal", "host.containers.internal"})
    add_addresses(must(name), spec.host);
  for (const IpAddress& address : spec.gateway)
    add_pointer(address, must("gateway.pontoon.internal"));
}

// RFC 6761 6.3; RFC 6303 4.2 and 4.3 for the reverse side.
void ZoneBuilder::add_localhost() {
  const Name localhost = must("localhost");
  const IpAddress loopback[] = {Ipv4Address::of(127, 0, 0, 1),
                                Ipv6Address{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
  add_apex(localhost);
  add_addresses(localhost, loopback);
  draft(localhost).wildcard = true;
  add_reverse_zones({loopback[0], 8});
  add_reverse_zones({loopback[1], 128});
  for (const IpAddress& address : loopback)
    add_pointer(address, localhost);
}

Status<> ZoneBuilder::check_network_name(std::string_view name) {
  const auto network = host_name(name);
  if (!network) return network.error();
  if (NameView(*network).label_count() != 1) return invalid(name, "a network has a single label");
  for (const char* taken :
       {"pontoon", "docker", "containers", "internal", "localhost", "invalid", "onion"}) {
    if (*network == must(taken)) {
      return Error{ErrorCode::conflict, "a network cannot be called '" + std::string(name) + "'"};
    }
  }
  return {};
}

Status<> ZoneBuilder::check_relative(std::string_view text, std::vector<Name>& names) const {
  const auto relative = host_name(text);
  if (!relative) return relative.error();
  if (!Name::concatenate(*relative, network_zone_)) {
    return invalid(text, "it is too long together with the network's name");
  }
  // It would hide one of our own zones, or be served from there.
  if (apex_above(*relative)) {
    return Error{ErrorCode::conflict, "'" + std::string(text) + "' has a meaning of its own"};
  }
  names.push_back(*relative);
  return {};
}

Status<> ZoneBuilder::add_endpoint(std::string_view name, std::span<const std::string> aliases,
                                   std::span<const IpAddress> addresses) {
  std::vector<Name> names;
  if (auto status = check_relative(name, names); !status) return status;
  for (const std::string& alias : aliases) {
    if (auto status = check_relative(alias, names); !status) return status;
  }
  for (const Name& relative : names)
    add_all_forms(relative, addresses);
  for (const IpAddress& address : addresses)
    add_pointer(address, *Name::concatenate(names.front(), network_zone_));
  return {};
}

Status<> ZoneBuilder::add_name(std::string_view name, std::span<const IpAddress> addresses) {
  const auto absolute = host_name(name);
  if (!absolute) return absolute.error();
  add_addresses(*absolute, addresses);
  return {};
}

Status<> ZoneBuilder::add_empty_zone(std::string_view apex) {
  const auto name = host_name(apex);
  if (!name) return name.error();
  add_apex(*name);
  return {};
}

std::shared_ptr<const ZoneSet> ZoneBuilder::build() && {
  // `web.NET` exists, so NET is no NXDOMAIN (RFC 8020 2).
  draft(network_);
  add_ancestors();
  std::shared_ptr<ZoneSet> zones(new ZoneSet);
  zones->soa_.primary = must("gateway.pontoon.internal");
  zones->soa_.mailbox = must("hostmaster.pontoon.internal");
  zones->soa_.serial = serial_;
  zones->soa_.minimum_s = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(limits::kDnsLocalNegativeTtl).count());
  emit(*zones);
  return zones;
}

ZoneBuilder::Draft& ZoneBuilder::draft(const Name& name) {
  const auto known = index_.find(name);
  if (known != index_.end()) return *known->second;
  Draft& added = drafts_.emplace_back();
  added.name = name;
  index_.emplace(added.name, &added);
  return added;
}

void ZoneBuilder::add_apex(const Name& apex) {
  Draft& of_apex = draft(apex);
  of_apex.apex = true;
  apexes_.insert(of_apex.name);
}

// A prefix that does not end at a label's boundary is covered by several zones, at most 128 of
// IPv4 and 8 of IPv6.
void ZoneBuilder::add_reverse_zones(const IpPrefix& prefix) {
  const bool v4 = prefix.address.is_v4();
  const unsigned bits_per_label = v4 ? 8 : 4;
  const unsigned labels = (prefix.length + bits_per_label - 1) / bits_per_label;
  const unsigned width = labels * bits_per_label - prefix.length;
  const unsigned start = prefix.length + (v4 ? 96U : 0U);
  for (unsigned index = 0; index < 1U << width; ++index) {
    const Name name = Name::reverse(sub_prefix(prefix.network(), start, width, index));
    add_apex(Name(NameView(name).last_labels(labels + 2)));  // and in-addr.arpa or ip6.arpa
  }
}

void ZoneBuilder::add_addresses(const Name& name, std::span<const IpAddress> addresses) {
  std::vector<IpAddress>& known = draft(name).addresses;
  for (const IpAddress& address : addresses) {
    if (std::ranges::find(known, address) == known.end()) known.push_back(address);
  }
}

void ZoneBuilder::add_all_forms(const Name& relative, std::span<const IpAddress> addresses) {
  add_addresses(relative, addresses);
  add_addresses(*Name::concatenate(relative, network_zone_), addresses);
  // Shorter than the form above, so it fits too.
  add_addresses(*Name::concatenate(relative, network_), addresses);
}

void ZoneBuilder::add_pointer(const IpAddress& address, const Name& target) {
  std::vector<Name>& targets = draft(Name::reverse(address)).targets;
  if (std::ranges::find(targets, target) == targets.end()) targets.push_back(target);
}

std::optional<NameView> ZoneBuilder::apex_above(NameView name) const {
  for (;; name = name.parent()) {
    const auto at = apexes_.find(name);
    if (at != apexes_.end()) return *at;
    if (name.is_root()) return std::nullopt;
  }
}

// Empty non-terminals: what lies between a name and its apex. Above an apex, and above a name that
// is in no zone, only the last label is ours to speak of: it is no NXDOMAIN (RFC 8020 2).
void ZoneBuilder::add_ancestors() {
  const std::size_t count = drafts_.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Name name = drafts_[i].name;
    const auto apex = apex_above(name);
    const std::size_t apex_bytes = apex ? apex->size() : 0;
    if (apex_bytes == 0 || apex_bytes == name.size()) {
      draft(Name(NameView(name).last_labels(1)));
      continue;
    }
    for (NameView rest = name; rest.size() > apex_bytes; rest = rest.parent())
      draft(Name(rest));
  }
}

void ZoneBuilder::emit(ZoneSet& zones) const {
  std::size_t bytes = zones.soa_.primary.size();
  for (const Draft& draft : drafts_) {
    bytes += draft.name.size();
    for (const Name& target : draft.targets)
      bytes += target.size();
  }
  zones.name_bytes_.reserve(bytes);  // views into it must not move
  const NameView primary = keep(zones.soa_.primary, zones);
  zones.nodes_.reserve(drafts_.size());
  for (const Draft& draft : drafts_) {
    ZoneSet::Node node;
    node.name = keep(draft.name, zones);
    node.hash = hash_name(node.name, ZoneSet::kSeed);
    node.apex = draft.apex;
    node.wildcard = draft.wildcard;
    node.zoned = apex_above(draft.name).has_value();
    node.first_record = static_cast<std::uint32_t>(zones.records_.size());
    emit_records(draft, primary, zones);
    node.record_count = static_cast<std::uint32_t>(zones.records_.size()) - node.first_record;
    zones.nodes_.push_back(node);
  }
  index(zones);
}

NameView ZoneBuilder::keep(NameView name, ZoneSet& zones) {
  const std::size_t start = zones.name_bytes_.size();
  zones.name_bytes_.insert(zones.name_bytes_.end(), name.wire().begin(), name.wire().end());
  return NameView::unchecked(ByteView(zones.name_bytes_).subspan(start));
}

// Records of one type together: a lookup returns a span of them.
void ZoneBuilder::emit_records(const Draft& draft, NameView primary, ZoneSet& zones) {
  for (const IpAddress& address : draft.addresses) {
    if (address.is_v4()) zones.records_.push_back({RecordType::a, address, {}});
  }
  for (const IpAddress& address : draft.addresses) {
    if (!address.is_v4()) zones.records_.push_back({RecordType::aaaa, address, {}});
  }
  for (const Name& target : draft.targets)
    zones.records_.push_back({RecordType::ptr, {}, keep(target, zones)});
  if (!draft.apex) return;
  zones.records_.push_back({RecordType::soa, {}, {}});
  zones.records_.push_back({RecordType::ns, {}, primary});
}

void ZoneBuilder::index(ZoneSet& zones) {
  std::size_t slots = 16;
  while (slots < zones.nodes_.size() * 2)
    slots *= 2;
  zones.table_.assign(slots, 0);
  for (std::size_t i = 0; i < zones.nodes_.size(); ++i) {
    const ZoneSet::Node& node = zones.nodes_[i];
    std::size_t slot = node.hash & (slots - 1);
    while (zones.table_[slot] != 0)
      slot = (slot + 1) & (slots - 1);
    zones.table_[slot] = static_cast<std::uint32_t>(i + 1);
    if (!node.apex) continue;
    const unsigned depth = node.name.label_count();
    if (zones.apex_depths_.size() <= depth) zones.apex_depths_.resize(depth + 1);
    zones.apex_depths_[depth] = true;
  }
}

}  // namespace pontoon::dns
