// The DHCPv4 server of one network (RFC 2131, 2132), sans-IO.
//
// It is the only server of its bridge and therefore authoritative: a client that renews what it
// does not hold is told so (DHCPNAK), not left waiting.
//
// A DHCPACK leaves only after its lease is durable: replies are parked with the ticket of the batch
// that carries their lease, flush() submits that batch at the end of the turn, and on_durable()
// sends them. When the write fails, a new lease is refused by silence (the client asks again) and
// a renewal is acknowledged for as long as the disk already promises. An ACK that changes nothing
// durable (an endpoint's address, which control/ had claimed) is sent at once.
//
// Relays (RFC 1542 4, RFC 2131 4.1) are served when they are trusted by name, trust_relay(), and
// their 'giaddr' is on this network; others fail the check of chaddr against the source MAC. A
// trusted relay may ask for as many addresses as there are.
//
// Not served: BOOTP without DHCP, rapid commit, FORCERENEW.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/base/drop.h"
#include "core/base/limits.h"
#include "core/base/time.h"
#include "dhcp/lease_book.h"
#include "dhcp/lease_store.h"
#include "dhcp/message.h"

namespace pontoon::dhcp {

constexpr std::uint16_t kServerPort = 67;
constexpr std::uint16_t kClientPort = 68;

struct ServerConfig {
  Ipv4Address gateway;  // our own address: the server identifier and the source of replies
  IpPrefix prefix;
  std::optional<Ipv4Address> router;     // absent: a network without a way out
  std::vector<Ipv4Address> dns_servers;  // empty: option 6 is not sent
  std::string domain;                    // empty: option 15 is not sent
  std::uint16_t mtu = 1500;
  Duration lease = limits::kDhcpLease;  // 1 s to 10 years
};

// A datagram to port 67 as the gateway got it.
struct Arrival {
  MacAddress source_mac;
  Ipv4Address source;  // 0.0.0.0 for a client without an address
  Ipv4Address target;  // ours, or broadcast
  ByteView payload;
};

// To be sent from gateway:67 straight to a link address, without ARP
// (Gateway::send_udp_to_link). `payload` is valid during the call.
struct Reply {
  MacAddress link;
  Ipv4Address ip;
  std::uint16_t port = kClientPort;
  ByteView payload;
};

class ReplySender {
 public:
  virtual ~ReplySender() = default;
  virtual void send(const Reply& reply, Instant now) noexcept = 0;
};

// The four kinds of DHCPREQUEST (RFC 2131 4.3.2), told apart in one place.
enum class RequestKind : std::uint8_t { selecting, init_reboot, renewing, rebinding, malformed };
RequestKind request_kind(const Message& request, Ipv4Address target) noexcept;

// Where a reply goes (RFC 2131 4.1).
struct ReplyAddress {
  MacAddress link;
  Ipv4Address ip;
  std::uint16_t port = kClientPort;
  friend bool operator==(const ReplyAddress&, const ReplyAddress&) = default;
};
ReplyAddress reply_address(const Message& request, MessageType reply_type, Ipv4Address yiaddr,
                           const MacAddress& source_mac) noexcept;

class Server {
 public:
  // `drops` may be the gateway's; every message that gets no answer counts one reason there.
  Server(const ServerConfig& config, LeaseBook& book, ReplySender& sender, DropCounters& drops);

  void on_message(const Arrival& arrival, Instant now) noexcept;

  // What this station forwards counts as its clients' own.
  void trust_relay(const MacAddress& relay) { relays_.insert(relay); }
  void distrust_relay(const MacAddress& relay) noexcept { relays_.erase(relay); }

  // End of the turn: hands all that the book has changed over as one submission (claims of the
  // control plane included). Nothing to do costs nothing.
  void flush(LeaseStore& store);
  // For each Completion whose ticket.book is this book's id. Sends the parked replies.
  void on_durable(const Completion& completion, Instant now);

  std::size_t parked() const noexcept { return parked_.size(); }

 private:
  struct Parked {
    Ticket ticket;
    Message request;
    MacAddress source_mac;
    Ipv4Address address;
  };

  void discover(const Message& request, const Arrival& arrival, Instant now);
  void request(const Message& request, const Arrival& arrival, Instant now);
  void select(const Message& request, const Arrival& arrival, Instant now);
  void reboot(const Message& request, const Arrival& arrival, Instant now);
  void renew(const Message& request, const Arrival& arrival, Instant now);
  void release(const Message& request, Instant now);
  void decline(const Message& request, Instant now);
  void inform(const Message& request, const Arrival& arrival, Instant now);

  void bind_and_acknowledge(const Message& request, const Arrival& arrival, Ipv4Address address,
                            Instant now);
  void acknowledge(const Message& request, const MacAddress& source_mac, const Lease& lease,
                   Duration time, Instant now);
  void refuse(const Message& request, const MacAddress& source_mac, Instant now);
  Message lease_reply(const Message& request, MessageType type, const Lease& lease,
                      Duration time) const;
  void add_parameters(Message& reply) const;
  void send(const Message& request, const Message& reply, const MacAddress& source_mac,
            Instant now);
  void settle_parked(const Parked& parked, bool ok, Instant now);

  ServerConfig config_;
  LeaseBook& book_;
  ReplySender& sender_;
  DropCounters& drops_;
  std::set<MacAddress> relays_;
  std::map<Ipv4Address, Parked> parked_;  // one answer per address, at most kDhcpParked
};

}  // namespace pontoon::dhcp
