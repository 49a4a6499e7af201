#include "core/link/virtio_header.h"

#include <cstring>

#include "core/base/check.h"

namespace pontoon {
namespace {

constexpr std::uint8_t kNeedsChecksum = 1;
constexpr std::uint8_t kDataValid = 2;
constexpr std::uint8_t kGsoEcn = 0x80;

enum class GsoType : std::uint8_t { none = 0, tcp4 = 1, tcp6 = 4, udp_l4 = 5 };

constexpr std::size_t kEthernetHeader = 14;

std::uint16_t load_native(ByteView header, std::size_t at) noexcept {
  std::uint16_t value = 0;
  std::memcpy(&value, header.data() + at, sizeof value);
  return value;
}

void store_native(MutableBytes header, std::size_t at, std::uint16_t value) noexcept {
  std::memcpy(header.data() + at, &value, sizeof value);
}

std::optional<Gso> gso_from(std::uint8_t type) noexcept {
  switch (static_cast<GsoType>(type & ~kGsoEcn)) {
    case GsoType::none:
      return Gso::none;
    case GsoType::tcp4:
      return Gso::tcp4;
    case GsoType::tcp6:
      return Gso::tcp6;
    case GsoType::udp_l4:
      return Gso::udp;
  }
  return std::nullopt;
}

std::uint8_t type_of(const Offload& offload) noexcept {
  GsoType type = GsoType::none;
  switch (offload.gso) {
    case Gso::none:
      return static_cast<std::uint8_t>(type);
    case Gso::tcp4:
      type = GsoType::tcp4;
      break;
    case Gso::tcp6:
      type = GsoType::tcp6;
      break;
    case Gso::udp:
      type = GsoType::udp_l4;
      break;
  }
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(type) | (offload.ecn ? kGsoEcn : 0));
}

}  // namespace

std::optional<Offload> read_virtio_header(ByteView header, std::size_t frame_size) noexcept {
  if (header.size() < kVirtioHeaderSize) return std::nullopt;
  const auto gso = gso_from(header[1]);
  if (!gso) return std::nullopt;
  Offload offload;
  offload.gso = *gso;
  offload.needs_checksum = (header[0] & kNeedsChecksum) != 0;
  offload.checksum_valid = !offload.needs_checksum && (header[0] & kDataValid) != 0;
  if (*gso != Gso::none) {
    offload.ecn = (header[1] & kGsoEcn) != 0 && *gso != Gso::udp;
    offload.header_length = load_native(header, 2);
    offload.segment_size = load_native(header, 4);
    if (offload.segment_size == 0 || offload.header_length > frame_size) return std::nullopt;
  }
  if (offload.needs_checksum) {
    offload.checksum_start = load_native(header, 6);
    offload.checksum_offset = load_native(header, 8);
    const std::size_t field = std::size_t{offload.checksum_start} + offload.checksum_offset;
    if (offload.checksum_start < kEthernetHeader || field + 2 > frame_size) return std::nullopt;
  }
  return offload;
}

void write_virtio_header(MutableBytes header, const Offload& offload) noexcept {
  INVARIANT(header.size() == kVirtioHeaderSize || header.size() == kVirtioMergeableHeaderSize);
  std::memset(header.data(), 0, header.size());
  if (offload.needs_checksum) {
    header[0] = kNeedsChecksum;
    store_native(header, 6, offload.checksum_start);
    store_native(header, 8, offload.checksum_offset);
  } else if (offload.checksum_valid) {
    header[0] = kDataValid;
  }
  header[1] = type_of(offload);
  if (offload.gso != Gso::none) {
    store_native(header, 2, offload.header_length);
    store_native(header, 4, offload.segment_size);
  }
}

}  // namespace pontoon
