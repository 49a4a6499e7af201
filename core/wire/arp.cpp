#include "core/wire/arp.h"

#include "core/base/check.h"

namespace pontoon::wire {
namespace {

constexpr std::uint16_t kHardwareEthernet = 1;
constexpr std::uint16_t kProtocolIpv4 = 0x0800;

}  // namespace

std::optional<ArpView> ArpView::parse(ByteView bytes) noexcept {
  if (bytes.size() < kSize) return std::nullopt;
  ByteReader reader(bytes);
  if (reader.u16() != kHardwareEthernet || reader.u16() != kProtocolIpv4) return std::nullopt;
  if (reader.u8() != MacAddress::size || reader.u8() != sizeof(Ipv4Address)) return std::nullopt;
  return ArpView(bytes.first(kSize));
}

void ArpRepr::emit(MutableBytes header) const noexcept {
  ByteWriter writer(header);
  writer.u16(kHardwareEthernet);
  writer.u16(kProtocolIpv4);
  writer.u8(MacAddress::size);
  writer.u8(sizeof(Ipv4Address));
  writer.u16(static_cast<std::uint16_t>(operation));
  writer.bytes(sender_mac.octets);
  writer.u32(sender_ip.value);
  writer.bytes(target_mac.octets);
  writer.u32(target_ip.value);
  INVARIANT(writer.ok());
}

}  // namespace pontoon::wire
