// Endpoints of testing.h, and frames made from their side.
#include <fmt/format.h>

#include <algorithm>

#include "core/wire/ethernet.h"
#include "core/wire/icmp.h"
#include "core/wire/ipv4.h"
#include "core/wire/udp.h"
#include "lab/testing/testing.h"
#include "lab/testing/testing_state.h"

namespace pontoon::testing {
namespace {

constexpr std::size_t kLongestPayload = 65535 - 20 - 8;

const control::Network& network_of(detail::WorldState& world, const lab::Member& member) {
  const control::Network* const network = world.world.network(member.info().network);
  if (network == nullptr)
    throw Error(Error::Code::not_found, fmt::format("No such network: {}", member.info().network));
  return *network;
}

// Whose station a packet to that address is sent to.
MacAddress station_of(const control::Network& network, Ipv4Address target) {
  if (target.is_broadcast()) return MacAddress::broadcast();
  for (const control::EndpointInfo& endpoint : network.endpoints()) {
    if (endpoint.ipv4.address == IpAddress(target)) return endpoint.mac;
  }
  return network.gateway_mac();
}

Frame frame_of(const lab::Member& member, const control::Network& network, Ipv4Address target,
               wire::IpProtocol protocol, const Bytes& transport) {
  constexpr std::size_t kHeaders = wire::EthernetView::kHeaderSize + wire::Ipv4View::kMinHeaderSize;
  Frame frame(kHeaders);
  wire::EthernetRepr{station_of(network, target), member.mac(), wire::EtherType::ipv4}.emit(frame);
  wire::Ipv4Repr ip;
  ip.source = member.address().v4();
  ip.destination = target;
  ip.protocol = protocol;
  ip.payload_length = static_cast<std::uint16_t>(transport.size());
  ip.emit(MutableBytes(frame).subspan(wire::EthernetView::kHeaderSize));
  frame.insert(frame.end(), transport.begin(), transport.end());
  return frame;
}

}  // namespace

const std::string& Endpoint::name() const {
  return state_->member->name();
}
std::string Endpoint::mac() const {
  return state_->member->mac().to_string();
}
std::string Endpoint::address() const {
  return state_->member->address().to_string();
}
std::string Endpoint::gateway() const {
  return network_of(*world_, *state_->member).spec().gateway.to_string();
}
std::string Endpoint::gateway_mac() const {
  return network_of(*world_, *state_->member).gateway_mac().to_string();
}
bool Endpoint::attached() const {
  return state_->member->plugged();
}

void Endpoint::send(const Frame& frame) {
  if (!attached()) throw Error(Error::Code::not_found, fmt::format("{} has been removed", name()));
  world_->world.send(*state_->member, frame);
}

std::vector<Frame> Endpoint::take_received() {
  return state_->member->take_received();
}

Frame Endpoint::udp_frame(std::uint16_t from_port, std::string_view to,
                          const Bytes& payload) const {
  const SocketAddress target = detail::socket_address(to, "udp_frame");
  if (!target.ip.is_v4())
    detail::raise_invalid(fmt::format("udp_frame: {} is no IPv4 address", target.ip.to_string()));
  if (payload.size() > kLongestPayload) {
    detail::raise_invalid(fmt::format("udp_frame: {} bytes are more than the {} of a datagram",
                                      payload.size(), kLongestPayload));
  }
  Bytes datagram(wire::UdpRepr::header_size());
  wire::UdpRepr{from_port, target.port}.emit(datagram, payload, state_->member->address(),
                                             target.ip);
  datagram.insert(datagram.end(), payload.begin(), payload.end());
  return frame_of(*state_->member, network_of(*world_, *state_->member), target.ip.v4(),
                  wire::IpProtocol::udp, datagram);
}

Frame Endpoint::udp_frame(std::uint16_t from_port, std::string_view to,
                          std::string_view payload) const {
  return udp_frame(from_port, to, Bytes(payload.begin(), payload.end()));
}

Frame Endpoint::ping_frame(std::string_view to, std::uint16_t identifier,
                           std::uint16_t sequence) const {
  const Ipv4Address target = detail::ipv4_address(to, "ping_frame");
  Bytes message(wire::IcmpRepr::header_size());
  wire::IcmpRepr::echo_request(identifier, sequence).emit(message, {});
  return frame_of(*state_->member, network_of(*world_, *state_->member), target,
                  wire::IpProtocol::icmp, message);
}

}  // namespace pontoon::testing
