// The leases of one network: the address pool, who holds what, and which changes the disk does not
// know yet. Sans-IO; every operation is O(1) or O(log n), also with 65,536 leases.
//
// The pool is the prefix without its network, broadcast, gateway and reserved addresses. A new
// client gets the lowest address that nobody has had; once there is none, the address whose lease
// ended longest ago. Until then a released or expired lease rests and is remembered, so that the
// same client, or the same endpoint name, gets the same address again.
//
// Identity: an endpoint is its name; any other client is its client identifier, else its hardware
// type and address (RFC 2131 4.2). A DHCP client whose MAC belongs to a claimed endpoint is that
// endpoint, whatever client identifier it sends.
//
// What a container can cause is bounded: one MAC has at most kLeasesPerPort leases that are not an
// endpoint's, resting and quarantined ones included; it then reuses its own or is refused.
// At most kDhcpQuarantined addresses are in quarantine at once; the oldest comes back early.
//
// Writes: every durable change marks its address. take_batch() hands over the newest state of all
// marked addresses; settle() says what became of it. A failed batch is marked again after
// kLeaseRetry, so the disk always converges to the book. Offers are never written.
#pragma once

#include <deque>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/timer_queue.h"
#include "dhcp/lease.h"
#include "dhcp/lease_store.h"

namespace pontoon::dhcp {

struct LeaseBookConfig {
  std::uint32_t id = 0;  // goes into tickets; unique per store
  std::string network;
  IpPrefix prefix;  // IPv4, /8 to /30
  Ipv4Address gateway;
  std::vector<Ipv4Address> reserved;  // further addresses that are never handed out
};

// An endpoint's wish for an address, from the control plane.
struct Claim {
  std::string endpoint;
  MacAddress mac;
  std::optional<Ipv4Address> requested;
};

// A DHCP client as its message shows it. `mac` is the frame's source.
struct Client {
  MacAddress mac;
  std::vector<std::uint8_t> client_id;
  std::string hostname;
};

// Why the book does not give a client what it asks for.
enum class Refusal : std::uint8_t {
  none_free,    // the pool is used up
  limit,        // this MAC holds kLeasesPerPort leases
  unavailable,  // the address is another's, in quarantine or never handed out
};

class LeaseBook {
 public:
  LeaseBook(const LeaseBookConfig& config, TimerQueue& timers);
  ~LeaseBook();
  LeaseBook(const LeaseBook&) = delete;
  LeaseBook& operator=(const LeaseBook&) = delete;

  const LeaseBookConfig& config() const noexcept { return config_; }

  // Takes over what the store had loaded; leases of other networks are passed over, and so are
  // those that no longer fit the pool (they are erased from the store with the next batch). Call
  // once, before anything else.
  void restore(const std::vector<Lease>& leases, Instant now);

  // Control plane. The same endpoint name gets the same address, unless it requests another one,
  // which then replaces it. Claiming again (a restarted daemon, a new MAC) is not an error.
  // Errors: invalid_argument (no name, not an address of the network, reserved), conflict (in use,
  // and by whom), exhausted.
  Result<Lease> claim(const Claim& claim, Instant now);
  // The lease rests and stays remembered for the name. False when the name holds none.
  bool release(std::string_view endpoint, Instant now);
  // Releases the endpoints that restore() brought back bound and nobody has claimed since: they
  // ended while no daemon ran. To be called once, kDaemonReturnWait after the start.
  void release_unclaimed(Instant now);
  // Forgets a name and its address, or everything (the network is removed).
  bool forget(std::string_view endpoint);
  void forget_all();

  // DHCP server. The pointers are valid until the book changes.
  // RFC 2131 4.3.1: the client's current address, else its previous one, else the one it asks for,
  // else a new one. A bound lease stays bound.
  Result<const Lease*, Refusal> offer(const Client& client, std::optional<Ipv4Address> wanted,
                                      Instant now);
  // Binds exactly this address, or extends its lease to `until`.
  Result<const Lease*, Refusal> bind(const Client& client, Ipv4Address address, Instant until,
                                     Instant now);
  // The client took another server's offer.
  void drop_offer(const Client& client, Instant now);
  // False when the client does not hold the address; an endpoint's lease is left as it is.
  bool release(const Client& client, Ipv4Address address, Instant now);
  bool decline(const Client& client, Ipv4Address address, Instant now);
  // The client was not told about a bound lease, because it could not be written.
  void withdraw(Ipv4Address address, Instant now);

  const Lease* find(Ipv4Address address) const;
  const Lease* find(const Client& client) const;
  const Lease* find_endpoint(std::string_view endpoint) const;
  // Whether this client holds this address now (bound).
  bool holds(const Client& client, Ipv4Address address) const;
  // Until when the disk knows that the present holder has the address; nullopt when it does not
  // know at all, kNever for an endpoint.
  std::optional<Instant> durable_until(Ipv4Address address) const;
  // Whether the disk has the lease as it is now: what an answer to `run` or an ACK waits for.
  bool is_durable(Ipv4Address address) const;

  std::vector<Lease> list() const;  // ordered by address; what `pontoon leases` shows
  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t capacity() const noexcept;  // addresses that can be handed out

  // The turn's writes. take_batch() gives nothing while kLeaseBatchesInFlight are unsettled: the
  // changes gather and go out together.
  bool has_batch() const noexcept;
  Ticket next_ticket() const noexcept { return {config_.id, next_ticket_}; }  // of the next batch
  std::vector<LeaseWrite> take_batch();
  void settle(Ticket ticket, bool ok, Instant now);

 private:
  struct Entry;
  struct Written {
    std::uint32_t address;
    std::uint64_t change;  // Entry::change when it was written
    Instant until;
    bool kept;  // put, not erased
  };
  struct InFlight {
    std::uint64_t number;
    std::vector<Written> writes;
  };
  using Entries = std::unordered_map<std::uint32_t, Entry>;

  bool in_pool(Ipv4Address address) const noexcept;
  Entry* entry(Ipv4Address address) noexcept;
  const Entry* entry(Ipv4Address address) const noexcept;
  const Entry* entry_of(const Client& client) const;
  Entry* entry_of(const Client& client);
  std::optional<Ipv4Address> free_address();
  std::optional<Ipv4Address> lowest_fresh();
  Result<Ipv4Address, Refusal> address_for_new(const Client& client,
                                               std::optional<Ipv4Address> wanted);
  bool may_take(Ipv4Address address) const noexcept;
  Entry& create(Ipv4Address address, std::string identity, const MacAddress& mac);
  void erase(Ipv4Address address);
  void set_mac(Entry& entry, const MacAddress& mac);
  void index_mac(Entry& entry);
  void unindex_mac(Entry& entry);
  void move(Entry& entry, LeaseState state, Instant expires);
  void mark(Ipv4Address address);
  void on_deadline(Entry& entry, Instant now);
  void on_retry(Instant now);
  void quarantine(Entry& entry, Instant now);
  void restore_one(const Lease& lease, Instant now);
  Result<Ipv4Address> address_for_claim(const Claim& claim);
  std::optional<Error> check_requested(const Claim& claim, Ipv4Address address) const;

  LeaseBookConfig config_;
  TimerQueue& timers_;
  std::uint32_t first_ = 0;
  std::uint32_t last_ = 0;
  std::set<std::uint32_t> reserved_;
  Entries entries_;
  std::unordered_map<std::string, std::uint32_t> by_identity_;
  std::unordered_map<MacAddress, std::uint32_t> endpoint_by_mac_;
  std::unordered_map<MacAddress, std::vector<std::uint32_t>> dynamic_by_mac_;
  std::uint32_t fresh_ = 0;           // nothing at or above it has an entry, save by request
  std::set<std::uint32_t> returned_;  // below fresh_ and without an entry again
  std::list<std::uint32_t> resting_;  // released and expired, the one that ended first in front
  std::list<std::uint32_t> quarantined_;
  std::uint64_t next_change_ = 1;
  std::set<std::uint32_t> marked_;
  std::set<std::uint32_t> failed_;
  std::deque<InFlight> in_flight_;
  std::uint64_t next_ticket_ = 1;
  Timer retry_;
};

}  // namespace pontoon::dhcp
