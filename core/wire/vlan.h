// The VLAN tag (IEEE 802.1Q 9.6). What is parsed here begins behind the EtherType 0x8100: it is the
// payload of an EthernetView whose ether_type() is EtherType::vlan.
#pragma once

#include <optional>

#include "core/base/bytes.h"
#include "core/wire/ethernet.h"

namespace pontoon::wire {

class VlanView {
 public:
  static constexpr std::size_t kHeaderSize = 4;

  static std::optional<VlanView> parse(ByteView bytes) noexcept {
    if (bytes.size() < kHeaderSize) return std::nullopt;
    return VlanView(bytes);
  }

  std::uint8_t priority() const noexcept { return static_cast<std::uint8_t>(bytes_[0] >> 5); }
  bool drop_eligible() const noexcept { return (bytes_[0] & 0x10) != 0; }
  std::uint16_t identifier() const noexcept {
    return static_cast<std::uint16_t>(load_be<std::uint16_t>(bytes_.data()) & 0x0fff);
  }
  // Of the payload.
  EtherType ether_type() const noexcept {
    return static_cast<EtherType>(load_be<std::uint16_t>(bytes_.data() + 2));
  }
  ByteView header() const noexcept { return bytes_.first(kHeaderSize); }
  ByteView payload() const noexcept { return bytes_.subspan(kHeaderSize); }

 private:
  explicit VlanView(ByteView bytes) noexcept : bytes_(bytes) {}
  ByteView bytes_;
};

struct VlanRepr {
  std::uint8_t priority = 0;  // 0..7
  bool drop_eligible = false;
  std::uint16_t identifier = 0;  // 0..4095
  EtherType ether_type = EtherType::ipv4;

  static VlanRepr from(const VlanView& view) noexcept {
    return {view.priority(), view.drop_eligible(), view.identifier(), view.ether_type()};
  }
  static constexpr std::size_t header_size() noexcept { return VlanView::kHeaderSize; }
  void emit(MutableBytes header) const noexcept;
  friend bool operator==(const VlanRepr&, const VlanRepr&) = default;
};

}  // namespace pontoon::wire
