// pcap as libpcap writes it (draft-ietf-opsawg-pcap): one header, one link type, records.
#include <fmt/format.h>

#include <algorithm>

#include "core/base/limits.h"
#include "core/capture/formats.h"
#include "core/capture/ordered_reader.h"

namespace pontoon::capture {
namespace {

constexpr std::size_t kFileHeader = 24;
constexpr std::size_t kRecordHeader = 16;

struct Variant {
  ByteOrder order;
  std::int64_t tick_ns;
};

Variant variant_of(std::uint32_t magic) noexcept {
  switch (magic) {
    case 0xa1b2c3d4:
      return {ByteOrder::big, 1000};
    case 0xd4c3b2a1:
      return {ByteOrder::little, 1000};
    case 0xa1b23c4d:
      return {ByteOrder::big, 1};
    default:
      return {ByteOrder::little, 1};
  }
}

class PcapReader final : public ReaderBase {
 public:
  PcapReader(ByteView file, const Variant& variant, const Interface& interface)
      : ReaderBase(file), variant_(variant) {
    interfaces_.push_back(interface);
    offset_ = kFileHeader;
  }

  std::optional<Packet> next() override {
    if (ended()) return std::nullopt;
    OrderedReader header(rest(), variant_.order);
    const std::uint32_t seconds = header.u32();
    const std::uint32_t ticks = header.u32();
    const std::uint32_t size = header.u32();
    const std::uint32_t original = header.u32();
    if (!header.ok()) return bad("the file ends within its header");
    if (size > limits::kCaptureBlock)
      return bad(
          fmt::format("claims to be {} bytes long, more than {}", size, limits::kCaptureBlock));
    const ByteView bytes = header.take(size);
    if (!header.ok())
      return bad(fmt::format("is {} bytes long, but the file ends after {} of them", size,
                             rest().size() - kRecordHeader));
    offset_ += kRecordHeader + size;
    ++packets_;
    Packet packet;
    packet.time_ns = std::int64_t{seconds} * 1'000'000'000 + ticks * variant_.tick_ns;
    packet.bytes.assign(bytes.begin(), bytes.end());
    packet.original_length = std::max(size, original);
    return packet;
  }

 private:
  std::optional<Packet> bad(std::string_view text) {
    complain(fmt::format("packet {}", packets_ + 1), text);
    return std::nullopt;
  }

  Variant variant_;
};

}  // namespace

Result<std::unique_ptr<Reader>> open_pcap(ByteView file) {
  ByteReader magic(file);
  const Variant variant = variant_of(magic.u32());
  OrderedReader header(file, variant.order);
  header.skip(4);
  const std::uint16_t major = header.u16();
  const std::uint16_t minor = header.u16();
  header.skip(8);  // time zone and accuracy: zero in every file
  Interface interface;
  interface.snap_length = header.u32();
  interface.link_type = link_type_from(header.u32());
  if (!header.ok()) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("the file ends after {} of the {} bytes of a pcap header", file.size(),
                             kFileHeader)};
  }
  // Before 2.3 the two lengths of a record stood the other way round.
  if (major != 2 || minor < 3) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("byte 4: pcap version {}.{}; only 2.3 and 2.4 are read", major, minor)};
  }
  return std::unique_ptr<Reader>(std::make_unique<PcapReader>(file, variant, interface));
}

}  // namespace pontoon::capture
