// ICMP and ICMPv6 from endpoints: echo requests, errors about our TCP segments, and (ndp.cpp)
// neighbour discovery.
#include "core/stack/gateway_impl.h"

namespace pontoon::stack {
namespace {

using wire::IcmpType;
using wire::Icmpv6Type;
using wire::IpProtocol;

// What an error is about, so far as its quotation tells.
struct Quotation {
  FlowKey flow;
  IpProtocol protocol{};
};

std::optional<Quotation> read_ports(const IpAddress& source, const IpAddress& target,
                                    IpProtocol protocol, ByteView transport) noexcept {
  ByteReader reader(transport);
  Quotation quotation{{{source, reader.u16()}, {target, 0}}, protocol};
  quotation.flow.target.port = reader.u16();
  if (!reader.ok()) return std::nullopt;
  return quotation;
}

std::optional<Quotation> read_quotation(bool v4, ByteView quoted) noexcept {
  if (v4) {
    const auto view = wire::Ipv4View::parse_quoted(quoted);
    if (!view || view->fragment_offset() != 0) return std::nullopt;
    return read_ports(view->source(), view->destination(), view->protocol(), view->payload());
  }
  const auto view = wire::Ipv6View::parse_quoted(quoted);
  if (!view) return std::nullopt;
  const wire::Ipv6Chain chain = view->chain();
  if (chain.status != wire::Ipv6ChainStatus::ok) return std::nullopt;
  if (chain.fragment && chain.fragment->offset != 0) return std::nullopt;
  return read_ports(view->source(), view->destination(), chain.protocol, chain.payload);
}

}  // namespace

void Gateway::Impl::on_icmp(const Packet& packet, Instant now) noexcept {
  // RFC 1122 3.2.2.6: an echo request to everybody may be discarded.
  if (packet.to_many()) return drop(DropReason::multicast_not_routed);
  const auto message = wire::IcmpView::parse(packet.transport);
  if (!message) return drop(DropReason::malformed_icmp);
  if (!packet.checksum_trusted && !message->checksum_ok()) return drop(DropReason::malformed_icmp);
  if (message->type() == IcmpType::echo_request) {
    if (message->code() != 0) return drop(DropReason::malformed_icmp);
    return on_echo_request(packet, message->identifier(), message->sequence(), message->payload(),
                           now);
  }
  on_icmp_error(packet,
                {static_cast<std::uint8_t>(message->type()), message->code(), message->mtu()},
                message->quoted(), now);
}

void Gateway::Impl::on_icmpv6(const Packet& packet, Instant now) noexcept {
  const auto message = wire::Icmpv6View::parse(packet.transport);
  if (!message) return drop(DropReason::malformed_icmp);
  if (!packet.checksum_trusted && !message->checksum_ok(packet.source, packet.target)) {
    return drop(DropReason::malformed_icmp);
  }
  const Icmpv6Type type = message->type();
  if (packet.source_kind == SourceKind::off_link) return drop(DropReason::ip_martian);
  if (type == Icmpv6Type::neighbour_solicitation) return on_solicitation(packet, now);
  if (type == Icmpv6Type::router_solicitation) return drop(DropReason::icmp_unhandled);
  // Only those two may come from the unspecified address.
  if (packet.source_kind != SourceKind::on_link) return drop(DropReason::ip_martian);
  if (type == Icmpv6Type::neighbour_advertisement) return on_advertisement(packet, now);
  if (packet.to_many()) return drop(DropReason::multicast_not_routed);
  if (type == Icmpv6Type::echo_request) {
    if (message->code() != 0) return drop(DropReason::malformed_icmp);
    return on_echo_request(packet, message->identifier(), message->sequence(), message->payload(),
                           now);
  }
  on_icmp_error(packet, {static_cast<std::uint8_t>(type), message->code(), message->rest()},
                message->quoted(), now);
}

void Gateway::Impl::on_echo_request(const Packet& packet, std::uint16_t identifier,
                                    std::uint16_t sequence, ByteView payload,
                                    Instant now) noexcept {
  const EchoRequest request{packet.source_mac, packet.source, packet.target, packet.hop_limit,
                            identifier,        sequence,      payload};
  if (packet.target_kind == TargetKind::ours) {
    icmp.send_echo_reply(request, payload, now);
  } else if (echo_forwarder != nullptr) {
    echo_forwarder->on_echo_request(request, now);
  } else {
    drop(DropReason::icmp_unhandled);
    complain(packet, icmp_message(packet.source.family(), Unreachable::network), now);
  }
}

// An endpoint speaks of its own packets only: the quoted packet must have gone to it, and the error
// must go to whom it came from.
void Gateway::Impl::on_icmp_error(const Packet& packet, const IcmpMessage& message, ByteView quoted,
                                  Instant now) noexcept {
  const bool v4 = packet.source.is_v4();
  const auto meaning = v4 ? meaning_of_icmp(message.type, message.code)
                          : meaning_of_icmpv6(message.type, message.code);
  if (!meaning) return drop(DropReason::icmp_unhandled);
  const auto quotation = read_quotation(v4, quoted);
  if (!quotation) return drop(DropReason::malformed_icmp);
  const FlowKey& flow = quotation->flow;
  if (quotation->protocol != IpProtocol::tcp || flow.target.ip != packet.source ||
      flow.initiator.ip != packet.target) {
    return drop(DropReason::icmp_unhandled);
  }
  tcp.on_icmp_error(flow, *meaning, *meaning == Unreachable::too_big ? message.rest : 0, now);
}

// A segment of ours whose next hop did not answer: to TCP that is as good as a router's complaint.
void Gateway::Impl::on_unresolved_packet(ByteView packet, Instant now) noexcept {
  const auto quotation = read_quotation(packet[0] >> 4 == 4, packet);
  if (!quotation || quotation->protocol != IpProtocol::tcp) return;
  tcp.on_icmp_error(quotation->flow, Unreachable::host, 0, now);
}

}  // namespace pontoon::stack
