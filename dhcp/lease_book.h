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
// Deviation: while another MAC holds a running lease under a client identifier, whoever else comes
// with it is another client. Identifiers are not secret, so a container could take over its
// neighbour's address by them.
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
#include <utility>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/base/timer_queue.h"
#include "dhcp/address_pool.h"
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
  bool by_dhcp = false;  // it takes its address by DHCP, so a DHCPDECLINE gives it another one
};

// A DHCPDECLINE that was heeded, for people to be told of.
struct Declined {
  Ipv4Address address;
  MacAddress mac;
  std::string endpoint;                // empty for an unknown client
  std::optional<Ipv4Address> instead;  // where the endpoint is now
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
  // RFC 2131 4.3.3: the address is in quarantine. An endpoint that takes its address by DHCP is
  // bound to another one at once. False when the client does not hold the address, or is an
  // endpoint that can't be moved: its interface was set up by hand, no address is free, or its MAC
  // has kLeasesPerPort addresses in quarantine.
  bool decline(const Client& client, Ipv4Address address, Instant now);
  // The declined addresses since the last call, at most kDhcpQuarantined.
  std::vector<Declined> take_declined() { return std::exchange(declined_, {}); }
  // A client's bound lease could not be written and the client was not told: it ends when the disk
  // says so, now if it has not promised anything.
  void withdraw(Ipv4Address address, Instant promised, Instant now);

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
  // Has the next batch write this address, whether or not it is under way already; that batch's
  // ticket.
  Ticket save(Ipv4Address address);

  std::vector<Lease> list() const;  // ordered by address; what `pontoon leases` shows
  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t capacity() const noexcept { return pool_.capacity(); }

  // The turn's writes. take_batch() gives nothing while kLeaseBatchesInFlight are unsettled: the
  // changes gather and go out together.
  bool has_batch() const noexcept;
  bool has_unsaved() const noexcept;  // changes that the disk does not have, under way or not
  Ticket next_ticket() const noexcept { return {config_.id, next_ticket_}; }  // of the next batch
  std::vector<LeaseWrite> take_batch();
  void settle(Ticket ticket, bool ok, Instant now);

 private:
  struct Entry {
    Entry(LeaseBook& owner, Lease content, std::string who)
        : book(owner), lease(std::move(content)), identity(std::move(who)) {}
    void on_deadline(Instant now) { book.on_deadline(*this, now); }
    bool is_endpoint() const noexcept { return !lease.endpoint.empty(); }
    bool rests() const noexcept {
      return lease.state == LeaseState::released || lease.state == LeaseState::expired;
    }

    LeaseBook& book;
    Lease lease;
    std::string identity;       // key in by_identity_; empty in quarantine
    bool remembered = false;    // had been bound before the present offer
    bool claimed = false;       // by control/, since this process runs
    bool by_dhcp = false;       // as it was claimed
    std::uint64_t born = 0;     // which holder of the address this is
    std::uint64_t changed = 0;  // the latest durable change
    std::uint64_t saved = 0;    // the latest of them that the disk has
    std::optional<Instant> durable_until;
    std::list<std::uint32_t>::iterator place;  // in resting_ or quarantined_
    Timer timer{Timer::bind<&Entry::on_deadline>(*this)};
  };
  // One address of a batch that is under way.
  struct Written {
    std::uint32_t address = 0;
    std::uint64_t born = 0;
    std::uint64_t changed = 0;
    std::optional<Instant> until;  // what the disk will promise the holder
  };
  struct InFlight {
    std::uint64_t number = 0;
    std::vector<Written> writes;
  };

  // lease_book.cpp: entries and what DHCP clients do to them
  Entry* entry(Ipv4Address address) noexcept;
  const Entry* entry(Ipv4Address address) const noexcept;
  Entry* entry_of(const Client& client);
  const Entry* entry_of(const Client& client) const;
  const Entry* entry_by_identity(const std::string& identity) const;
  std::string identity_of(const Client& client) const;
  Entry& create(Ipv4Address address, Lease content, std::string identity);
  Result<Entry*, Refusal> create_for(const Client& client, std::optional<Ipv4Address> wanted,
                                     Instant now);
  void erase(Entry& entry);
  void enter(Entry& entry);
  void leave(Entry& entry);
  // Who comes back to a lease that rests holds it anew: what was written before promises nothing.
  void hold_anew(Entry& entry);
  void move(Entry& entry, LeaseState state, Instant expires);
  void set_mac(Entry& entry, const MacAddress& mac);
  void index_mac(const Entry& entry);
  void unindex_mac(const Entry& entry);
  std::optional<Ipv4Address> vacate_one();
  std::optional<Refusal> make_room_for(const MacAddress& mac);
  std::optional<Ipv4Address> replace_address(const Entry& endpoint);
  void quarantine(Entry& entry, Instant now);
  void lapse(Entry& entry, Instant now);
  void on_deadline(Entry& entry, Instant now);

  // lease_book_control.cpp: the control plane and restoring
  Result<Ipv4Address> address_for(const Claim& claim);
  Status<> check_requested(const Claim& claim, Ipv4Address address) const;
  bool has_declined(const Claim& claim) const;
  Lease take_over(Ipv4Address address, const Claim& claim, const std::string& identity);
  void restore_one(const Lease& lease, Instant now);
  bool accept_restored(const Lease& lease, const std::string& identity, Instant now);

  // lease_book_writes.cpp: what the disk does not know yet
  void mark(Ipv4Address address);
  LeaseWrite write_of(std::uint32_t address, Written& written) const;
  void on_retry(Instant now);

  LeaseBookConfig config_;
  TimerQueue& timers_;
  AddressPool pool_;
  std::unordered_map<std::uint32_t, Entry> entries_;
  std::unordered_map<std::string, std::uint32_t> by_identity_;
  std::unordered_map<MacAddress, std::uint32_t> endpoint_by_mac_;              // bound endpoints
  std::unordered_map<MacAddress, std::vector<std::uint32_t>> clients_by_mac_;  // all the others
  std::list<std::uint32_t> resting_;  // the lease that ended first is in front
  std::list<std::uint32_t> quarantined_;
  std::vector<Declined> declined_;
  std::uint64_t next_change_ = 1;  // numbers holders and changes
  std::set<std::uint32_t> marked_;
  std::set<std::uint32_t> failed_;  // to be marked again when retry_ fires
  std::deque<InFlight> in_flight_;
  std::uint64_t next_ticket_ = 1;
  Timer retry_{Timer::bind<&LeaseBook::on_retry>(*this)};
};

}  // namespace pontoon::dhcp
