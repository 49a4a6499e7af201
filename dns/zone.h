// What we are authoritative for, as an immutable snapshot. The control plane builds a new one
// whenever something changes and swaps the pointer; a lookup never blocks and allocates nothing.
//
// An endpoint `web` of network `default` has the names web, web.default and web.default.internal,
// its aliases likewise; its addresses point back to web.default.internal.
//
//   zone        what is ours below it
//   NET.internal, pontoon.internal, docker.internal, containers.internal   everything
//   the reverse zones of the network's prefixes                            everything
//   localhost (RFC 6761), invalid, onion, resolver.arpa, and 127/8, ::1    everything
//   single-label names                                                     everything, save what
//       only resolvers ask of top-level domains (NS, SOA, DS, DNSKEY)
//   web.NET, dotted aliases                                                that very name
//
// The short forms are no zones: a network named `dev` must not hide go.dev.
//
// Memory: one hash table (open addressing, a power of two, at most half full) over nodes whose
// names lie in one block of bytes; about 100 bytes per name. A lookup costs one probe when the name
// exists and one more per distinct depth of zone apex when it does not.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"
#include "dns/message.h"
#include "dns/name.h"

namespace pontoon::dns {

// One record of ours. Which member counts depends on the type: A and AAAA have `address`; PTR, NS
// and CNAME `target`; SOA is the same for all our zones (ZoneSet::soa()).
struct Record {
  RecordType type = RecordType::a;
  IpAddress address;
  NameView target;
};

struct Soa {
  Name primary;  // MNAME
  Name mailbox;  // RNAME
  std::uint32_t serial = 1;
  std::uint32_t refresh_s = 3600;
  std::uint32_t retry_s = 600;
  std::uint32_t expire_s = 86400;
  std::uint32_t minimum_s = 1;  // how long a denial may be cached (RFC 2308 5)
};

struct Lookup {
  enum class Kind : std::uint8_t {
    not_ours,   // somebody else may know
    records,    // `records`, all of one type
    no_data,    // the name exists, or something below it does, but nothing of this type
    nx_domain,  // neither the name nor anything below it exists (RFC 8020)
  };
  Kind kind = Kind::not_ours;
  std::span<const Record> records;
  NameView zone;  // the owner of the SOA that goes into a denial
};

class ZoneSet {
 public:
  // ANY gives one RRset of the name (RFC 8482 4.1).
  Lookup find(NameView name, RecordType type) const noexcept;
  const Soa& soa() const noexcept { return soa_; }  // at every apex
  std::uint32_t serial() const noexcept { return soa_.serial; }
  std::size_t size() const noexcept { return nodes_.size(); }  // names, empty ones included

 private:
  friend class ZoneBuilder;
  struct Node {
    std::uint64_t hash = 0;
    NameView name;
    std::uint32_t first_record = 0;
    std::uint32_t record_count = 0;
    bool apex = false;
    bool wildcard = false;  // an apex that answers for every name below it (localhost)
    bool zoned = false;     // lies in a zone; else the name stands for itself
  };
  ZoneSet() = default;
  const Node* node(NameView name) const noexcept;
  const Node* enclosing_apex(NameView name, unsigned labels) const noexcept;
  Lookup of_node(const Node& node, NameView zone, RecordType type) const noexcept;

  Soa soa_;
  std::vector<std::uint8_t> name_bytes_;
  std::vector<Node> nodes_;
  std::vector<Record> records_;       // of one node together, of one type together
  std::vector<std::uint32_t> table_;  // node index + 1; 0 is free
  std::vector<bool> apex_depths_;     // by label count
  // Names come from the control plane, lookups only probe: a fixed seed will do.
  static constexpr std::uint64_t kSeed = 0x706f6e746f6f6e31ULL;
};

struct NetworkZoneSpec {
  std::string network;             // "default": one label
  std::vector<IpPrefix> prefixes;  // of the network; their reverse zones are ours
  std::vector<IpAddress> gateway;  // gateway.pontoon.internal, gateway.docker.internal
  std::vector<IpAddress> host;  // host.pontoon.internal, host.docker.internal, host.containers...
};

class ZoneBuilder {
 public:
  // invalid_argument when it is not one label that a host name may have; conflict when its zone
  // would be one of those that have a meaning (pontoon.internal, docker.internal, ...).
  static Status<> check_network_name(std::string_view name);

  // `spec.network` passes check_network_name(). The serial must grow with each snapshot (RFC 1982
  // arithmetic is the caller's least worry: add one).
  ZoneBuilder(const NetworkZoneSpec& spec, std::uint32_t serial);

  // `web`, `web.NET`, `web.NET.internal` and the aliases likewise; PTR records to
  // web.NET.internal. Several endpoints may share an alias: it gets all their addresses.
  // invalid_argument when a name is no host name, conflict when it belongs to a zone of another
  // kind (localhost); nothing is added then.
  Status<> add_endpoint(std::string_view name, std::span<const std::string> aliases,
                        std::span<const IpAddress> addresses);
  // Any further name with addresses, absolute.
  Status<> add_name(std::string_view name, std::span<const IpAddress> addresses);
  // A name below which nothing exists for this network and nothing is forwarded: the other
  // networks' zones.
  Status<> add_empty_zone(std::string_view apex);

  std::shared_ptr<const ZoneSet> build() &&;

  ZoneBuilder(const ZoneBuilder&) = delete;
  ZoneBuilder& operator=(const ZoneBuilder&) = delete;

 private:
  struct Draft {
    Name name;
    std::vector<IpAddress> addresses;
    std::vector<Name> targets;  // PTR
    bool apex = false;
    bool wildcard = false;
  };
  Draft& draft(const Name& name);
  void add_apex(const Name& apex);
  void add_reverse_zones(const IpPrefix& prefix);
  void add_localhost();
  void add_addresses(const Name& name, std::span<const IpAddress> addresses);
  void add_all_forms(const Name& relative, std::span<const IpAddress> addresses);
  void add_pointer(const IpAddress& address, const Name& target);
  void add_ancestors();
  std::optional<NameView> apex_above(NameView name) const;
  Status<> check_relative(std::string_view text, std::vector<Name>& names) const;
  void emit(ZoneSet& zones) const;
  static NameView keep(NameView name, ZoneSet& zones);
  static void emit_records(const Draft& draft, NameView primary, ZoneSet& zones);
  static void index(ZoneSet& zones);

  Name network_;       // "default"
  Name network_zone_;  // "default.internal"
  std::uint32_t serial_;
  struct NameHash {
    std::size_t operator()(NameView name) const noexcept { return hash_name(name, ZoneSet::kSeed); }
  };
  std::deque<Draft> drafts_;  // never move: the index looks at their names
  std::unordered_map<NameView, Draft*, NameHash> index_;
  std::unordered_set<NameView, NameHash> apexes_;
};

}  // namespace pontoon::dns
