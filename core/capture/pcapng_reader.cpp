// Reading pcapng.
//
// A file is a chain of blocks, each with its length in front and behind; sections may follow one
// another, each with its own byte order, interfaces and clocks. A block is cut out of the file once
// its frame is sound (both lengths equal, a multiple of four, within the file and within
// limits::kCaptureBlock), and then read by a bounded reader of its own, so that nothing in it can
// reach further. Blocks of no use here are passed over unread. What is broken ends the file: there
// is no way to tell where the next block would begin.
//
// Memory: the interfaces (limits::kCaptureInterfaces) and the packet that is handed out.
#include "core/capture/pcapng.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/base/limits.h"
#include "core/capture/formats.h"
#include "core/capture/ordered_reader.h"
#include "core/capture/time_scale.h"

namespace pontoon::capture {
namespace {

using namespace pcapng;

class PcapngReader final : public ReaderBase {
 public:
  explicit PcapngReader(ByteView file) : ReaderBase(file) {}

  // Reads the section header at the beginning of the file; false with a problem().
  bool begin() { return read_block(); }

  std::optional<Packet> next() override {
    packet_.reset();
    while (!packet_ && !ended()) {
      if (!read_block()) return std::nullopt;
    }
    return std::exchange(packet_, std::nullopt);
  }

 private:
  bool read_block();
  bool learn_byte_order();
  bool on_block(BlockType type, ByteView body);
  bool on_section(OrderedReader body);
  bool on_interface(OrderedReader body);
  bool on_packet(OrderedReader body, bool old);
  bool on_simple_packet(OrderedReader body);
  bool keep(std::uint32_t interface, ByteView bytes, std::uint32_t original);
  void read_interface_options(OrderedReader options, Interface& interface, TimeScale& scale);
  void read_packet_options(OrderedReader options);
  void read_direction(ByteView value);

  bool bad(std::string_view text) {
    complain("block", text);
    return false;
  }
  bool bad_packet(std::string_view text) {
    packet_.reset();
    complain(fmt::format("packet {}", packets_ + 1), text);
    return false;
  }

  ByteOrder order_ = ByteOrder::big;
  std::size_t section_start_ = 0;  // index of the section's first interface
  std::vector<TimeScale> scales_;  // one for each interface
  std::int64_t last_time_ns_ = 0;
  std::optional<Packet> packet_;
};

// Every section begins with its own byte order; its type reads the same in either.
bool PcapngReader::learn_byte_order() {
  ByteReader reader(rest());
  if (reader.u32() != static_cast<std::uint32_t>(BlockType::section)) return true;
  reader.skip(4);
  const std::uint32_t magic = reader.u32();
  if (!reader.ok()) return bad("the file ends within a section header");
  if (magic != kByteOrderMagic && magic != byte_swap(kByteOrderMagic))
    return bad(fmt::format("the byte-order magic of a section is 0x1a2b3c4d, not {:#010x}", magic));
  order_ = magic == kByteOrderMagic ? ByteOrder::big : ByteOrder::little;
  return true;
}

bool PcapngReader::read_block() {
  if (!learn_byte_order()) return false;
  OrderedReader reader(rest(), order_);
  const BlockType type{reader.u32()};
  const std::uint32_t length = reader.u32();
  if (!reader.ok()) return bad("the file ends within a block's header");
  if (length < kBlockFraming || length % 4 != 0)
    return bad(fmt::format("a block's length is a multiple of 4 from {} up, not {}", kBlockFraming,
                           length));
  if (length > limits::kCaptureBlock)
    return bad(
        fmt::format("claims to be {} bytes long, more than {}", length, limits::kCaptureBlock));
  const ByteView body = reader.take(length - kBlockFraming);
  const std::uint32_t again = reader.u32();
  if (!reader.ok())
    return bad(
        fmt::format("is {} bytes long, but the file ends after {} of them", length, rest().size()));
  if (again != length)
    return bad(fmt::format("is {} bytes long in front, but {} behind", length, again));
  if (!on_block(type, body)) return false;
  offset_ += length;
  return true;
}

bool PcapngReader::on_block(BlockType type, ByteView body) {
  const OrderedReader reader(body, order_);
  switch (type) {
    case BlockType::section:
      return on_section(reader);
    case BlockType::interface:
      return on_interface(reader);
    case BlockType::packet:
      return on_packet(reader, false);
    case BlockType::old_packet:
      return on_packet(reader, true);
    case BlockType::simple_packet:
      return on_simple_packet(reader);
    case BlockType::names:
    case BlockType::statistics:
      return true;
  }
  return true;  // of a kind that we don't know
}

bool PcapngReader::on_section(OrderedReader body) {
  body.skip(4);
  const std::uint16_t major = body.u16();
  const std::uint16_t minor = body.u16();
  // The length of the section: only good for skipping it.
  body.skip(8);
  if (!body.ok()) return bad("too short for a section header");
  if (major != kMajorVersion)
    return bad(fmt::format("pcapng version {}.{}; only version 1 is read", major, minor));
  section_start_ = interfaces_.size();
  return true;
}

bool PcapngReader::on_interface(OrderedReader body) {
  Interface interface;
  TimeScale scale;
  interface.link_type = link_type_from(body.u16());
  body.skip(2);
  interface.snap_length = body.u32();
  if (!body.ok()) return bad("too short for an interface");
  if (interfaces_.size() == limits::kCaptureInterfaces)
    return bad(fmt::format("the file has more than {} interfaces", limits::kCaptureInterfaces));
  read_interface_options(body, interface, scale);
  interfaces_.push_back(std::move(interface));
  scales_.push_back(scale);
  return true;
}

// Options that are cut short end the list, as if it ended there: none of them is needed.
template <class Visit>
void for_each_option(OrderedReader options, Visit visit) {
  while (options.remaining() >= 4) {
    const std::uint16_t code = options.u16();
    const std::uint16_t length = options.u16();
    const ByteView value = options.take(length);
    if (!options.ok() || code == option::kEnd) return;
    options.skip(std::min(padded(length) - length, options.remaining()));
    visit(code, value);
  }
}

std::optional<IpPrefix> prefix_from(ByteView value) {
  if (value.size() != 8) return std::nullopt;
  const Ipv4Address mask = Ipv4Address::from(value.subspan(4));
  const int length = std::countl_one(mask.value);
  if (std::popcount(mask.value) != length) return std::nullopt;
  return IpPrefix{Ipv4Address::from(value.first(4)), static_cast<std::uint8_t>(length)};
}

void PcapngReader::read_interface_options(OrderedReader options, Interface& interface,
                                          TimeScale& scale) {
  for_each_option(options, [&](std::uint16_t code, ByteView value) {
    if (code == option::kInterfaceName) interface.name = as_text(value);
    if (code == option::kInterfaceDescription) interface.description = as_text(value);
    if (code == option::kInterfaceIpv4 && !interface.ipv4) interface.ipv4 = prefix_from(value);
    if (code == option::kInterfaceMac && value.size() == MacAddress::size)
      interface.mac = MacAddress::from(value);
    if (code == option::kInterfaceResolution && value.size() == 1) scale.set_resolution(value[0]);
    if (code == option::kInterfaceTimeOffset && value.size() == 8)
      scale.set_offset(static_cast<std::int64_t>(OrderedReader(value, order_).u64()));
  });
}

void PcapngReader::read_packet_options(OrderedReader options) {
  for_each_option(options, [&](std::uint16_t code, ByteView value) {
    if (code == option::kPacketFlags && value.size() == 4) read_direction(value);
    if (code != option::kComment) return;
    if (!packet_->comment.empty()) packet_->comment += '\n';
    packet_->comment += as_text(value);
  });
}

void PcapngReader::read_direction(ByteView value) {
  const std::uint32_t bits = OrderedReader(value, order_).u32() & kDirectionMask;
  if (bits == kInbound) packet_->direction = Direction::inbound;
  if (bits == kOutbound) packet_->direction = Direction::outbound;
}

// The enhanced packet block, and its forerunner, whose interface has 16 bits and a drop count
// beside it.
bool PcapngReader::on_packet(OrderedReader body, bool old) {
  const std::uint32_t interface = old ? body.u16() : body.u32();
  if (old) body.skip(2);
  const std::uint64_t high = body.u32();
  const std::uint64_t ticks = high << 32 | body.u32();
  const std::uint32_t size = body.u32();
  const std::uint32_t original = body.u32();
  const ByteView bytes = body.take(size);
  if (!body.ok()) return bad_packet("its block is too short for what it claims to hold");
  body.skip(std::min(padded(size) - size, body.remaining()));
  if (!keep(interface, bytes, original)) return false;
  packet_->time_ns = last_time_ns_ = scales_[packet_->interface].nanoseconds(ticks);
  read_packet_options(body);
  return true;
}

// No interface: it is the section's first. No length of what was kept: it follows from that
// interface's snap length. No time: we take that of the packet before.
bool PcapngReader::on_simple_packet(OrderedReader body) {
  const std::uint32_t original = body.u32();
  if (!body.ok()) return bad_packet("its block is too short for what it claims to hold");
  std::uint32_t size = original;
  if (section_start_ < interfaces_.size() && interfaces_[section_start_].snap_length != 0)
    size = std::min(size, interfaces_[section_start_].snap_length);
  const ByteView bytes = body.take(size);
  if (!body.ok()) return bad_packet("its block is too short for what it claims to hold");
  return keep(0, bytes, original);
}

bool PcapngReader::keep(std::uint32_t interface, ByteView bytes, std::uint32_t original) {
  if (interface >= interfaces_.size() - section_start_)
    return bad_packet(
        fmt::format("is of interface {}, which the file has not declared before", interface));
  ++packets_;
  packet_.emplace();
  packet_->interface = static_cast<std::uint32_t>(section_start_ + interface);
  packet_->time_ns = last_time_ns_;
  packet_->bytes.assign(bytes.begin(), bytes.end());
  packet_->original_length = std::max(static_cast<std::uint32_t>(bytes.size()), original);
  return true;
}

}  // namespace

Result<std::unique_ptr<Reader>> open_pcapng(ByteView file) {
  auto reader = std::make_unique<PcapngReader>(file);
  if (!reader->begin()) return Error{ErrorCode::invalid_argument, reader->problem()};
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace pontoon::capture
