// Ethernet II frames (IEEE 802.3 3.2.6, without the frame check sequence).
#pragma once

#include <optional>

#include "core/base/address.h"
#include "core/base/bytes.h"

namespace pontoon::wire {

// Values below 0x0600 are the length of an IEEE 802.3 frame, not a type.
enum class EtherType : std::uint16_t {
  ipv4 = 0x0800,
  arp = 0x0806,
  vlan = 0x8100,
  ipv6 = 0x86dd,
};

class EthernetView {
 public:
  static constexpr std::size_t kHeaderSize = 14;

  static std::optional<EthernetView> parse(ByteView bytes) noexcept {
    if (bytes.size() < kHeaderSize) return std::nullopt;
    return EthernetView(bytes);
  }

  MacAddress destination() const noexcept { return MacAddress::from(bytes_.first(6)); }
  MacAddress source() const noexcept { return MacAddress::from(bytes_.subspan(6, 6)); }
  EtherType ether_type() const noexcept {
    return static_cast<EtherType>(load_be<std::uint16_t>(bytes_.data() + 12));
  }
  ByteView bytes() const noexcept { return bytes_; }
  ByteView header() const noexcept { return bytes_.first(kHeaderSize); }
  // May end with padding up to Ethernet's minimum of 60 bytes; the IP views cut it off.
  ByteView payload() const noexcept { return bytes_.subspan(kHeaderSize); }

 private:
  explicit EthernetView(ByteView bytes) noexcept : bytes_(bytes) {}
  ByteView bytes_;
};

struct EthernetRepr {
  MacAddress destination;
  MacAddress source;
  EtherType ether_type = EtherType::ipv4;

  static EthernetRepr from(const EthernetView& view) noexcept {
    return {view.destination(), view.source(), view.ether_type()};
  }
  static constexpr std::size_t header_size() noexcept { return EthernetView::kHeaderSize; }
  void emit(MutableBytes header) const noexcept;
  friend bool operator==(const EthernetRepr&, const EthernetRepr&) = default;
};

}  // namespace pontoon::wire
