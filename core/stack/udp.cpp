// UDP from endpoints (RFC 768): to the services bound at the gateway, to the forwarder, or back as
// an ICMP error.
#include "core/wire/udp.h"

#include <algorithm>

#include "core/stack/gateway_impl.h"

namespace pontoon::stack {
namespace {

// Services are few and simple: a train of datagrams reaches them one by one.
void hand_over(UdpHandler& service, UdpDatagram datagram, Instant now) noexcept {
  const std::size_t step = std::exchange(datagram.segment_size, std::uint16_t{0});
  if (step == 0) return service.on_datagram(datagram, now);
  const ByteView train = datagram.payload;
  for (std::size_t offset = 0; offset < train.size(); offset += step) {
    datagram.payload = train.subspan(offset, std::min(step, train.size() - offset));
    service.on_datagram(datagram, now);
  }
}

}  // namespace

void Gateway::Impl::bind_udp(std::uint16_t port, UdpHandler& handler, UdpReach reach) {
  INVARIANT(service_count_ < services_.size() && find_service(port, UdpReach::own) == nullptr);
  services_[service_count_++] = {port, &handler, reach};
}

UdpHandler* Gateway::Impl::find_service(std::uint16_t port, UdpReach reach) const noexcept {
  for (std::size_t i = 0; i < service_count_; ++i) {
    const UdpService& service = services_[i];
    if (service.port != port) continue;
    return reach == UdpReach::link && service.reach != UdpReach::link ? nullptr : service.handler;
  }
  return nullptr;
}

void Gateway::Impl::on_udp(const Packet& packet, Instant now) noexcept {
  const auto view = wire::UdpView::parse(packet.transport);
  if (!view || view->destination_port() == 0) return drop(DropReason::malformed_udp);
  // RFC 8200 8.1: over IPv6 "the UDP checksum is not optional", and no offload makes it zero.
  const bool missing = view->checksum() == 0 && !packet.source.is_v4();
  if (missing || (!packet.checksum_trusted && !view->checksum_ok(packet.source, packet.target))) {
    return drop(DropReason::udp_checksum);
  }
  UdpDatagram datagram;
  datagram.source_mac = packet.source_mac;
  datagram.source = {packet.source, view->source_port()};
  datagram.target = {packet.target, view->destination_port()};
  datagram.hop_limit = packet.hop_limit;
  datagram.payload = view->payload();
  if (packet.udp_segment_size < datagram.payload.size()) {
    datagram.segment_size = packet.udp_segment_size;
  }
  if (packet.to_many()) return on_udp_to_many(packet, datagram, now);
  const bool ours = packet.target_kind == TargetKind::ours;
  if (UdpHandler* service = ours ? find_service(datagram.target.port, UdpReach::own) : nullptr) {
    return hand_over(*service, datagram, now);
  }
  if (udp_forwarder != nullptr) return udp_forwarder->on_datagram(datagram, now);
  drop(DropReason::udp_no_flow);
  complain(packet,
           icmp_message(packet.source.family(), ours ? Unreachable::port : Unreachable::network),
           now);
}

// DHCP above all: its clients have no address yet, or one of another network.
void Gateway::Impl::on_udp_to_many(const Packet& packet, const UdpDatagram& datagram,
                                   Instant now) noexcept {
  if (UdpHandler* service = find_service(datagram.target.port, UdpReach::link)) {
    return hand_over(*service, datagram, now);
  }
  drop(packet.source_kind == SourceKind::on_link ? DropReason::multicast_not_routed
                                                 : DropReason::ip_martian);
}

}  // namespace pontoon::stack
