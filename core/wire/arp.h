// ARP for IPv4 over Ethernet (RFC 826): the only kind that parses.
#pragma once

#include <optional>

#include "core/base/address.h"
#include "core/base/bytes.h"

namespace pontoon::wire {

enum class ArpOperation : std::uint16_t { request = 1, reply = 2 };

class ArpView {
 public:
  static constexpr std::size_t kSize = 28;

  // Any operation code parses; hardware and protocol types and lengths must be Ethernet's and
  // IPv4's. Trailing padding is ignored.
  static std::optional<ArpView> parse(ByteView bytes) noexcept;

  ArpOperation operation() const noexcept {
    return static_cast<ArpOperation>(load_be<std::uint16_t>(bytes_.data() + 6));
  }
  MacAddress sender_mac() const noexcept { return MacAddress::from(bytes_.subspan(8, 6)); }
  Ipv4Address sender_ip() const noexcept { return Ipv4Address::from(bytes_.subspan(14, 4)); }
  MacAddress target_mac() const noexcept { return MacAddress::from(bytes_.subspan(18, 6)); }
  Ipv4Address target_ip() const noexcept { return Ipv4Address::from(bytes_.subspan(24, 4)); }

 private:
  explicit ArpView(ByteView bytes) noexcept : bytes_(bytes) {}
  ByteView bytes_;
};

struct ArpRepr {
  ArpOperation operation = ArpOperation::request;
  MacAddress sender_mac;
  Ipv4Address sender_ip;
  MacAddress target_mac;
  Ipv4Address target_ip;

  static ArpRepr from(const ArpView& view) noexcept {
    return {view.operation(), view.sender_mac(), view.sender_ip(), view.target_mac(),
            view.target_ip()};
  }
  static constexpr std::size_t header_size() noexcept { return ArpView::kSize; }
  void emit(MutableBytes header) const noexcept;
  friend bool operator==(const ArpRepr&, const ArpRepr&) = default;
};

}  // namespace pontoon::wire
