#include "tests/sim/station.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace pontoon::sim {
namespace {

using test::Dissected;
using test::PacketEnds;

constexpr std::size_t kWaiting = 64;  // packets for a neighbour that was asked for

std::string text_of(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

Bytes bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

}  // namespace

Station::Station(lab::World& world, lab::Member& member, Report& report, std::uint64_t seed)
    : world_(world),
      member_(member),
      report_(report),
      random_(seed, member.name()),
      outward_(world.events(), SeededRandom(seed, member.name() + " outward"),
               [this](const Bytes& frame, bool corrupted) {
                 if (!member_.plugged()) return;
                 if (on_wire) on_wire(frame, corrupted);
                 world_.put(member_, frame);
               }),
      inward_(world.events(), SeededRandom(seed, member.name() + " inward"),
              [this](const Bytes& frame, bool) { deliver(frame); }) {
  const control::NetworkSpec& spec = world.network(member.info().network)->spec();
  subnet_ = spec.subnet;
  gateway_ = spec.gateway;
}

void Station::set_faults(const Faults& faults) {
  outward_.faults = faults;
  inward_.faults = faults;
}

bool Station::collect(Instant now) {
  const auto frames = member_.take_received();
  for (const Bytes& frame : frames)
    inward_.carry(frame, now);
  return !frames.empty();
}

void Station::fail(const std::string& what) {
  report_.fail("station " + name(), what);
}

void Station::send_frame(Bytes frame) {
  outward_.carry(std::move(frame), world_.now());
}

PacketEnds Station::ends_to(const IpAddress& target) const {
  PacketEnds ends;
  ends.source_mac = member_.mac();
  ends.source = member_.address();
  ends.target = target;
  const IpAddress hop = subnet_.contains(target) ? target : IpAddress(gateway_);
  const auto known = neighbours_.find(hop);
  if (known != neighbours_.end()) ends.target_mac = known->second;
  return ends;
}

// Packets wait for their next hop; each new one asks again, which makes up for what was lost.
void Station::send_ip(const IpAddress& target, std::function<Bytes(const PacketEnds&)> make) {
  const IpAddress hop = subnet_.contains(target) ? target : IpAddress(gateway_);
  if (neighbours_.contains(hop)) return send_frame(make(ends_to(target)));
  auto& waiting = waiting_[hop];
  waiting.push_back([target, make = std::move(make)](const PacketEnds& ends) {
    PacketEnds whole = ends;
    whole.target = target;
    return make(whole);
  });
  if (waiting.size() > kWaiting) waiting.pop_front();
  wire::ArpRepr request;
  request.operation = wire::ArpOperation::request;
  request.sender_mac = member_.mac();
  request.sender_ip = member_.address().v4();
  request.target_ip = hop.v4();
  send_frame(test::arp_frame(request));
}

void Station::send_udp(std::uint16_t from, const SocketAddress& to, std::string_view payload) {
  send_ip(to.ip, [from, port = to.port, text = bytes_of(payload)](const PacketEnds& ends) {
    return test::udp_frame(ends, from, port, text);
  });
}

void Station::send_dhcp(const Bytes& message, Ipv4Address source, Ipv4Address target) {
  if (!target.is_broadcast()) return send_udp(68, {target, 67}, as_text(message));
  test::PacketEnds ends;
  ends.source_mac = member_.mac();
  ends.target_mac = MacAddress::broadcast();
  ends.source = source;
  ends.target = target;
  send_frame(test::udp_frame(ends, 68, 67, message));
}

void Station::listen_udp(std::uint16_t port, UdpHandler handler) {
  udp_[port] = std::move(handler);
}

void Station::ping(const IpAddress& target, std::uint16_t sequence, std::string_view payload) {
  send_ip(target, [sequence, text = bytes_of(payload)](const PacketEnds& ends) {
    return test::echo_frame(ends, true, 7, sequence, text);
  });
}

Station::Connection* Station::find(const SocketAddress& peer, std::uint16_t port) {
  // The newest first: a peer may come again from the same port.
  const auto found =
      std::find_if(connections_.rbegin(), connections_.rend(), [&](const Connection& connection) {
        return connection.peer == peer && connection.port == port;
      });
  return found == connections_.rend() ? nullptr : &*found;
}

Station::Connection& Station::add(const SocketAddress& peer, std::uint16_t port,
                                  const TcpManners& manners, std::uint32_t initial) {
  Connection& connection = connections_.emplace_back();
  connection.peer = peer;
  connection.port = port;
  const auto send = [this, peer, port](const wire::TcpRepr& segment, std::string_view text) {
    wire::TcpRepr whole = segment;
    whole.source_port = port;
    whole.destination_port = peer.port;
    send_ip(peer.ip, [whole, text = bytes_of(text)](const PacketEnds& ends) {
      return test::tcp_frame(ends, whole, text);
    });
  };
  connection.tcp = std::make_unique<ReferenceTcp>(
      manners, initial,
      ReferenceTcp::Surroundings{world_.events(), send,
                                 [&connection](std::uint64_t position, std::string_view text) {
                                   if (connection.heard) connection.heard(position, text);
                                 },
                                 [this, &connection](const std::string& what) {
                                   fail(fmt::format("TCP with {} at port {}: {} ({})",
                                                    connection.peer.to_string(), connection.port,
                                                    what, connection.tcp->describe()));
                                 },
                                 [&connection] {
                                   if (connection.changed) connection.changed();
                                 }});
  return connection;
}

ReferenceTcp& Station::connect(const SocketAddress& to, const TcpManners& manners,
                               std::function<void()> changed) {
  Connection& connection = add(to, next_port_++, manners, first_number());
  connection.changed = std::move(changed);
  connection.tcp->connect(world_.now());
  return *connection.tcp;
}

ReferenceTcp& Station::connect_again(const ReferenceTcp& before, const TcpManners& manners,
                                     std::function<void()> changed) {
  const auto old = std::find_if(connections_.begin(), connections_.end(),
                                [&](const Connection& each) { return each.tcp.get() == &before; });
  Connection& connection = add(old->peer, old->port, manners, before.beyond());
  connection.changed = std::move(changed);
  connection.tcp->connect(world_.now());
  return *connection.tcp;
}

// Every other connection's numbers pass zero soon, or the sign bit.
std::uint32_t Station::first_number() {
  const std::uint32_t number = random_.u32();
  const std::uint32_t below = number % 20000;
  switch (number >> 30) {
    case 0:
      return 0U - below;
    case 1:
      return 0x80000000U - below;
    default:
      return number;
  }
}

std::vector<Station::Talking> Station::talking() {
  std::vector<Talking> out;
  for (const Connection& each : connections_) {
    if (each.tcp->talking() && neighbours_.contains(IpAddress(gateway_)))
      out.push_back({each.peer, each.port, each.tcp.get()});
  }
  return out;
}

void Station::listen_tcp(std::uint16_t port, const TcpManners& manners, Accept accept) {
  listening_[port] = {manners, std::move(accept)};
}

void Station::set_heard(ReferenceTcp& connection,
                        std::function<void(std::uint64_t, std::string_view)> heard) {
  for (Connection& each : connections_) {
    if (each.tcp.get() == &connection) each.heard = heard;
  }
}

void Station::set_changed(ReferenceTcp& connection, std::function<void()> changed) {
  for (Connection& each : connections_) {
    if (each.tcp.get() == &connection) each.changed = changed;
  }
}

void Station::deliver(const Bytes& frame) {
  if (!member_.plugged()) return;
  const Dissected packet = test::dissect(frame);
  if (!packet.ethernet) return fail("got something that is no frame");
  const MacAddress& target = packet.ethernet->destination;
  if (!target.is_multicast() && target != member_.mac()) return;  // flooded; see the ledger
  if (packet.arp) return on_arp(*packet.arp);
  const bool to_all = packet.target == IpAddress(Ipv4Address::broadcast());
  if ((packet.target != member_.address() && !to_all) || !packet.problem.empty()) return;
  if (packet.tcp) return on_tcp(packet);
  if (packet.icmp) {
    if (packet.icmp->type == wire::IcmpType::echo_request) {
      send_ip(packet.source,
              [text = packet.payload, rest = packet.icmp->rest](const PacketEnds& ends) {
                return test::echo_frame(ends, false, static_cast<std::uint16_t>(rest >> 16),
                                        static_cast<std::uint16_t>(rest), text);
              });
    } else if (packet.icmp->type == wire::IcmpType::echo_reply && echo_) {
      echo_(packet.source, static_cast<std::uint16_t>(packet.icmp->rest), text_of(packet.payload));
    }
    return;
  }
  if (!packet.udp) return;
  const auto handler = udp_.find(packet.udp->destination_port);
  if (handler != udp_.end())
    handler->second({packet.source, packet.udp->source_port}, text_of(packet.payload));
}

void Station::on_arp(const wire::ArpRepr& arp) {
  neighbours_[arp.sender_ip] = arp.sender_mac;
  if (const auto waiting = waiting_.find(arp.sender_ip); waiting != waiting_.end()) {
    const auto makers = std::move(waiting->second);
    waiting_.erase(waiting);
    for (const auto& make : makers)
      send_frame(make(ends_to(arp.sender_ip)));
  }
  if (arp.operation != wire::ArpOperation::request || arp.target_ip != member_.address().v4())
    return;
  wire::ArpRepr reply;
  reply.operation = wire::ArpOperation::reply;
  reply.sender_mac = member_.mac();
  reply.sender_ip = member_.address().v4();
  reply.target_mac = arp.sender_mac;
  reply.target_ip = arp.sender_ip;
  send_frame(test::arp_frame(reply));
}

void Station::on_tcp(const Dissected& packet) {
  const SocketAddress peer{packet.source, packet.tcp->source_port};
  const std::uint16_t port = packet.tcp->destination_port;
  const std::string text = text_of(packet.payload);
  Connection* known = find(peer, port);
  const bool opens = packet.tcp->flags.syn && !packet.tcp->flags.ack;
  const bool late = known != nullptr && known->tcp->began_with(*packet.tcp);
  if (opens && !late && (known == nullptr || known->tcp->finished())) {
    const auto listening = listening_.find(port);
    if (listening == listening_.end()) return;
    known = &add(peer, port, listening->second.manners, first_number());
    listening->second.accept(*known->tcp, known->changed);
  }
  if (known != nullptr) return known->tcp->on_segment(*packet.tcp, text, world_.now());
  if (packet.tcp->flags.rst || forgiving_ || !packet.tcp->flags.ack) return;
  fail(fmt::format("got a TCP segment from {} to port {}, where nobody has a connection",
                   peer.to_string(), port));
}

}  // namespace pontoon::sim
