#include "dhcp/server.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace pontoon::dhcp {
namespace {

// RFC 2131 4.1: the first repetition of a message comes after four seconds, give or take one.
constexpr Duration kPromptAnswer = std::chrono::seconds(2);

// What a client calls itself is shown to people: printable ASCII only, and not too much of it.
std::string displayable(std::string_view claimed) {
  std::string shown;
  for (const char c : claimed.substr(0, limits::kDhcpHostName))
    if (c > ' ' && c <= '~') shown += c;
  return shown;
}

Client client_of(const Message& request) {
  return {request.chaddr, request.client_identifier, displayable(request.host_name)};
}

std::uint32_t whole_seconds(Duration time) noexcept {
  // RFC 2131 3.3: 0xffffffff is infinity, which we never promise by accident.
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, 0xfffffffe));
}

Ipv4Address subnet_mask(const IpPrefix& prefix) noexcept {
  return prefix.length == 0 ? Ipv4Address{0}
                            : Ipv4Address{~std::uint32_t{0} << (32 - prefix.length)};
}

Message reply_to(const Message& request, MessageType type, Ipv4Address server) {
  Message reply;
  reply.from_client = false;
  reply.xid = request.xid;
  // RFC 2131 table 3: "'flags' from client DHCPDISCOVER message", all of them.
  reply.broadcast = request.broadcast;
  reply.reserved_flags = request.reserved_flags;
  reply.giaddr = request.giaddr;
  reply.chaddr = request.chaddr;
  reply.chaddr_rest = request.chaddr_rest;
  reply.type = type;
  reply.server_identifier = server;
  // RFC 6842 3: "the server MUST return the 'client identifier' option, unaltered".
  reply.client_identifier = request.client_identifier;
  // RFC 3046 2.2: a server that gets the relay agent information option returns it.
  reply.relay_agent_information = request.relay_agent_information;
  return reply;
}

}  // namespace

// RFC 2131 4.3.2 and table 4. Whoever names a server answers its offer; whoever fills in 'ciaddr'
// is using that address; who does neither asks for the address it remembers.
RequestKind request_kind(const Message& request, Ipv4Address target) noexcept {
  if (request.server_identifier) {
    return request.requested_address ? RequestKind::selecting : RequestKind::malformed;
  }
  // "'requested IP address' option MUST NOT be filled in, 'ciaddr' MUST be filled in". Clients that
  // fill in both mean a renewal.
  if (!request.ciaddr.is_any()) {
    return target.is_broadcast() ? RequestKind::rebinding : RequestKind::renewing;
  }
  return request.requested_address ? RequestKind::init_reboot : RequestKind::malformed;
}

ReplyAddress reply_address(const Message& request, MessageType reply_type, Ipv4Address yiaddr,
                           const MacAddress& source_mac) noexcept {
  const ReplyAddress broadcast{MacAddress::broadcast(), Ipv4Address::broadcast(), kClientPort};
  // RFC 2131 4.1: "If the 'giaddr' field in a DHCP message from a client is non-zero, the server
  // sends any return messages to the 'DHCP server' port on the BOOTP relay agent".
  if (!request.giaddr.is_any()) return {source_mac, request.giaddr, kServerPort};
  // "In all cases, when 'giaddr' is zero, the server broadcasts any DHCPNAK messages".
  if (reply_type == MessageType::nak) return broadcast;
  if (!request.ciaddr.is_any()) return {source_mac, request.ciaddr, kClientPort};
  if (request.broadcast) return broadcast;
  return {request.chaddr, yiaddr, kClientPort};
}

Server::Server(const ServerConfig& config, LeaseBook& book, ReplySender& sender,
               DropCounters& drops)
    : config_(config), book_(book), sender_(sender), drops_(drops) {
  INVARIANT(config_.lease >= std::chrono::seconds(1) &&
            config_.lease <= std::chrono::hours(10 * 365 * 24));
}

void Server::on_message(const Arrival& arrival, Instant now) noexcept {
  const std::optional<Message> message = Message::parse(arrival.payload);
  if (!message) {
    drops_.count(DropReason::dhcp_malformed);
    return;
  }
  // The switch's guard lets no endpoint use another's MAC. So that no endpoint speaks for another
  // one here either, the two must agree, even when a trusted port carried the frame; a relay that
  // we know speaks for others.
  const bool relayed = !message->giaddr.is_any() && relays_.contains(arrival.source_mac);
  if (!message->from_client || (message->chaddr != arrival.source_mac && !relayed) ||
      message->chaddr.is_multicast()) {
    drops_.count(DropReason::dhcp_not_ours);
    return;
  }
  // RFC 2131 4.3.1: addresses are chosen by the network that 'giaddr' is on; we have but one.
  if (!message->giaddr.is_any() && !config_.prefix.contains(message->giaddr)) {
    drops_.count(DropReason::dhcp_not_ours);
    return;
  }
  switch (message->type) {
    case MessageType::discover:
      return discover(*message, arrival, now);
    case MessageType::request:
      return request(*message, arrival, now);
    case MessageType::decline:
      return decline(*message, now);
    case MessageType::release:
      return release(*message, now);
    case MessageType::inform:
      return inform(*message, arrival, now);
    case MessageType::offer:
    case MessageType::ack:
    case MessageType::nak:
      break;
  }
  drops_.count(DropReason::dhcp_not_ours);
}

// RFC 2131 4.3.1.
void Server::discover(const Message& request, const Arrival& arrival, Instant now) {
  const auto lease = book_.offer(client_of(request), request.requested_address, now);
  if (!lease) {
    drops_.count(DropReason::dhcp_no_address);
    return;
  }
  const Message reply = lease_reply(request, MessageType::offer, **lease, config_.lease);
  send(request, reply, arrival.source_mac, now);
}

void Server::request(const Message& request, const Arrival& arrival, Instant now) {
  switch (request_kind(request, arrival.target)) {
    case RequestKind::selecting:
      return select(request, arrival, now);
    case RequestKind::init_reboot:
      return reboot(request, arrival, now);
    case RequestKind::renewing:
    case RequestKind::rebinding:
      return renew(request, arrival, now);
    case RequestKind::malformed:
      drops_.count(DropReason::dhcp_malformed);
      return;
  }
}

void Server::select(const Message& request, const Arrival& arrival, Instant now) {
  // RFC 2131 3.1: "Those servers not selected by the DHCPREQUEST message use the message as
  // notification that the client has declined that server's offer."
  if (*request.server_identifier != config_.gateway) {
    book_.drop_offer(client_of(request), now);
    drops_.count(DropReason::dhcp_not_ours);
    return;
  }
  bind_and_acknowledge(request, arrival, *request.requested_address, now);
}

void Server::reboot(const Message& request, const Arrival& arrival, Instant now) {
  // "Server SHOULD send a DHCPNAK message to the client if the 'requested IP address' is
  // incorrect, or is on the wrong network."
  const Ipv4Address address = *request.requested_address;
  if (!config_.prefix.contains(address)) return refuse(request, arrival.source_mac, now);
  // "If the DHCP server has no record of this client, then it MUST remain silent".
  if (book_.find(client_of(request)) == nullptr) {
    drops_.count(DropReason::dhcp_not_ours);
    return;
  }
  bind_and_acknowledge(request, arrival, address, now);
}

// RENEWING and REBINDING differ only in how the message comes and whether other servers hear it.
void Server::renew(const Message& request, const Arrival& arrival, Instant now) {
  // Deviation: the RFC has a server trust 'ciaddr'. A client that we do not remember there gets a
  // DHCPNAK and starts afresh at once; we are the only server of this link.
  const Lease* lease = book_.find(client_of(request));
  if (lease == nullptr || lease->address != request.ciaddr) {
    return refuse(request, arrival.source_mac, now);
  }
  bind_and_acknowledge(request, arrival, request.ciaddr, now);
}

void Server::bind_and_acknowledge(const Message& request, const Arrival& arrival,
                                  Ipv4Address address, Instant now) {
  const auto waiting = parked_.find(address);
  const bool waits = waiting != parked_.end();
  // A client that asks again while its answer waits for the disk gets that answer; to take up its
  // message would put it off.
  const bool again = waits && waiting->second.request.xid == request.xid &&
                     waiting->second.request.chaddr == request.chaddr;
  if (again || (!waits && parked_.size() >= limits::kDhcpParked)) {
    drops_.count(DropReason::dhcp_not_durable);
    return;
  }
  const auto lease = book_.bind(client_of(request), address, now + config_.lease, now);
  if (!lease) {
    if (lease.error() == Refusal::unavailable) return refuse(request, arrival.source_mac, now);
    drops_.count(DropReason::dhcp_no_address);
    return;
  }
  if (book_.is_durable(address)) {
    return acknowledge(request, arrival.source_mac, **lease, config_.lease, now);
  }
  if (waits) drops_.count(DropReason::dhcp_not_durable);  // another transaction supersedes it
  parked_[address] = {book_.save(address), request, arrival.source_mac, address};
}

void Server::acknowledge(const Message& request, const MacAddress& source_mac, const Lease& lease,
                         Duration time, Instant now) {
  Message reply = lease_reply(request, MessageType::ack, lease, time);
  reply.ciaddr = request.ciaddr;
  send(request, reply, source_mac, now);
}

void Server::refuse(const Message& request, const MacAddress& source_mac, Instant now) {
  Message reply = reply_to(request, MessageType::nak, config_.gateway);
  // RFC 2131 4.3.2: behind a relay "the server MUST set the broadcast bit in the DHCPNAK, so that
  // the relay agent will broadcast the DHCPNAK to the client".
  if (!request.giaddr.is_any()) reply.broadcast = true;
  send(request, reply, source_mac, now);
}

// RFC 2131 4.4.4: the client has found the address in use.
void Server::decline(const Message& request, Instant now) {
  const bool ours = request.server_identifier == config_.gateway && request.requested_address &&
                    book_.decline(client_of(request), *request.requested_address, now);
  if (!ours) drops_.count(DropReason::dhcp_not_ours);
}

// RFC 2131 4.3.4.
void Server::release(const Message& request, Instant now) {
  const bool ours = request.server_identifier.value_or(config_.gateway) == config_.gateway &&
                    book_.release(client_of(request), request.ciaddr, now);
  if (!ours) drops_.count(DropReason::dhcp_not_ours);
}

// RFC 2131 4.3.5: "The server responds to a DHCPINFORM message by sending a DHCPACK message
// directly to the address given in the 'ciaddr' field", without lease time and 'yiaddr'.
void Server::inform(const Message& request, const Arrival& arrival, Instant now) {
  if (request.ciaddr.is_any()) {
    drops_.count(DropReason::dhcp_malformed);
    return;
  }
  Message reply = reply_to(request, MessageType::ack, config_.gateway);
  reply.ciaddr = request.ciaddr;
  add_parameters(reply);
  const Lease* lease = book_.find(client_of(request));
  if (lease != nullptr) reply.host_name = lease->endpoint;
  send(request, reply, arrival.source_mac, now);
}

Message Server::lease_reply(const Message& request, MessageType type, const Lease& lease,
                            Duration time) const {
  Message reply = reply_to(request, type, config_.gateway);
  reply.yiaddr = lease.address;
  reply.lease_time_s = whole_seconds(time);
  // RFC 2131 4.4.5: "T1 defaults to (0.5 * duration_of_lease). T2 defaults to (0.875 *
  // duration_of_lease)."
  reply.renewal_time_s = whole_seconds(time / 2);
  reply.rebinding_time_s = whole_seconds(time / 8 * 7);
  add_parameters(reply);
  // An unknown client keeps the name it has; an endpoint learns the one it goes by in DNS.
  reply.host_name = lease.endpoint;
  return reply;
}

void Server::add_parameters(Message& reply) const {
  reply.subnet_mask = subnet_mask(config_.prefix);
  reply.broadcast_address = config_.prefix.last().v4();
  if (config_.router) reply.routers = {*config_.router};
  reply.dns_servers = config_.dns_servers;
  reply.domain_name = config_.domain;
  reply.interface_mtu = config_.mtu;
}

void Server::send(const Message& request, const Message& reply, const MacAddress& source_mac,
                  Instant now) {
  const ReplyAddress to = reply_address(request, reply.type, reply.yiaddr, source_mac);
  const std::vector<std::uint8_t> payload =
      reply.emit(reply_limit(request, config_.mtu), request.parameter_requests);
  sender_.send({to.link, to.ip, to.port, payload}, now);
}

void Server::flush(LeaseStore& store) {
  if (!book_.has_batch()) return;
  const Ticket ticket = book_.next_ticket();
  store.submit(book_.take_batch(), ticket);
}

void Server::on_durable(const Completion& completion, Instant now) {
  if (completion.ticket.book != book_.config().id) return;
  book_.settle(completion.ticket, completion.ok, now);
  std::vector<Parked> settled;
  for (auto at = parked_.begin(); at != parked_.end();) {
    if (at->second.ticket == completion.ticket) {
      settled.push_back(std::move(at->second));
      at = parked_.erase(at);
    } else {
      ++at;
    }
  }
  for (const Parked& parked : settled)
    settle_parked(parked, completion.ok, now);
}

void Server::settle_parked(const Parked& parked, bool ok, Instant now) {
  const Lease* lease = book_.find(parked.address);
  const bool held = book_.holds(client_of(parked.request), parked.address);
  // What the disk promises; after a failed renewal that is the rest of the lease as it was, for a
  // new lease nothing.
  const Instant promised = book_.durable_until(parked.address).value_or(now);
  const Duration rest = promised == kNever ? config_.lease : promised - now;
  if (held && rest >= std::chrono::seconds(1)) {
    // A client counts from its last request on (RFC 2131 4.4.1), and the book from the first. While
    // no client repeats itself yet, that came before we had set the end of the lease; later only
    // the rest may be promised, whether we heard the repetition or not.
    const bool prompt = ok && rest + kPromptAnswer >= config_.lease;
    const Duration time = prompt ? config_.lease : std::min(rest, config_.lease);
    return acknowledge(parked.request, parked.source_mac, *lease, time, now);
  }
  drops_.count(DropReason::dhcp_not_durable);
  if (held && !ok) book_.withdraw(parked.address, promised, now);
}

}  // namespace pontoon::dhcp
