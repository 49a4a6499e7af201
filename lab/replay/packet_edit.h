// Changes addresses, ports and words inside an Ethernet frame with IPv4, with the checksums updated
// by difference (RFC 1624): what was right stays right, what was wrong stays wrong by as much, and
// no checksum (UDP's zero) stays none.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/address.h"
#include "core/base/bytes.h"

namespace pontoon::lab {

class PacketEdit {
 public:
  // The frame must outlive the editor and keep its size. Nullopt when it is no IPv4 packet whose
  // header is whole.
  static std::optional<PacketEdit> of(MutableBytes frame) noexcept;

  Ipv4Address source() const noexcept { return address(12); }
  Ipv4Address target() const noexcept { return address(16); }
  void set_source(Ipv4Address address) noexcept { set_address(12, address); }
  void set_target(Ipv4Address address) noexcept { set_address(16, address); }

  // Where the transport header begins; 0 in any but a first fragment, and without one.
  std::size_t transport() const noexcept { return transport_; }
  // Replaces bytes that the transport checksum covers, at an offset from the frame's beginning.
  void set_bytes(std::size_t at, ByteView bytes) noexcept;
  void set_u32(std::size_t at, std::uint32_t value) noexcept;

  // Checksums that were left to a network card (the pseudo-header's sum, or zero) are finished.
  // True when there was one.
  bool finish_checksums() noexcept;

 private:
  PacketEdit(MutableBytes frame, std::size_t header, std::size_t end) noexcept;
  Ipv4Address address(std::size_t at) const noexcept;
  void set_address(std::size_t at, Ipv4Address address) noexcept;
  void patch(std::size_t checksum_at, std::uint16_t before, std::uint16_t after) noexcept;
  void patch_transport(std::uint16_t before, std::uint16_t after) noexcept;

  MutableBytes frame_;
  std::size_t end_ = 0;  // of the IP packet
  std::size_t transport_ = 0;
  std::size_t checksum_at_ = 0;  // of TCP or UDP; 0: none
  bool udp_ = false;
};

// A captured frame as plain Ethernet: VLAN tags go. True when there was one.
bool strip_vlan_tags(std::vector<std::uint8_t>& frame);

void set_target_mac(MutableBytes frame, const MacAddress& mac) noexcept;
void set_source_mac(MutableBytes frame, const MacAddress& mac) noexcept;

}  // namespace pontoon::lab
