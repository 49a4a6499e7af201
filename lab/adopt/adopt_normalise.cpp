// How a stranger's packets become plain Ethernet frames that say who sent them.
//
// Two passes. The first makes each packet a frame by itself: a header for cooked and raw ones, no
// VLAN tags, no loopback network, checksums finished that had been left to a network card. It also
// learns which station has which address, and which stations speak for several clients (tools that
// craft packets often send everything from one MAC). The second pass puts in the addresses that
// were missing, or could not be true: a client's own MAC where its DHCP message names it, else one
// made from its IP address, as capture::as_ethernet() does it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/capture/reader.h"
#include "core/wire/ethernet.h"
#include "lab/adopt/adopt.h"
#include "lab/replay/frame_seen.h"
#include "lab/replay/packet_edit.h"

namespace pontoon::lab {
namespace {

using capture::LinkType;

MacAddress station_of(Ipv4Address address) noexcept {
  const auto bytes = address.bytes();
  return {{0x02, 0x00, bytes[0], bytes[1], bytes[2], bytes[3]}};
}

bool is_station(const MacAddress& mac) noexcept {
  return !mac.is_zero() && !mac.is_multicast();
}

bool is_unicast(Ipv4Address address) noexcept {
  return !address.is_any() && !address.is_broadcast() && !address.is_multicast();
}

bool has_ethernet_form(LinkType type) noexcept {
  switch (type) {
    case LinkType::null:
    case LinkType::raw:
    case LinkType::loop:
    case LinkType::linux_sll:
    case LinkType::ipv4:
    case LinkType::ipv6:
    case LinkType::linux_sll2:
      return true;
    case LinkType::ethernet:
      break;
  }
  return false;
}

class Normaliser {
 public:
  explicit Normaliser(CaptureFile& capture) : capture_(capture) {}
  std::vector<std::string> run();

 private:
  // What one MAC says: as whom it asks and as whom it answers.
  struct Speaker {
    std::set<Ipv4Address> asks;
    std::set<Ipv4Address> answers;
    bool for_others = false;  // it carries DHCP messages of other MACs
  };

  void to_ethernet(capture::Packet& packet);
  void leave_loopback(capture::Packet& packet);
  void learn(ByteView frame);
  void learn_dhcp(const FrameSeen& seen);
  void name_stations(capture::Packet& packet);
  std::optional<MacAddress> client_of(const FrameSeen& seen) const;
  MacAddress source_of(const FrameSeen& seen) const;
  MacAddress target_of(const FrameSeen& seen, const MacAddress& source) const;
  MacAddress known(Ipv4Address address) const;
  bool answers_only(const MacAddress& mac, Ipv4Address address) const;

  CaptureFile& capture_;
  std::vector<LinkType> types_;
  std::map<MacAddress, Speaker> speakers_;
  std::map<Ipv4Address, MacAddress> clients_;  // by address, as DHCP gave it
  std::size_t cooked_ = 0, tagged_ = 0, loopback_ = 0, finished_ = 0, renamed_ = 0;
};

void Normaliser::to_ethernet(capture::Packet& packet) {
  if (packet.interface >= types_.size()) return;
  const LinkType type = types_[packet.interface];
  const std::size_t before = packet.bytes.size();
  if (has_ethernet_form(type)) {
    auto frame = capture::as_ethernet(packet, type);
    packet.bytes = frame ? std::move(*frame) : std::vector<std::uint8_t>{};
    ++cooked_;
    // A cooked header has its sender's MAC, but not the receiver's: that is somewhere else.
    const auto seen = FrameSeen::parse(packet.bytes);
    if (seen && seen->is_ipv4() && is_station(seen->source) && is_unicast(seen->from)) {
      clients_.try_emplace(seen->from, seen->source);
    }
  }
  if (strip_vlan_tags(packet.bytes)) ++tagged_;
  packet.original_length =
      static_cast<std::uint32_t>(packet.original_length + packet.bytes.size() - before);
}

// RFC 1122 3.2.1.3 g: nothing to or from 127/8 may stand on a wire, and our gateway drops it.
// 127.a.b.c becomes 10.127.b.c, and where both ends had one address, the one with the lower port
// (the server) moves up by 128.
void Normaliser::leave_loopback(capture::Packet& packet) {
  auto edit = PacketEdit::of(packet.bytes);
  if (!edit || !(edit->source().is_loopback() || edit->target().is_loopback())) return;
  const auto moved = [](Ipv4Address address) {
    return address.is_loopback()
               ? Ipv4Address{(10U << 24) | (127U << 16) | (address.value & 0xffff)}
               : address;
  };
  Ipv4Address source = moved(edit->source());
  Ipv4Address target = moved(edit->target());
  const auto seen = FrameSeen::parse(packet.bytes);
  if (source == target && seen) {
    const bool to_server = seen->target_port <= seen->source_port;
    (to_server ? target : source).value ^= 0x80;
  }
  edit->set_source(source);
  edit->set_target(target);
  ++loopback_;
}

void Normaliser::learn_dhcp(const FrameSeen& seen) {
  const auto dhcp = DhcpSeen::parse(seen.payload);
  if (!dhcp || !is_station(dhcp->chaddr)) return;
  const Ipv4Address address = dhcp->request ? dhcp->ciaddr : dhcp->yiaddr;
  if (is_unicast(address) && dhcp->giaddr.is_any()) clients_[address] = dhcp->chaddr;
  if (dhcp->request && dhcp->giaddr.is_any() && seen.source != dhcp->chaddr) {
    speakers_[seen.source].for_others = true;
  }
}

void Normaliser::learn(ByteView frame) {
  const auto seen = FrameSeen::parse(frame);
  if (!seen || speakers_.size() >= limits::kAdoptedStations) return;
  if (seen->is_dhcp()) {
    learn_dhcp(*seen);
    const bool answer =
        seen->source_port == kDhcpServerPort && seen->target_port != kDhcpServerPort;
    Speaker& speaker = speakers_[seen->source];
    (answer ? speaker.answers : speaker.asks).insert(seen->from);
  } else if (seen->has_port(kDnsPort) && !seen->is_dns_response()) {
    speakers_[seen->source].asks.insert(seen->from);
  } else if (seen->source_port == kDnsPort && seen->is_dns_response()) {
    speakers_[seen->source].answers.insert(seen->from);
  }
}

MacAddress Normaliser::known(Ipv4Address address) const {
  const auto found = clients_.find(address);
  return found == clients_.end() ? station_of(address) : found->second;
}

// One MAC was both ends of a conversation: what it says as a server is another station's.
bool Normaliser::answers_only(const MacAddress& mac, Ipv4Address address) const {
  const auto found = speakers_.find(mac);
  if (found == speakers_.end()) return false;
  const Speaker& speaker = found->second;
  return !speaker.asks.empty() && speaker.answers.contains(address) &&
         !speaker.asks.contains(address);
}

// RFC 2131 4.1: replies go to 'chaddr', so that is who asks.
std::optional<MacAddress> Normaliser::client_of(const FrameSeen& seen) const {
  if (seen.kind != FrameSeen::Kind::udp || seen.target_port != kDhcpServerPort) return std::nullopt;
  const auto dhcp = DhcpSeen::parse(seen.payload);
  if (!dhcp || !dhcp->request || !dhcp->giaddr.is_any() || !is_station(dhcp->chaddr)) {
    return std::nullopt;
  }
  constexpr std::size_t kHardware = 1;  // htype and hlen
  const bool ethernet = seen.payload[kHardware] == 1 && seen.payload[kHardware + 1] == 6;
  return ethernet ? std::optional(dhcp->chaddr) : std::nullopt;
}

MacAddress Normaliser::source_of(const FrameSeen& seen) const {
  if (const auto client = client_of(seen)) return *client;
  if (!seen.is_ipv4()) return seen.source;
  const auto speaker = speakers_.find(seen.source);
  const bool shared = speaker != speakers_.end() && speaker->second.for_others;
  const bool made_up = seen.source == station_of(seen.from);
  const bool impossible = !is_station(seen.source) || seen.source == seen.target ||
                          answers_only(seen.source, seen.from);
  if (impossible || made_up) return known(seen.from);
  return shared && clients_.contains(seen.from) ? known(seen.from) : seen.source;
}

MacAddress Normaliser::target_of(const FrameSeen& seen, const MacAddress& source) const {
  if (!seen.is_ipv4() || !is_unicast(seen.to)) return seen.target;
  // A server's reply to a client that cannot take unicast yet.
  const bool reply = seen.is_dhcp() && seen.target_port == kDhcpClientPort;
  const bool impossible = seen.target.is_zero() || seen.target == seen.source ||
                          seen.target == source || (seen.target.is_multicast() && !reply) ||
                          answers_only(seen.target, seen.to);
  return impossible || seen.target == station_of(seen.to) ? known(seen.to) : seen.target;
}

void Normaliser::name_stations(capture::Packet& packet) {
  const auto seen = FrameSeen::parse(packet.bytes);
  if (!seen) return;
  const MacAddress source = source_of(*seen);
  const MacAddress target = target_of(*seen, source);
  if (source == seen->source && target == seen->target) return;
  set_source_mac(packet.bytes, source);
  set_target_mac(packet.bytes, target);
  ++renamed_;
}

std::vector<std::string> Normaliser::run() {
  for (capture::Interface& interface : capture_.interfaces) {
    types_.push_back(interface.link_type);
    if (has_ethernet_form(interface.link_type)) interface.link_type = LinkType::ethernet;
  }
  for (capture::Packet& packet : capture_.packets) {
    to_ethernet(packet);
    if (auto edit = PacketEdit::of(packet.bytes)) finished_ += edit->finish_checksums() ? 1 : 0;
    leave_loopback(packet);
    learn(packet.bytes);
  }
  for (capture::Packet& packet : capture_.packets)
    name_stations(packet);

  std::vector<std::string> notes;
  const auto note = [&](std::size_t count, std::string_view what) {
    if (count > 0)
      notes.push_back(fmt::format("{} {} {}", count, count == 1 ? "packet" : "packets", what));
  };
  note(cooked_, "had no Ethernet header (cooked, raw or loopback capture); it was made up");
  note(tagged_, "had VLAN tags; they were taken off");
  note(loopback_, "went over the loopback network; 127.a.b.c is 10.127.b.c here");
  note(finished_, "had checksums that were left to the network card; they were finished");
  note(renamed_ > cooked_ ? renamed_ - cooked_ : 0,
       "did not say who sent them to whom; the MAC addresses are those in DHCP, or made up");
  return notes;
}

}  // namespace

std::vector<std::string> normalise(CaptureFile& capture) {
  return Normaliser(capture).run();
}

}  // namespace pontoon::lab
