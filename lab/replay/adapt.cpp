// Theory of operation. Three independent parts, each with a bounded memory of conversations:
//
//   stand-ins  what goes to an address that our gateway stands in for is sent to the gateway, and
//              a queue of the addresses that were asked is kept per client, port and transaction
//              (DNS ID, echo identifier). Each answer takes the oldest; what comes without a
//              question carries the latest. musl asks several servers from one port with one ID.
//   DHCP       the latest offer of ours per client is kept.
//   TCP        adapt_tcp.h. What the capture has of each connection is collected first, since a
//              SYN must be changed before the rest of its connection comes.
//
// On the way in the stand-in comes first and on the way out last, so that the other parts see our
// side's addresses only; captured SYN-ACKs are looked up by the addresses that the capture has.
#include "lab/replay/adapt.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <tuple>

#include "core/wire/arp.h"
#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "lab/replay/adapt_memory.h"
#include "lab/replay/adapt_tcp.h"
#include "lab/replay/frame_seen.h"
#include "lab/replay/packet_edit.h"

namespace pontoon::lab {
namespace {

constexpr std::size_t kArpSender = wire::EthernetView::kHeaderSize + 14;
constexpr std::size_t kArpTarget = wire::EthernetView::kHeaderSize + 24;
constexpr std::size_t kDhcpOptions = 240;

// Who asked, and which question it was.
struct Asker {
  Ipv4Address client;
  std::uint16_t client_port = 0;
  FrameSeen::Kind protocol = FrameSeen::Kind::udp;
  std::uint16_t transaction = 0;
  friend auto operator<=>(const Asker&, const Asker&) = default;
};

// Whom it asked.
struct Asked {
  std::deque<Ipv4Address> waiting;
  Ipv4Address latest;
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
  void as_asked(std::string_view name, MutableBytes frame);
  void on_sent(std::string_view name, MutableBytes frame);
  std::optional<std::vector<std::uint8_t>> answer(std::string_view name, ByteView frame) const;
  bool is_flooded(ByteView frame) const noexcept;

 private:
  struct Offer {
    Ipv4Address address;
    std::uint32_t xid = 0;
  };
  struct Seat {
    Ipv4Address gateway;
    std::optional<Ipv4Address> address;
    std::optional<MacAddress> mac;
    bool relay = false;
  };

  void learn(ByteView frame);
  Ipv4Address gateway_of(std::string_view name) const;
  bool is_stood_in_for(const FrameSeen& seen, Ipv4Address gateway) const;
  void adapt_arp(std::string_view name, MutableBytes frame, const FrameSeen& seen,
                 Ipv4Address gateway);
  void move_relay(std::string_view name, PacketEdit& edit, FrameSeen& seen) const;
  void redirect(PacketEdit& edit, const FrameSeen& seen, Ipv4Address gateway);
  void adapt_dhcp(PacketEdit& edit, MutableBytes frame, const FrameSeen& seen, Ipv4Address gateway);
  void restore(PacketEdit& edit, const FrameSeen& seen, Ipv4Address gateway);

  std::map<std::string, Seat, std::less<>> seats_;  // by the endpoint's name
  std::set<Ipv4Address> stand_ins_;
  std::set<Ipv4Address> members_;
  std::set<MacAddress> macs_;      // theirs
  std::set<Ipv4Address> servers_;  // that sent DHCP replies in the capture
  AdaptMemory<Asker, Asked> asked_;
  AdaptMemory<std::string, Ipv4Address> looked_up_;  // by ARP
  AdaptMemory<MacAddress, Offer> offers_;
  TcpAdapter tcp_;
};

Adapter::Impl::Impl(const Case& description, const CaptureFile& capture)
    : stand_ins_(description.stand_ins.begin(), description.stand_ins.end()) {
  for (const CaseEndpoint& endpoint : description.endpoints) {
    for (const control::NetworkSpec& network : description.networks) {
      if (network.name != endpoint.request.network) continue;
      seats_[endpoint.request.name] = {network.gateway, endpoint.request.ip, endpoint.request.mac,
                                       endpoint.request.relay};
    }
    if (endpoint.request.ip) members_.insert(*endpoint.request.ip);
    if (endpoint.request.mac) macs_.insert(*endpoint.request.mac);
  }
  for (const capture::Packet& packet : capture.packets)
    learn(packet.bytes);
}

void Adapter::Impl::learn(ByteView frame) {
  const auto seen = FrameSeen::parse(frame);
  if (!seen) return;
  if (seen->kind == FrameSeen::Kind::tcp) {
    const auto ip = wire::Ipv4View::parse_quoted(frame.subspan(wire::EthernetView::kHeaderSize));
    tcp_.learn(*seen, *wire::TcpView::parse(ip->payload()));
  } else if (seen->is_dhcp() && seen->source_port == kDhcpServerPort) {
    const auto dhcp = DhcpSeen::parse(seen->payload);
    if (dhcp && !dhcp->request && dhcp->server) servers_.insert(*dhcp->server);
  }
}

Ipv4Address Adapter::Impl::gateway_of(std::string_view name) const {
  const auto found = seats_.find(name);
  return found == seats_.end() ? Ipv4Address::any() : found->second.gateway;
}

bool Adapter::Impl::is_flooded(ByteView frame) const noexcept {
  const auto ethernet = wire::EthernetView::parse(frame);
  return ethernet && ethernet->destination().is_multicast() && macs_.contains(ethernet->source());
}

std::optional<std::vector<std::uint8_t>> Adapter::Impl::answer(std::string_view name,
                                                               ByteView frame) const {
  const auto seat = seats_.find(name);
  const auto ethernet = wire::EthernetView::parse(frame);
  if (seat == seats_.end() || !ethernet || ethernet->ether_type() != wire::EtherType::arp) {
    return std::nullopt;
  }
  const auto asked = wire::ArpView::parse(ethernet->payload());
  const auto& [gateway, address, mac, relay] = seat->second;
  if (!asked || asked->operation() != wire::ArpOperation::request || !mac ||
      asked->sender_ip() != gateway || asked->target_ip() != address) {
    return std::nullopt;
  }
  std::vector<std::uint8_t> out(wire::EthernetView::kHeaderSize + wire::ArpView::kSize);
  wire::EthernetRepr{asked->sender_mac(), *mac, wire::EtherType::arp}.emit(out);
  const wire::ArpRepr reply{wire::ArpOperation::reply, *mac, *address, asked->sender_mac(),
                            gateway};
  reply.emit(MutableBytes(out).subspan(wire::EthernetView::kHeaderSize));
  return out;
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

// RFC 1542 4.1.1 leaves open from which of its addresses a relay forwards.
void Adapter::Impl::move_relay(std::string_view name, PacketEdit& edit, FrameSeen& seen) const {
  const auto seat = seats_.find(name);
  const bool forwards = seen.kind == FrameSeen::Kind::udp && seen.source_port == kDhcpServerPort &&
                        seen.target_port == kDhcpServerPort;
  if (seat == seats_.end() || !seat->second.relay || !seat->second.address || !forwards) return;
  seen.from = *seat->second.address;
  edit.set_source(seen.from);
}

void Adapter::Impl::redirect(PacketEdit& edit, const FrameSeen& seen, Ipv4Address gateway) {
  const Asker asker{seen.from, seen.source_port, seen.kind, transaction_of(seen)};
  Asked* known = asked_.find(asker);
  if (!is_stood_in_for(seen, gateway)) {
    // The gateway itself is one of several that are asked the same.
    if (seen.to != gateway || known == nullptr) return;
  } else if (known == nullptr) {
    known = &asked_.put(asker, {});
  }
  constexpr std::size_t kWaiting = 16;
  if (seen.kind == FrameSeen::Kind::tcp) {
    known->latest = seen.to;
  } else if (known->waiting.size() < kWaiting) {
    known->waiting.push_back(seen.to);
  }
  edit.set_target(gateway);
}

void Adapter::Impl::restore(PacketEdit& edit, const FrameSeen& seen, Ipv4Address gateway) {
  // A DHCP server's address is its identifier too, which its replies name.
  if (seen.from != gateway || seen.is_dhcp()) return;
  Asked* known = asked_.find({seen.to, seen.target_port, seen.kind, transaction_of(seen)});
  if (known == nullptr) return;
  if (!known->waiting.empty()) {
    known->latest = known->waiting.front();
    known->waiting.pop_front();
  }
  edit.set_source(known->latest);
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

void Adapter::Impl::adapt(std::string_view name, MutableBytes frame) {
  auto seen = FrameSeen::parse(frame);
  const Ipv4Address gateway = gateway_of(name);
  if (!seen || gateway.is_any()) return;
  if (seen->kind == FrameSeen::Kind::arp) return adapt_arp(name, frame, *seen, gateway);
  auto edit = PacketEdit::of(frame);
  if (!edit || edit->transport() == 0) return;
  move_relay(name, *edit, *seen);
  redirect(*edit, *seen, gateway);
  if (seen->has_port(kDhcpServerPort)) adapt_dhcp(*edit, frame, *seen, gateway);
  if (seen->kind == FrameSeen::Kind::tcp) {
    const auto segment = wire::TcpView::parse(ByteView(frame).subspan(edit->transport()));
    if (segment) tcp_.adapt(*edit, *seen, *segment);
  }
}

void Adapter::Impl::as_asked(std::string_view name, MutableBytes frame) {
  const auto seen = FrameSeen::parse(frame);
  const Ipv4Address gateway = gateway_of(name);
  if (!seen || gateway.is_any() || seen->to != gateway) return;
  if (seen->kind == FrameSeen::Kind::arp) {
    const Ipv4Address* looked_up = looked_up_.find(std::string(name));
    if (seen->arp_request && looked_up != nullptr) store_be(&frame[kArpTarget], looked_up->value);
    return;
  }
  auto edit = PacketEdit::of(frame);
  if (!edit || edit->transport() == 0) return;
  const Asked* known =
      asked_.find({seen->from, seen->source_port, seen->kind, transaction_of(*seen)});
  if (known == nullptr) return;
  edit->set_target(known->waiting.empty() ? known->latest : known->waiting.back());
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
    const auto segment = wire::TcpView::parse(ByteView(frame).subspan(edit->transport()));
    if (segment) tcp_.on_sent(*seen, *segment);
  }
  restore(*edit, *seen, gateway);
}

Adapter::Adapter(const Case& description, const CaptureFile& capture)
    : impl_(std::make_unique<Impl>(description, capture)) {}
Adapter::~Adapter() = default;

void Adapter::adapt(std::string_view name, std::vector<std::uint8_t>& frame) {
  impl_->adapt(name, frame);
}

void Adapter::as_asked(std::string_view name, std::vector<std::uint8_t>& frame) {
  impl_->as_asked(name, frame);
}

void Adapter::on_sent(std::string_view name, std::vector<std::uint8_t>& frame) {
  impl_->on_sent(name, frame);
}

std::optional<std::vector<std::uint8_t>> Adapter::answer(std::string_view name,
                                                         ByteView frame) const {
  return impl_->answer(name, frame);
}

bool Adapter::is_flooded(ByteView frame) const noexcept {
  return impl_->is_flooded(frame);
}

}  // namespace pontoon::lab
