#include "core/stack/ip_output.h"

#include <algorithm>
#include <array>

#include "core/wire/arp.h"
#include "core/wire/checksum.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/ndp.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"

namespace pontoon::stack {
namespace {

using wire::IpProtocol;

constexpr std::size_t kMaxPacket = 65535;
constexpr std::size_t kTcpChecksumOffset = 16;
constexpr std::size_t kUdpChecksumOffset = 6;
// RFC 791 3.1: every module must be able to forward 68 bytes; below 576 UDP makes no sense.
constexpr std::uint16_t kMinMtu = 576;

std::size_t ip_header_size(const IpAddress& target) noexcept {
  return target.is_v4() ? wire::Ipv4View::kMinHeaderSize : wire::Ipv6View::kHeaderSize;
}

// The largest transport payload of one packet: IPv6's length does not count its own header.
std::size_t max_transport(const IpAddress& target) noexcept {
  return kMaxPacket - (target.is_v4() ? wire::Ipv4View::kMinHeaderSize : 0);
}

void prepend_ip(const Route& route, IpProtocol protocol, Frame& frame) noexcept {
  const auto length = static_cast<std::uint16_t>(frame.size());
  const MutableBytes header = frame.prepend(ip_header_size(route.target));
  if (route.target.is_v4()) {
    wire::Ipv4Repr repr;
    repr.source = route.source.v4();
    repr.destination = route.target.v4();
    repr.protocol = protocol;
    repr.payload_length = length;
    repr.ttl = route.hop_limit;
    repr.dont_fragment = true;
    repr.emit(header);
    return;
  }
  wire::Ipv6Repr repr;
  repr.source = route.source.v6();
  repr.destination = route.target.v6();
  repr.next_header = protocol;
  repr.payload_length = length;
  repr.hop_limit = route.hop_limit;
  repr.emit(header);
}

// Asks the port to finish the checksum of a transport header that will begin behind Ethernet's and
// IP's.
void leave_checksum(Frame& frame, const IpAddress& target, std::size_t offset) noexcept {
  frame.offload.needs_checksum = true;
  frame.offload.checksum_start =
      static_cast<std::uint16_t>(wire::EthernetView::kHeaderSize + ip_header_size(target));
  frame.offload.checksum_offset = static_cast<std::uint16_t>(offset);
}

}  // namespace

IpOutput::IpOutput(const Addresses& addresses, std::uint16_t mtu, const StackContext& context,
                   DropCounters& drops, UnresolvedSink& unresolved)
    : addresses_(addresses),
      mtu_(mtu),
      pool_(context.pool),
      drops_(drops),
      unresolved_(unresolved),
      identifications_(context.random),
      neighbours_(context.timers, *this, drops),
      queue_(limits::kPortQueueFrames) {
  INVARIANT(mtu >= kMinMtu);
}

bool IpOutput::drop(DropReason reason) noexcept {
  drops_.count(reason);
  return false;
}

FrameRef IpOutput::allocate(std::size_t size) noexcept {
  FrameRef frame = pool_.allocate(size);
  if (!frame) drops_.count(DropReason::pool_exhausted);
  return frame;
}

bool IpOutput::send(const Route& route, IpProtocol protocol, FrameRef transport,
                    Instant now) noexcept {
  if (transport->size() > max_transport(route.target)) return drop(DropReason::too_big);
  const bool fits = ip_header_size(route.target) + transport->size() <= mtu_;
  if (!fits && transport->offload.gso == Gso::none) {
    // A checksum that somebody else is to finish cannot cover fragments.
    if (transport->offload.needs_checksum) return drop(DropReason::too_big);
    return send_fragments(route, protocol, transport->bytes(), {}, now);
  }
  prepend_ip(route, protocol, *transport);
  return send_packet(route, std::move(transport), now);
}

bool IpOutput::send_packet(const Route& route, FrameRef packet, Instant now) noexcept {
  const IpAddress& target = route.target;
  if (route.link) {
    send_to_link(*route.link, std::move(packet), now);
    return true;
  }
  if (target.is_multicast() || addresses_.is_broadcast(target)) {
    send_to_link(multicast_mac(target), std::move(packet), now);
    return true;
  }
  // Endpoints are on the link; there is no router behind whom others could be.
  if (!addresses_.on_link(target) || addresses_.ours(target)) {
    return drop(DropReason::neighbour_unresolved);
  }
  return neighbours_.send(target, std::move(packet), now);
}

bool IpOutput::send_udp(const Route& route, std::uint16_t source_port, std::uint16_t target_port,
                        ByteView payload, Instant now) noexcept {
  INVARIANT(route.source.is_v4() == route.target.is_v4());
  const std::size_t length = wire::UdpView::kHeaderSize + payload.size();
  if (length > max_transport(route.target)) return drop(DropReason::too_big);
  const wire::UdpRepr repr{source_port, target_port};
  if (ip_header_size(route.target) + length > mtu_) {
    std::array<std::uint8_t, wire::UdpView::kHeaderSize> header{};
    repr.emit(header, payload, route.source, route.target);
    return send_fragments(route, IpProtocol::udp, header, payload, now);
  }
  FrameRef frame = allocate(length);
  if (!frame) return false;
  const MutableBytes header = frame->append(wire::UdpView::kHeaderSize);
  std::copy(payload.begin(), payload.end(), frame->append(payload.size()).begin());
  repr.emit(header, payload, route.source, route.target, wire::ChecksumFill::pseudo_header);
  leave_checksum(*frame, route.target, kUdpChecksumOffset);
  return send(route, IpProtocol::udp, std::move(frame), now);
}

bool IpOutput::send_tcp(const Route& route, FrameRef segment, std::uint16_t segment_size,
                        Instant now) noexcept {
  const auto view = wire::TcpView::parse(segment->bytes());
  INVARIANT(view);
  const std::size_t header = view->header_length();
  const std::size_t length = segment->size();
  wire::Checksum sum =
      wire::Checksum::pseudo_header(route.source, route.target, IpProtocol::tcp, length);
  store_be(segment->mutable_bytes().data() + kTcpChecksumOffset, sum.folded());
  segment->offload = {};
  leave_checksum(*segment, route.target, kTcpChecksumOffset);
  if (segment_size > 0 && length > header + segment_size) {
    Offload& offload = segment->offload;
    offload.gso = route.target.is_v4() ? Gso::tcp4 : Gso::tcp6;
    offload.segment_size = segment_size;
    offload.header_length = static_cast<std::uint16_t>(offload.checksum_start + header);
  }
  return send(route, IpProtocol::tcp, std::move(segment), now);
}

bool IpOutput::send_frame(const MacAddress& mac, wire::EtherType type, FrameRef frame) noexcept {
  if (queue_.full()) return drop(DropReason::port_queue_full);
  wire::EthernetRepr{mac, addresses_.mac(), type}.emit(
      frame->prepend(wire::EthernetRepr::header_size()));
  const bool was_empty = queue_.empty();
  queue_.push(std::move(frame));
  if (was_empty && ready_sink_ != nullptr) ready_sink_->on_ready();
  return true;
}

void IpOutput::send_to_link(const MacAddress& mac, FrameRef packet, Instant) noexcept {
  const bool v4 = packet->bytes()[0] >> 4 == 4;
  send_frame(mac, v4 ? wire::EtherType::ipv4 : wire::EtherType::ipv6, std::move(packet));
}

void IpOutput::on_unresolved(FrameRef packet, Instant now) noexcept {
  unresolved_.on_unresolved_packet(packet->bytes(), now);
}

void IpOutput::ask_neighbour(const IpAddress& address, const std::optional<MacAddress>& known,
                             Instant now) noexcept {
  if (address.is_v4()) {
    ask_by_arp(address.v4(), known);
    return;
  }
  wire::NeighbourSolicitationRepr repr{address.v6(), {}};
  repr.options.source_link = addresses_.mac();
  FrameRef frame = allocate(repr.header_size());
  if (!frame) return;
  // RFC 4861 7.2.2 and 7.3.3: the first question goes to the solicited-node group, a probe to the
  // neighbour itself.
  const IpAddress asked = known ? address : IpAddress(wire::solicited_node(address.v6()));
  const Route route{addresses_.toward(address), asked, known, wire::kNdpHopLimit};
  repr.emit(frame->append(repr.header_size()), route.source.v6(), asked.v6());
  send(route, IpProtocol::icmpv6, std::move(frame), now);
}

void IpOutput::ask_by_arp(Ipv4Address address, const std::optional<MacAddress>& known) noexcept {
  FrameRef frame = allocate(wire::ArpRepr::header_size());
  if (!frame) return;
  const wire::ArpRepr repr{wire::ArpOperation::request, addresses_.mac(), addresses_.ipv4(),
                           MacAddress{}, address};
  repr.emit(frame->append(wire::ArpRepr::header_size()));
  send_frame(known.value_or(MacAddress::broadcast()), wire::EtherType::arp, std::move(frame));
}

}  // namespace pontoon::stack
