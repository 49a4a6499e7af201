#include "lab/adopt/adopt_survey.h"

#include <algorithm>

#include "core/base/limits.h"

namespace pontoon::lab {
namespace {

// RFC 2131 table 2 and 9.6 of RFC 2132.
constexpr std::uint8_t kDiscover = 1;
constexpr std::uint8_t kOffer = 2;
constexpr std::uint8_t kAck = 5;
constexpr std::uint8_t kEchoRequest = 8;

bool is_station(const MacAddress& mac) noexcept {
  return !mac.is_zero() && !mac.is_multicast();
}

// RFC 1035 4.2.2: over TCP behind its length. Those in several segments are passed over.
ByteView whole_message(const FrameSeen& seen) {
  if (seen.kind == FrameSeen::Kind::udp) return seen.payload;
  if (seen.payload.size() < 2) return {};
  const std::size_t length = load_be<std::uint16_t>(seen.payload.data());
  return length <= seen.payload.size() - 2 ? seen.payload.subspan(2, length) : ByteView{};
}

// Our own captures say whom they watch; others hardly ever do.
bool is_ours(const capture::Interface& interface) noexcept {
  return interface.mac && interface.ipv4 && interface.ipv4->address.is_v4();
}

class Surveyor {
 public:
  explicit Surveyor(Survey& out) : out_(out) {}
  void take(ByteView frame, bool cut);
  void take_heard(const capture::Packet& packet, const capture::Interface& interface);

 private:
  void take_arp(const FrameSeen& seen, Station& station);
  void take_ipv4(const FrameSeen& seen, Station& station);
  void take_dhcp(const FrameSeen& seen, Station& station);
  void take_dhcp_reply(const DhcpSeen& dhcp, Station& station);
  void take_dns(const FrameSeen& seen, Station& station, bool cut);

  bool is_first_datagram(const FrameSeen& seen);

  Survey& out_;
  std::set<std::pair<Ipv4Address, Ipv4Address>> talks_;  // over UDP, who began first
};

void Surveyor::take(ByteView frame, bool cut) {
  const auto seen = FrameSeen::parse(frame);
  if (!seen || !is_station(seen->source)) return;
  ++out_.usable;
  Station* station = out_.station(seen->source);
  if (station == nullptr) {
    ++out_.overlooked;
    return;
  }
  if (is_station(seen->target) && out_.targets.size() < limits::kAdoptedStations) {
    out_.targets.insert(seen->target);
  }
  if (seen->kind == FrameSeen::Kind::arp) {
    take_arp(*seen, *station);
  } else if (seen->is_ipv4()) {
    take_ipv4(*seen, *station);
    if (seen->is_dhcp()) take_dhcp(*seen, *station);
    take_dns(*seen, *station, cut);
  } else {
    ++station->others;
  }
}

// What a capture of ours marks as received was sent by another endpoint, which has an interface of
// its own there, or by the gateway.
void Surveyor::take_heard(const capture::Packet& packet, const capture::Interface& interface) {
  if (!is_ours(interface) || packet.direction != capture::Direction::inbound) return;
  const auto seen = FrameSeen::parse(packet.bytes);
  if (!seen) return;
  const auto found = out_.index.find(seen->source);
  if (found != out_.index.end()) out_.stations[found->second].heard = true;
}

void Surveyor::take_arp(const FrameSeen& seen, Station& station) {
  ++station.frames;
  if (is_host_address(seen.from)) {
    ++station.addresses[seen.from];
    station.claims.insert(seen.from);
    out_.owners[seen.from] = seen.source;
  }
  if (seen.arp_request && is_host_address(seen.to)) ++out_.arp_targets[seen.to];
}

void Surveyor::take_ipv4(const FrameSeen& seen, Station& station) {
  ++station.frames;
  if (is_host_address(seen.from)) ++station.addresses[seen.from];
  if (is_host_address(seen.to) && is_station(seen.target)) out_.ways[seen.to] = seen.target;
  const bool connects = seen.kind == FrameSeen::Kind::tcp && seen.flags.syn && !seen.flags.ack;
  const bool pings = seen.kind == FrameSeen::Kind::icmp && seen.icmp_type == kEchoRequest;
  if (connects || pings || is_first_datagram(seen)) station.initiates = true;
}

// Who sends a datagram to somebody from whom it has got none.
bool Surveyor::is_first_datagram(const FrameSeen& seen) {
  const bool between_hosts = is_host_address(seen.from) && is_host_address(seen.to);
  const bool counts = seen.kind == FrameSeen::Kind::udp && between_hosts && !seen.is_dhcp() &&
                      seen.source_port != kDnsPort;
  if (!counts || talks_.contains({seen.to, seen.from})) return false;
  if (talks_.size() < limits::kAdoptedFlows) talks_.insert({seen.from, seen.to});
  return true;
}

void Surveyor::take_dhcp(const FrameSeen& seen, Station& station) {
  const bool to_client = seen.source_port == kDhcpServerPort && seen.target_port == kDhcpClientPort;
  const auto dhcp = DhcpSeen::parse(seen.payload);
  if (to_client || (dhcp && !dhcp->request && seen.source_port == kDhcpServerPort)) {
    station.answers = true;
    if (dhcp) take_dhcp_reply(*dhcp, station);
    return;
  }
  station.asks_dhcp = true;
  if (!dhcp || !dhcp->request) return;
  if (!dhcp->giaddr.is_any()) {
    station.relays = true;
    station.giaddr = dhcp->giaddr;
    if (dhcp->server) station.server = dhcp->server;
    if (is_host_address(seen.to)) ++out_.dhcp_targets[seen.to];
    return;
  }
  if (is_host_address(seen.to)) ++out_.dhcp_targets[seen.to];
  if (!dhcp->name.empty()) station.name = dhcp->name;
  if (dhcp->server) station.server = dhcp->server;
  if (is_host_address(dhcp->ciaddr)) station.current = dhcp->ciaddr;
  if (!dhcp->requested || !is_host_address(*dhcp->requested)) return;
  const bool selects = dhcp->server && dhcp->type != kDiscover;
  (selects ? station.selected : station.wished) = dhcp->requested;
}

void Surveyor::take_dhcp_reply(const DhcpSeen& dhcp, Station& station) {
  const Ipv4Address address = dhcp.yiaddr.is_any() ? dhcp.ciaddr : dhcp.yiaddr;
  if (!is_host_address(address) || (dhcp.type != kOffer && dhcp.type != kAck)) return;
  if (Station* client = is_station(dhcp.chaddr) ? out_.station(dhcp.chaddr) : nullptr) {
    (dhcp.type == kAck ? client->leased : client->offered) = address;
  }
  if (!dhcp.giaddr.is_any()) station.giaddr = dhcp.giaddr;
  if (out_.grants.size() >= limits::kAdoptedStations) return;
  out_.grants.push_back({address, dhcp.mask, dhcp.router, dhcp.server, dhcp.dns});
}

void Surveyor::take_dns(const FrameSeen& seen, Station& station, bool cut) {
  const bool response = seen.source_port == kDnsPort && seen.is_dns_response();
  if (response) {
    station.answers = true;
    const ByteView message = whole_message(seen);
    if (!cut && !message.empty() && out_.responses.size() < limits::kAdoptedResponses) {
      out_.responses.emplace_back(message.begin(), message.end());
    }
  } else if (seen.has_port(kDnsPort)) {
    station.initiates = true;
    if (is_host_address(seen.to)) ++out_.dns_targets[seen.to];
  }
}

// A capture of ours knows who it watched: an interface per endpoint, with name, MAC and address.
void take_interface(const capture::Interface& interface, Survey& out) {
  if (!is_ours(interface)) return;
  const auto found = out.index.find(*interface.mac);
  if (found == out.index.end()) return;
  out.stations[found->second].name = interface.name;
  out.stations[found->second].heard = false;
  const unsigned host_bits = 32U - interface.ipv4->length;
  const Ipv4Address mask{host_bits == 32 ? 0 : 0xffffffffU << host_bits};
  if (out.grants.size() < limits::kAdoptedStations)
    out.grants.push_back({interface.ipv4->address.v4(), mask, {}, {}, {}});
}

}  // namespace

std::optional<Ipv4Address> Station::main_address() const {
  const auto most = std::max_element(
      addresses.begin(), addresses.end(),
      [](const auto& left, const auto& right) { return left.second < right.second; });
  return most == addresses.end() ? std::nullopt : std::optional(most->first);
}

std::optional<Ipv4Address> Station::firm_address() const {
  if (relays && giaddr && is_host_address(*giaddr)) return giaddr;
  for (const auto& address : {leased, selected, current}) {
    if (address) return address;
  }
  return main_address();
}

std::vector<Ipv4Address> Station::evidence() const {
  std::vector<Ipv4Address> out;
  if (relays && giaddr) out.push_back(*giaddr);
  for (const auto& address : {leased, selected, current, main_address(), offered, wished}) {
    if (address) out.push_back(*address);
  }
  for (const auto& used : addresses)
    out.push_back(used.first);
  return out;
}

Station* Survey::station(const MacAddress& mac) {
  const auto found = index.find(mac);
  if (found != index.end()) return &stations[found->second];
  if (stations.size() >= limits::kAdoptedStations) return nullptr;
  index.emplace(mac, stations.size());
  stations.push_back({});
  stations.back().mac = mac;
  return &stations.back();
}

const Station* Survey::find(const MacAddress& mac) const {
  const auto found = index.find(mac);
  return found == index.end() ? nullptr : &stations[found->second];
}

Survey survey(const CaptureFile& capture) {
  Survey out;
  Surveyor surveyor(out);
  for (const capture::Packet& packet : capture.packets) {
    if (packet.cut()) ++out.cut;
    if (packet.interface >= capture.interfaces.size()) continue;
    const capture::Interface& interface = capture.interfaces[packet.interface];
    if (interface.link_type != capture::LinkType::ethernet) continue;
    surveyor.take(packet.bytes, packet.cut());
    surveyor.take_heard(packet, interface);
  }
  for (const capture::Interface& interface : capture.interfaces)
    take_interface(interface, out);
  return out;
}

}  // namespace pontoon::lab
