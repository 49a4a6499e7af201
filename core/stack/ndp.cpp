// Neighbour discovery (RFC 4861 7.2): we answer for our link-local and our global address, also to
// those who try them out before use (RFC 4862 5.4), and learn from who asks us or answers us.
#include "core/wire/ndp.h"

#include "core/stack/gateway_impl.h"

namespace pontoon::stack {
namespace {

// A link-layer address option must name the station that sent the frame: endpoints speak for
// themselves only.
bool honest(const Packet& packet, const std::optional<MacAddress>& link) noexcept {
  return !link || *link == packet.source_mac;
}

}  // namespace

void Gateway::Impl::on_solicitation(const Packet& packet, Instant now) noexcept {
  const auto view = wire::NeighbourSolicitationView::parse(packet.transport);
  // RFC 6980 5: neighbour discovery never comes in fragments.
  if (!view || packet.reassembled ||
      !view->acceptable(packet.source.v6(), packet.target.v6(), packet.hop_limit)) {
    return drop(DropReason::malformed_ndp);
  }
  if (!honest(packet, view->options().source_link)) return drop(DropReason::guard_arp);
  if (!addresses_.ours(view->target())) return;
  if (packet.source.is_any()) {
    // RFC 4861 7.2.4: "the Solicited flag MUST be set to zero" and the answer goes to all nodes.
    const IpAddress everybody = wire::all_nodes();
    send_advertisement(everybody, multicast_mac(everybody), view->target(), false, now);
    return;
  }
  if (view->options().source_link) {
    output.neighbours().on_question(packet.source, packet.source_mac, now);
  }
  send_advertisement(packet.source, packet.source_mac, view->target(), true, now);
}

void Gateway::Impl::send_advertisement(const IpAddress& to, const MacAddress& mac,
                                       const Ipv6Address& whose, bool solicited,
                                       Instant now) noexcept {
  wire::NeighbourAdvertisementRepr repr;
  repr.router = true;
  repr.solicited = solicited;
  repr.overrides = true;
  repr.target = whose;
  repr.options.target_link = addresses_.mac();
  FrameRef frame = output.allocate(repr.header_size());
  if (!frame) return;
  repr.emit(frame->append(repr.header_size()), whose, to.v6());
  output.send(Route{whose, to, mac, wire::kNdpHopLimit}, wire::IpProtocol::icmpv6, std::move(frame),
              now);
}

void Gateway::Impl::on_advertisement(const Packet& packet, Instant now) noexcept {
  const auto view = wire::NeighbourAdvertisementView::parse(packet.transport);
  if (!view || packet.reassembled || !view->acceptable(packet.target.v6(), packet.hop_limit)) {
    return drop(DropReason::malformed_ndp);
  }
  const IpAddress target = view->target();
  if (addresses_.ours(target) || !honest(packet, view->options().target_link)) {
    return drop(DropReason::guard_arp);
  }
  if (!addresses_.on_link(target)) return drop(DropReason::ip_martian);
  output.neighbours().on_answer(
      target, {view->options().target_link, view->solicited(), view->overrides()}, now);
}

}  // namespace pontoon::stack
