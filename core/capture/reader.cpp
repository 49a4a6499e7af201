#include "core/capture/reader.h"

#include <fmt/format.h>

#include "core/capture/formats.h"
#include "core/capture/pcapng.h"

namespace pontoon::capture {
namespace {

// Other things that people hand over, by their first four bytes.
struct Known {
  std::uint32_t magic;
  std::uint32_t mask;
  const char* text;
};
constexpr Known kKnown[] = {
    {0x1f8b0000, 0xffff0000, "this is a gzip file; unpack it first (gunzip)"},
    {0x28b52ffd, 0xffffffff, "this is a zstd file; unpack it first (unzstd)"},
    {0xfd377a58, 0xffffffff, "this is an xz file; unpack it first (unxz)"},
    {0x425a6800, 0xffffff00, "this is a bzip2 file; unpack it first (bunzip2)"},
    {0x504b0304, 0xffffffff, "this is a zip file; unpack it first (unzip)"},
    {0xa1b2cd34, 0xffffffff,
     "this is the modified pcap format of old Linux systems; convert it first (editcap -F pcapng)"},
    {0x34cdb2a1, 0xffffffff,
     "this is the modified pcap format of old Linux systems; convert it first (editcap -F pcapng)"},
    {0x736e6f6f, 0xffffffff, "this is a snoop file; convert it first (editcap -F pcapng)"},
};

std::string not_a_capture(std::uint32_t magic) {
  for (const Known& known : kKnown) {
    if ((magic & known.mask) == known.magic) return known.text;
  }
  return fmt::format(
      "neither pcap nor pcapng: the file begins with {:02x} {:02x} {:02x} {:02x}, "
      "a capture with a1 b2 c3 d4, a1 b2 3c 4d (or the same backwards) or 0a 0d 0d 0a",
      magic >> 24, (magic >> 16) & 0xff, (magic >> 8) & 0xff, magic & 0xff);
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(ByteView file) {
  if (file.empty()) return Error{ErrorCode::invalid_argument, "the file is empty"};
  ByteReader reader(file);
  const std::uint32_t magic = reader.u32();
  if (!reader.ok()) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("the file has {} bytes, too few for a capture", file.size())};
  }
  switch (magic) {
    case static_cast<std::uint32_t>(pcapng::BlockType::section):
      return open_pcapng(file);
    case 0xa1b2c3d4:
    case 0xd4c3b2a1:
    case 0xa1b23c4d:
    case 0x4d3cb2a1:
      return open_pcap(file);
    default:
      return Error{ErrorCode::invalid_argument, not_a_capture(magic)};
  }
}

LinkType link_type_from(std::uint32_t number) noexcept {
  constexpr std::uint16_t kRawOnMost = 12;
  constexpr std::uint16_t kRawOnOpenBsd = 14;
  const auto type = static_cast<std::uint16_t>(number & 0xffff);
  return type == kRawOnMost || type == kRawOnOpenBsd ? LinkType::raw : LinkType{type};
}

void ReaderBase::complain(std::string_view what, std::string_view text) {
  problem_ = fmt::format("{} at byte {}: {}", what, offset_, text);
}

}  // namespace pontoon::capture
