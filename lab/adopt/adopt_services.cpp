#include "lab/adopt/adopt_services.h"

#include <algorithm>
#include <map>
#include <set>

#include "core/base/limits.h"
#include "lab/replay/frame_seen.h"

namespace pontoon::lab {
namespace {

constexpr std::uint8_t kEchoReply = 0;
constexpr std::uint8_t kUnreachable = 3;
constexpr std::uint8_t kEchoRequest = 8;

struct Flow {
  SocketAddress client;
  SocketAddress server;
  friend auto operator<=>(const Flow&, const Flow&) = default;
};

// What a server said in one TCP connection.
struct Connection {
  bool accepted = false;
  bool refused = false;
  bool asked = false;         // the client has sent data
  bool greets = false;        // the server spoke first
  std::uint32_t initial = 0;  // the client's sequence number
  std::uint32_t next = 0;     // the server's
  std::string said;
};

class Collector {
 public:
  explicit Collector(const std::function<bool(Ipv4Address)>& is_outside)
      : is_outside_(is_outside) {}
  void take(const FrameSeen& seen);
  AdoptedServices services() const;

 private:
  void take_tcp(const FrameSeen& seen);
  void take_answer(const FrameSeen& seen, Connection& connection);
  void take_udp(const FrameSeen& seen);
  void take_icmp(const FrameSeen& seen);
  TcpService service(const SocketAddress& at, const Connection& best) const;

  const std::function<bool(Ipv4Address)>& is_outside_;
  std::map<Flow, Connection> connections_;
  std::set<SocketAddress> asked_;
  std::map<SocketAddress, std::string> answered_;
  std::set<Ipv4Address> pinged_;
  std::set<Ipv4Address> ponged_;
  std::set<Ipv4Address> unreachable_;
  bool servers_speak_ = false;
};

void Collector::take(const FrameSeen& seen) {
  if (seen.kind == FrameSeen::Kind::tcp) take_tcp(seen);
  if (seen.kind == FrameSeen::Kind::udp) take_udp(seen);
  if (seen.kind == FrameSeen::Kind::icmp) take_icmp(seen);
}

void Collector::take_tcp(const FrameSeen& seen) {
  const SocketAddress from{seen.from, seen.source_port};
  const SocketAddress to{seen.to, seen.target_port};
  if (const auto found = connections_.find({to, from}); found != connections_.end()) {
    return take_answer(seen, found->second);
  }
  const bool opens = seen.flags.syn && !seen.flags.ack;
  const auto found = connections_.find({from, to});
  if (opens && is_outside_(seen.to) && seen.target_port != kDnsPort) {
    if (found == connections_.end()) {
      if (connections_.size() >= limits::kAdoptedFlows) return;
      connections_[{from, to}].initial = seen.sequence;
    } else if (found->second.initial != seen.sequence && found->second.said.empty()) {
      found->second = {};  // another connection from the same port
      found->second.initial = seen.sequence;
    }
  } else if (found != connections_.end() && !seen.payload.empty()) {
    found->second.asked = true;
  }
}

void Collector::take_answer(const FrameSeen& seen, Connection& connection) {
  servers_speak_ = true;
  if (seen.flags.syn && seen.flags.ack) {
    if (!connection.accepted) connection.next = seen.sequence + 1;
    connection.accepted = true;
    return;
  }
  if (seen.flags.rst && !connection.accepted) connection.refused = true;
  // What came before is left out; what was lost in between ends the text.
  if (seen.payload.empty() || !connection.accepted || seen.sequence != connection.next) return;
  if (connection.said.empty()) connection.greets = !connection.asked;
  connection.next += static_cast<std::uint32_t>(seen.payload.size());
  const std::size_t room = limits::kAdoptedReplyBytes - connection.said.size();
  connection.said += as_text(seen.payload.first(std::min(room, seen.payload.size())));
}

void Collector::take_udp(const FrameSeen& seen) {
  if (seen.is_dhcp() || seen.has_port(kDnsPort)) return;
  const SocketAddress from{seen.from, seen.source_port};
  if (asked_.contains(from)) {
    servers_speak_ = true;
    answered_.try_emplace(from, as_text(seen.payload));
  } else if (is_outside_(seen.to) && asked_.size() < limits::kAdoptedFlows) {
    asked_.insert({seen.to, seen.target_port});
  }
}

void Collector::take_icmp(const FrameSeen& seen) {
  if (seen.icmp_type == kEchoRequest && is_outside_(seen.to) &&
      pinged_.size() < limits::kAdoptedFlows) {
    pinged_.insert(seen.to);
  } else if (seen.icmp_type == kEchoReply) {
    servers_speak_ = servers_speak_ || pinged_.contains(seen.from);
    ponged_.insert(seen.from);
  } else if (seen.icmp_type == kUnreachable && seen.payload.size() >= 28) {
    unreachable_.insert(Ipv4Address::from(seen.payload.subspan(24, 4)));
  }
}

TcpService Collector::service(const SocketAddress& at, const Connection& best) const {
  TcpService service;
  service.at = at;
  service.talk = TcpService::Talk::discard;
  if (best.accepted || !servers_speak_) {
    if (best.said.empty()) return service;
    if (best.greets) {
      service.greeting = best.said;
    } else {
      service.talk = TcpService::Talk::reply;
      service.reply = best.said;
    }
  } else if (best.refused) {
    service.connect = TcpService::Connect::refuse;
  } else {
    service.connect = unreachable_.contains(at.ip.v4()) ? TcpService::Connect::unreachable
                                                        : TcpService::Connect::hang;
  }
  return service;
}

AdoptedServices Collector::services() const {
  std::map<SocketAddress, const Connection*> best;
  for (const auto& [flow, connection] : connections_) {
    const Connection*& known = best[flow.server];
    const bool better = known == nullptr || connection.said.size() > known->said.size() ||
                        (connection.accepted && !known->accepted);
    if (better) known = &connection;
  }
  AdoptedServices out;
  for (const auto& [at, connection] : best)
    out.tcp.push_back(service(at, *connection));
  for (const auto& [at, reply] : answered_)
    out.udp.push_back({at, UdpService::Answer::reply, reply, {}});
  for (const Ipv4Address host : pinged_) {
    if (ponged_.contains(host) || !servers_speak_) out.echo_hosts.emplace_back(host);
  }
  return out;
}

}  // namespace

AdoptedServices adopt_services(const CaptureFile& capture,
                               const std::function<bool(Ipv4Address)>& is_outside) {
  Collector collector(is_outside);
  for (const capture::Packet& packet : capture.packets) {
    if (packet.cut()) continue;
    if (const auto seen = FrameSeen::parse(packet.bytes)) collector.take(*seen);
  }
  return collector.services();
}

}  // namespace pontoon::lab
