// ARP (RFC 826) with the care of RFC 5227: answers for our own address, learns from who asks us,
// and lets nobody claim what is ours.
#include "core/wire/arp.h"
#include "core/stack/gateway_impl.h"

namespace pontoon::stack {

void Gateway::Impl::on_arp(const wire::EthernetView& frame, Instant now) noexcept {
  const auto arp = wire::ArpView::parse(frame.payload());
  if (!arp) return drop(DropReason::malformed_arp);
  const bool request = arp->operation() == wire::ArpOperation::request;
  if (!request && arp->operation() != wire::ArpOperation::reply) {
    return drop(DropReason::malformed_arp);
  }
  const Ipv4Address sender = arp->sender_ip();
  const MacAddress mac = arp->sender_mac();
  if (mac != frame.source() || sender == addresses_.ipv4()) return drop(DropReason::guard_arp);
  const bool for_us = arp->target_ip() == addresses_.ipv4();

  // RFC 5227 2.1.1: a probe has no sender address; it asks whether the target is taken.
  if (!sender.is_any()) {
    if (!addresses_.on_link(sender)) return drop(DropReason::ip_martian);
    NeighbourCache& neighbours = output.neighbours();
    const auto state = neighbours.state(sender, now);
    const bool awaited = state == NeighbourState::incomplete || state == NeighbourState::probe;
    if (for_us && request) {
      neighbours.on_question(sender, mac, now);
    } else if (for_us && awaited) {
      neighbours.on_answer(sender, {mac, true, true}, now);
    } else {
      neighbours.on_announcement(sender, mac, now);
    }
  }
  if (for_us && request) send_arp_reply(mac, sender, addresses_.ipv4());
}

void Gateway::Impl::send_arp_reply(const MacAddress& mac, Ipv4Address ip,
                                   Ipv4Address whose) noexcept {
  FrameRef frame = output.allocate(wire::ArpRepr::header_size());
  if (!frame) return;
  const wire::ArpRepr repr{wire::ArpOperation::reply, addresses_.mac(), whose, mac, ip};
  repr.emit(frame->append(wire::ArpRepr::header_size()));
  output.send_frame(mac, wire::EtherType::arp, std::move(frame));
}

}  // namespace pontoon::stack
