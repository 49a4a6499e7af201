#include "core/frame/transport.h"

#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/vlan.h"

namespace pontoon {
namespace {

std::optional<TransportLocation> locate_in_v4(ByteView packet, std::size_t offset) noexcept {
  const auto ip = wire::Ipv4View::parse(packet);
  if (!ip) return std::nullopt;
  return TransportLocation{IpFamily::v4,
                           ip->protocol(),
                           ip->is_fragment(),
                           offset,
                           offset + ip->header_length(),
                           offset + ip->total_length()};
}

std::optional<TransportLocation> locate_in_v6(ByteView packet, std::size_t offset) noexcept {
  const auto ip = wire::Ipv6View::parse(packet);
  if (!ip) return std::nullopt;
  const wire::Ipv6Chain chain = ip->chain();
  if (chain.status != wire::Ipv6ChainStatus::ok) return std::nullopt;
  return TransportLocation{IpFamily::v6, chain.protocol,        chain.fragment.has_value(),
                           offset,       offset + chain.offset, offset + ip->bytes().size()};
}

}  // namespace

std::optional<TransportLocation> locate_transport(ByteView frame) noexcept {
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet) return std::nullopt;
  wire::EtherType type = ethernet->ether_type();
  std::size_t offset = wire::EthernetView::kHeaderSize;
  if (type == wire::EtherType::vlan) {
    const auto vlan = wire::VlanView::parse(ethernet->payload());
    if (!vlan) return std::nullopt;
    type = vlan->ether_type();
    offset += wire::VlanView::kHeaderSize;
  }
  if (type == wire::EtherType::ipv4) return locate_in_v4(frame.subspan(offset), offset);
  if (type == wire::EtherType::ipv6) return locate_in_v6(frame.subspan(offset), offset);
  return std::nullopt;
}

}  // namespace pontoon
