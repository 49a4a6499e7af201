// Theory of operation. Three independent parts, each with a bounded memory of conversations:
//
//   stand-ins  what goes to an address that our gateway stands in for is sent to the gateway, and
//              a queue of the addresses that were asked is kept per client, port and transaction
//              (DNS ID, echo identifier). Each answer takes the oldest; the last one stays, so that
//              repeated answers carry it too. musl asks several servers from one port with one ID.
//   DHCP       the latest offer of ours per client is kept.
//   TCP        adapt_tcp.h. Captured SYN-ACKs are collected first, by the four addresses and the
//              client's initial sequence number, since the SYN must be changed before they come.
//
// On the way in the stand-in comes first and on the way out last, so that the other parts see our
// side's addresses only; captured SYN-ACKs are looked up by the addresses that the capture has.
#include "lab/adapt.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "core/base/limits.h"
#include "core/wire/arp.h"
#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "lab/adapt_tcp.h"
#include "lab/adopt_frame.h"
#include "lab/adopt_survey.h"
#include "lab/packet_edit.h"

namespace pontoon::lab {
namespace {

constexpr std::size_t kArpSender = wire::EthernetView::kHeaderSize + 14;
constexpr std::size_t kArpTarget = wire::EthernetView::kHeaderSize + 24;
constexpr std::size_t kDhcpOptions = 240;

// A map that forgets its oldest entries.
template <class Key, class Value>
class Memory {
 public:
  Value* find(const Key& key) {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  Value& put(const Key& key, Value value) {
    const auto [at, added] = values_.insert_or_assign(key, std::move(value));
    if (added) order_.push_back(key);
    if (order_.size() > limits::kAdaptedFlows) {
      values_.erase(order_.front());
      order_.pop_front();
    }
    return at->second;
  }

 private:
  std::map<Key, Value> values_;
  std::deque<Key> order_;
};

// Who asked, and which question it was.
struct Asker {
  Ipv4Address client;
  std::uint16_t client_port = 0;
  FrameSeen::Kind protocol = FrameSeen::Kind::udp;
  std::uint16_t transaction = 0;
  friend auto operator<=>(const Asker&, const Asker&) = default;
};

std::uint16_t transaction_of(const FrameSeen& seen) noexcept {
  const bool echo = seen.kind == FrameSeen::Kind::icmp && seen.payload.size() >= 6;
  if (echo) return load_be<std::uint16_t>(&seen.payload[4]);
  const bool dns = seen.kind == FrameSeen::Kind::udp && seen.payload.size() >= 2 &&
                   (seen.source_port == kDnsPort || seen.target_port == kDnsPort);
  return dns ? load_be<std::uint16_t>(seen.payload.data()) : std::uint16_t{0};
}

// Where the value of an option begins within the DHCP message; 0: it is not there with that size.
std::size_t find_option(ByteView message, std::uint8_t code, std::size_t size) noexcept {
  constexpr std::uint8_t kPad = 0;
  constexpr std::uint8_t kEnd = 255;
  std::size_t at = kDhcpOptions;
  while (at + 1 < message.size() && message[at] != kEnd) {
    if (message[at] == kPad) {
      ++at;
      continue;
    }
    const std::size_t length = message[at + 1];
    if (length > message.size() - at - 2) return 0;
    if (message[at] == code) return length == size ? at + 2 : 0;
    at += 2 + length;
  }
  return 0;
}

}  // namespace

class Adapter::Impl {
 public:
  Impl(const Case& description, const CaptureFile& capture);
  void adapt(std::string_view name, MutableBytes frame);
  void on_sent(std::string_view name, MutableBytes frame);

 private:
  struct Offer {
    Ipv4Address address;
    std::uint32_t xid = 0;
  };
  using SynAckKey = std::pair<TcpEnds, std::uint32_t>;  // with the client's initial number

  void learn(ByteView frame);
  Ipv4Address gateway_of(std::string_view name) const;
  bool is_stood_in_for(const FrameSeen& seen, Ipv4Address gateway) const;
  void adapt_arp(std::string_view name, MutableBytes frame, const FrameSeen& seen,
                 Ipv4Address gateway);
  void redirect(PacketEdit& edit, const FrameSeen& seen, Ipv4Address gateway);
  void adapt_dhcp(PacketEdit& edit, MutableBytes frame, const FrameSeen& seen, Ipv4Address gateway);
  void adapt_tcp(PacketEdit& edit, MutableBytes frame, const FrameSeen& seen);
  void restore(PacketEdit& edit, const FrameSeen& seen, Ipv4Address gateway);

  std::map<std::string, Ipv4Address, std::less<>> gateways_;  // by the endpoint's name
  std::set<Ipv4Address> stand_ins_;
  std::set<Ipv4Address> members_;
  std::set<Ipv4Address> servers_;  // that sent DHCP replies in the capture
  std::map<SynAckKey, CapturedSynAck> syn_acks_;
  Memory<Asker, std::deque<Ipv4Address>> asked_;
  Memory<std::string, Ipv4Address> looked_up_;  // by ARP
  Memory<MacAddress, Offer> offers_;
  Memory<TcpEnds, AdaptedConnection> connections_;
};

Adapter::Impl::Impl(const Case& description, const CaptureFile& capture)
    : stand_ins_(description.stand_ins.begin(), description.stand_ins.end()) {
  for (const CaseEndpoint& endpoint : description.endpoints) {
    for (const control::NetworkSpec& network : description.networks) {
      if (network.name == endpoint.request.network) {
        gateways_[endpoint.request.name] = network.gateway;
      }
    }
    if (endpoint.request.ip) members_.insert(*endpoint.request.ip);
  }
  for (const capture::Packet& packet : capture.packets)
    learn(packet.bytes);
}

void Adapter::Impl::learn(ByteView frame) {
  const auto seen = FrameSeen::parse(frame);
  if (!seen) return;
  if (seen->kind == FrameSeen::Kind::tcp && seen->flags.syn && seen->flags.ack) {
    if (syn_acks_.size() >= limits::kAdaptedFlows) return;
    const auto segment =
        wire::TcpView::parse(wire::Ipv4View::parse_quoted(frame.subspan(14))->payload());
    const TcpEnds ends{{seen->to, seen->target_port}, {seen->from, seen->source_port}};
    syn_acks_.try_emplace({ends, seen->acknowledgement - 1},
                          CapturedSynAck{segment->sequence(), segment->options_parsed()});
  } else if (seen->is_dhcp() && seen->source_port == kDhcpServerPort) {
    const auto dhcp = DhcpSeen::parse(seen->payload);
    if (dhcp && !dhcp->request && dhcp->server) servers_.insert(*dhcp->server);
  }
}

Ipv4Address Adapter::Impl::gateway_of(std::string_view name) const {
  const auto found = gateways_.find(name);
  return found == gateways_.end() ? Ipv4Address::any() : found->second;
}

bool Adapter::Impl::is_stood_in_for(const FrameSeen& seen, Ipv4Address gateway) const {
  if (seen.to == gateway || !is_host_address(seen.to) || members_.contains(seen.to)) return false;
  return stand_ins_.contains(seen.to) || seen.has_port(kDnsPort) ||
         (seen.kind == FrameSeen::Kind::udp && seen.target_port == kDhcpServerPort);
}

void Adapter::Impl::adapt_arp(std::string_view name, MutableBytes frame, const FrameSeen& seen,
                              Ipv4Address gateway) {
  if (!seen.arp_request) return;
  // The answer to this request, or none.
  const bool stands_in = stand_ins_.contains(seen.to);
  looked_up_.put(std::string(name), stands_in ? seen.to : gateway);
  if (stands_in) store_be(&frame[kArpTarget], gateway.value);
}

void Adapter::Impl::redirect(PacketEdit& edit, const FrameSeen& seen, Ipv4Address gateway) {
  const Asker asker{seen.from, seen.source_port, seen.kind, transaction_of(seen)};
  std::deque<Ipv4Address>* known = asked_.find(asker);
  if (known == nullptr) known = &asked_.put(asker, {});
  const bool repeats = !known->empty() && known->back() == seen.to;
  constexpr std::size_t kWaiting = 16;
  if (!repeats && known->size() < kWaiting) known->push_back(seen.to);
  edit.set_target(gateway);
}

void Adapter::Impl::restore(PacketEdit& edit, const FrameSeen& seen, Ipv4Address gateway) {
  if (seen.from != gateway) return;
  std::deque<Ipv4Address>* known =
      asked_.find({seen.to, seen.target_port, seen.kind, transaction_of(seen)});
  if (known == nullptr || known->empty()) return;
  edit.set_source(known->front());
  if (known->size() > 1) known->pop_front();
}

// A client that chose a captured server's offer chooses ours.
void Adapter::Impl::adapt_dhcp(PacketEdit& edit, MutableBytes frame, const FrameSeen& seen,
                               Ipv4Address gateway) {
  constexpr std::uint8_t kServerIdentifier = 54;
  constexpr std::uint8_t kRequestedAddress = 50;
  constexpr std::uint8_t kRequest = 3;
  const auto dhcp = DhcpSeen::parse(seen.payload);
  if (!dhcp || !dhcp->request || !dhcp->server) return;
  // A server that never spoke while others did is somebody else's choice and stays it.
  const bool replaced = servers_.empty() || servers_.contains(*dhcp->server);
  if (*dhcp->server != gateway && !replaced) return;
  const auto message = static_cast<std::size_t>(seen.payload.data() - frame.data());
  const std::size_t server = find_option(seen.payload, kServerIdentifier, 4);
  if (server != 0 && *dhcp->server != gateway) edit.set_u32(message + server, gateway.value);
  const Offer* offer = offers_.find(dhcp->chaddr);
  const std::size_t address = find_option(seen.payload, kRequestedAddress, 4);
  if (dhcp->type != kRequest || offer == nullptr || offer->xid != dhcp->xid || address == 0) return;
  if (dhcp->requested != offer->address) edit.set_u32(message + address, offer->address.value);
}

void Adapter::Impl::adapt_tcp(PacketEdit& edit, MutableBytes frame, const FrameSeen& seen) {
  const auto segment = wire::TcpView::parse(ByteView(frame).subspan(edit.transport()));
  if (!segment) return;
  const SocketAddress client{seen.from, seen.source_port};
  const TcpEnds ends{client, {edit.target(), seen.target_port}};
  AdaptedConnection* known = connections_.find(ends);
  if (seen.flags.syn && !seen.flags.ack) {
    if (known == nullptr || known->client_initial() != segment->sequence()) {
      const auto captured = syn_acks_.find({{client, {seen.to, seen.target_port}}, seen.sequence});
      const CapturedSynAck* answer = captured == syn_acks_.end() ? nullptr : &captured->second;
      known = &connections_.put(ends, {segment->sequence(), answer});
    }
    known->adapt_syn(edit, *segment);
  } else if (known != nullptr) {
    known->adapt(edit, *segment);
  }
}

void Adapter::Impl::adapt(std::string_view name, MutableBytes frame) {
  const auto seen = FrameSeen::parse(frame);
  const Ipv4Address gateway = gateway_of(name);
  if (!seen || gateway.is_any()) return;
  if (seen->kind == FrameSeen::Kind::arp) return adapt_arp(name, frame, *seen, gateway);
  auto edit = PacketEdit::of(frame);
  if (!edit || edit->transport() == 0) return;
  if (is_stood_in_for(*seen, gateway)) redirect(*edit, *seen, gateway);
  if (seen->has_port(kDhcpServerPort)) adapt_dhcp(*edit, frame, *seen, gateway);
  if (seen->kind == FrameSeen::Kind::tcp) adapt_tcp(*edit, frame, *seen);
}

void Adapter::Impl::on_sent(std::string_view name, MutableBytes frame) {
  const auto seen = FrameSeen::parse(frame);
  const Ipv4Address gateway = gateway_of(name);
  if (!seen || gateway.is_any()) return;
  if (seen->kind == FrameSeen::Kind::arp) {
    const Ipv4Address* looked_up = looked_up_.find(std::string(name));
    const bool answer = !seen->arp_request && seen->from == gateway && looked_up != nullptr;
    if (answer) store_be(&frame[kArpSender], looked_up->value);
    return;
  }
  auto edit = PacketEdit::of(frame);
  if (!edit || edit->transport() == 0) return;
  if (seen->is_dhcp()) {
    constexpr std::uint8_t kOffer = 2;
    const auto dhcp = DhcpSeen::parse(seen->payload);
    if (dhcp && dhcp->type == kOffer) offers_.put(dhcp->chaddr, {dhcp->yiaddr, dhcp->xid});
  }
  if (seen->kind == FrameSeen::Kind::tcp) {
    const TcpEnds ends{{seen->to, seen->target_port}, {seen->from, seen->source_port}};
    const auto segment = wire::TcpView::parse(ByteView(frame).subspan(edit->transport()));
    AdaptedConnection* known = connections_.find(ends);
    if (known != nullptr && segment) known->on_answer(*segment);
  }
  restore(*edit, *seen, gateway);
}

Adapter::Adapter(const Case& description, const CaptureFile& capture)
    : impl_(std::make_unique<Impl>(description, capture)) {}
Adapter::~Adapter() = default;

void Adapter::adapt(std::string_view name, std::vector<std::uint8_t>& frame) {
  impl_->adapt(name, frame);
}

void Adapter::on_sent(std::string_view name, std::vector<std::uint8_t>& frame) {
  impl_->on_sent(name, frame);
}

}  // namespace pontoon::lab
