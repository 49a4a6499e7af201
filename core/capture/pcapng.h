// The numbers of pcapng (draft-ietf-opsawg-pcapng-02), for its reader and its writer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pontoon::capture::pcapng {

enum class BlockType : std::uint32_t {
  interface = 1,
  old_packet = 2,
  simple_packet = 3,
  names = 4,
  statistics = 5,
  packet = 6,
  section = 0x0a0d0d0a,
};

inline constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
inline constexpr std::uint16_t kMajorVersion = 1;
inline constexpr std::size_t kBlockFraming =
    12;  // type and length in front, the length again behind

// Options count by block, save the first two.
namespace option {
inline constexpr std::uint16_t kEnd = 0;
inline constexpr std::uint16_t kComment = 1;
inline constexpr std::uint16_t kSectionApplication = 4;
inline constexpr std::uint16_t kInterfaceName = 2;
inline constexpr std::uint16_t kInterfaceDescription = 3;
inline constexpr std::uint16_t kInterfaceIpv4 = 4;
inline constexpr std::uint16_t kInterfaceMac = 6;
inline constexpr std::uint16_t kInterfaceResolution = 9;
inline constexpr std::uint16_t kInterfaceTimeOffset = 14;
inline constexpr std::uint16_t kPacketFlags = 2;
inline constexpr std::uint16_t kStatisticsReceived = 4;
inline constexpr std::uint16_t kStatisticsDropped = 5;
}  // namespace option

// The two lowest bits of a packet's flags.
inline constexpr std::uint32_t kDirectionMask = 3;
inline constexpr std::uint32_t kInbound = 1;
inline constexpr std::uint32_t kOutbound = 2;

// Records of a names block.
inline constexpr std::uint16_t kNamesEnd = 0;
inline constexpr std::uint16_t kNamesIpv4 = 1;
inline constexpr std::uint16_t kNamesIpv6 = 2;

constexpr std::size_t padded(std::size_t size) noexcept {
  return (size + 3) & ~std::size_t{3};
}

}  // namespace pontoon::capture::pcapng
