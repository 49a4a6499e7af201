#include "core/wire/ndp.h"

#include "core/base/check.h"
#include "core/wire/checksum.h"

namespace pontoon::wire {
namespace {

constexpr std::size_t kTarget = 8;

// Type, code and minimal length, and the options behind the fixed part.
std::optional<NdpOptions> check(ByteView message, Icmpv6Type type,
                                std::size_t fixed_size) noexcept {
  if (message.size() < fixed_size) return std::nullopt;
  if (message[0] != static_cast<std::uint8_t>(type) || message[1] != 0) return std::nullopt;
  return NdpOptions::parse(message.subspan(fixed_size));
}

bool target_is_multicast(ByteView message) noexcept {
  return Ipv6Address::from(message.subspan(kTarget, 16)).is_multicast();
}

ByteWriter begin(MutableBytes message, Icmpv6Type type) noexcept {
  ByteWriter writer(message);
  writer.u8(static_cast<std::uint8_t>(type));
  writer.u8(0);
  writer.u16(0);
  return writer;
}

void finish(ByteWriter& writer, const NdpOptions& options, MutableBytes message,
            const Ipv6Address& source, const Ipv6Address& destination) noexcept {
  options.emit(writer);
  INVARIANT(writer.ok());
  Checksum sum =
      Checksum::pseudo_header(source, destination, IpProtocol::icmpv6, writer.position());
  sum.add(writer.written());
  store_be(message.data() + 2, sum.value());
}

}  // namespace

Ipv6Address all_nodes() noexcept {
  return {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
}

Ipv6Address all_routers() noexcept {
  return {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
}

Ipv6Address solicited_node(const Ipv6Address& address) noexcept {
  const auto& low = address.octets;
  return {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, low[13], low[14], low[15]}};
}

MacAddress multicast_mac(const Ipv6Address& multicast) noexcept {
  const auto& low = multicast.octets;
  return {{0x33, 0x33, low[12], low[13], low[14], low[15]}};
}

std::optional<NeighbourSolicitationView> NeighbourSolicitationView::parse(
    ByteView message) noexcept {
  const auto options = check(message, Icmpv6Type::neighbour_solicitation, kFixedSize);
  if (!options || target_is_multicast(message)) return std::nullopt;
  return NeighbourSolicitationView(message, *options);
}

bool NeighbourSolicitationView::acceptable(const Ipv6Address& source,
                                           const Ipv6Address& destination,
                                           std::uint8_t hop_limit) const noexcept {
  if (hop_limit != kNdpHopLimit) return false;
  // Duplicate address detection asks without an address: "the IP destination address is a
  // solicited-node multicast address" and "there is no source link-layer address option".
  if (!source.is_any()) return true;
  return destination == solicited_node(destination) && !options_.source_link;
}

std::optional<NeighbourAdvertisementView> NeighbourAdvertisementView::parse(
    ByteView message) noexcept {
  const auto options = check(message, Icmpv6Type::neighbour_advertisement, kFixedSize);
  if (!options || target_is_multicast(message)) return std::nullopt;
  return NeighbourAdvertisementView(message, *options);
}

bool NeighbourAdvertisementView::acceptable(const Ipv6Address& destination,
                                            std::uint8_t hop_limit) const noexcept {
  // "If the IP Destination Address is a multicast address the Solicited flag is zero."
  return hop_limit == kNdpHopLimit && !(destination.is_multicast() && solicited());
}

std::optional<RouterSolicitationView> RouterSolicitationView::parse(ByteView message) noexcept {
  const auto options = check(message, Icmpv6Type::router_solicitation, kFixedSize);
  if (!options) return std::nullopt;
  return RouterSolicitationView(*options);
}

bool RouterSolicitationView::acceptable(const Ipv6Address& source,
                                        std::uint8_t hop_limit) const noexcept {
  // "If the IP source address is the unspecified address, there is no source link-layer address
  // option in the message."
  return hop_limit == kNdpHopLimit && !(source.is_any() && options_.source_link);
}

std::optional<RouterAdvertisementView> RouterAdvertisementView::parse(ByteView message) noexcept {
  const auto options = check(message, Icmpv6Type::router_advertisement, kFixedSize);
  if (!options) return std::nullopt;
  return RouterAdvertisementView(message, *options);
}

bool RouterAdvertisementView::acceptable(const Ipv6Address& source,
                                         std::uint8_t hop_limit) const noexcept {
  // "IP Source Address is a link-local address."
  return hop_limit == kNdpHopLimit && source.is_link_local();
}

NeighbourSolicitationRepr NeighbourSolicitationRepr::from(
    const NeighbourSolicitationView& view) noexcept {
  return {view.target(), view.options()};
}

std::size_t NeighbourSolicitationRepr::header_size() const noexcept {
  return NeighbourSolicitationView::kFixedSize + options.size();
}

void NeighbourSolicitationRepr::emit(MutableBytes message, const Ipv6Address& source,
                                     const Ipv6Address& destination) const noexcept {
  ByteWriter writer = begin(message, Icmpv6Type::neighbour_solicitation);
  writer.u32(0);
  writer.bytes(target.octets);
  finish(writer, options, message, source, destination);
}

NeighbourAdvertisementRepr NeighbourAdvertisementRepr::from(
    const NeighbourAdvertisementView& view) noexcept {
  return {view.router(), view.solicited(), view.overrides(), view.target(), view.options()};
}

std::size_t NeighbourAdvertisementRepr::header_size() const noexcept {
  return NeighbourAdvertisementView::kFixedSize + options.size();
}

void NeighbourAdvertisementRepr::emit(MutableBytes message, const Ipv6Address& source,
                                      const Ipv6Address& destination) const noexcept {
  ByteWriter writer = begin(message, Icmpv6Type::neighbour_advertisement);
  writer.u8(static_cast<std::uint8_t>((router ? 0x80U : 0U) | (solicited ? 0x40U : 0U) |
                                      (overrides ? 0x20U : 0U)));
  writer.fill(3, 0);
  writer.bytes(target.octets);
  finish(writer, options, message, source, destination);
}

RouterSolicitationRepr RouterSolicitationRepr::from(const RouterSolicitationView& view) noexcept {
  return {view.options()};
}

std::size_t RouterSolicitationRepr::header_size() const noexcept {
  return RouterSolicitationView::kFixedSize + options.size();
}

void RouterSolicitationRepr::emit(MutableBytes message, const Ipv6Address& source,
                                  const Ipv6Address& destination) const noexcept {
  ByteWriter writer = begin(message, Icmpv6Type::router_solicitation);
  writer.u32(0);
  finish(writer, options, message, source, destination);
}

RouterAdvertisementRepr RouterAdvertisementRepr::from(
    const RouterAdvertisementView& view) noexcept {
  return {view.hop_limit(),    view.managed(),       view.other(),  view.lifetime_s(),
          view.reachable_ms(), view.retransmit_ms(), view.options()};
}

std::size_t RouterAdvertisementRepr::header_size() const noexcept {
  return RouterAdvertisementView::kFixedSize + options.size();
}

void RouterAdvertisementRepr::emit(MutableBytes message, const Ipv6Address& source,
                                   const Ipv6Address& destination) const noexcept {
  ByteWriter writer = begin(message, Icmpv6Type::router_advertisement);
  writer.u8(hop_limit);
  writer.u8(static_cast<std::uint8_t>((managed ? 0x80U : 0U) | (other ? 0x40U : 0U)));
  writer.u16(lifetime_s);
  writer.u32(reachable_ms);
  writer.u32(retransmit_ms);
  finish(writer, options, message, source, destination);
}

}  // namespace pontoon::wire
