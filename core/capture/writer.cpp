#include "core/capture/writer.h"

#include <algorithm>

#include "core/capture/pcapng.h"

namespace pontoon::capture {
namespace {

using namespace pcapng;

// What an option's 16-bit length can say, rounded down so that padding needs no thought.
constexpr std::size_t kLongestOption = 65532;
constexpr std::size_t kLongestName = 255;  // RFC 1035 2.3.4
constexpr std::uint8_t kNanoseconds = 9;   // if_tsresol: ten to the power of minus nine

template <class T>
void put(Bytes& out, T value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void put_padded(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
  out.resize(out.size() + padded(bytes.size()) - bytes.size());
}

// One block: the constructor writes what stands in front, end() what stands behind.
class Block {
 public:
  Block(Bytes& out, BlockType type) : out_(out), start_(out.size()) {
    put(out_, static_cast<std::uint32_t>(type));
    put(out_, std::uint32_t{0});
  }

  void option(std::uint16_t code, ByteView value) {
    const ByteView kept = value.first(std::min(value.size(), kLongestOption));
    put(out_, code);
    put(out_, static_cast<std::uint16_t>(kept.size()));
    put_padded(out_, kept);
    has_options_ = true;
  }
  void text(std::uint16_t code, std::string_view value) {
    if (!value.empty()) option(code, as_bytes(value));
  }
  template <class T>
  void number(std::uint16_t code, T value) {
    Bytes bytes;
    put(bytes, value);
    option(code, bytes);
  }

  void end() {
    if (has_options_) put(out_, std::uint32_t{option::kEnd});
    const auto length = static_cast<std::uint32_t>(out_.size() + 4 - start_);
    for (std::size_t i = 0; i < sizeof length; ++i)
      out_[start_ + 4 + i] = static_cast<std::uint8_t>(length >> (8 * i));
    put(out_, length);
  }

 private:
  Bytes& out_;
  std::size_t start_;
  bool has_options_ = false;
};

void put_time(Bytes& out, std::int64_t time_ns) {
  const auto ticks = static_cast<std::uint64_t>(std::max<std::int64_t>(time_ns, 0));
  put(out, static_cast<std::uint32_t>(ticks >> 32));
  put(out, static_cast<std::uint32_t>(ticks));
}

// if_IPv4addr: the address and the mask, each as on a wire.
void put_ipv4_option(Block& block, const IpPrefix& prefix) {
  const unsigned host_bits = 32U - std::min<unsigned>(prefix.length, 32);
  const std::uint32_t mask = host_bits == 32 ? 0 : ~std::uint32_t{0} << host_bits;
  Bytes value;
  for (const std::uint32_t number : {prefix.address.v4().value, mask}) {
    const auto octets = Ipv4Address{number}.bytes();
    value.insert(value.end(), octets.begin(), octets.end());
  }
  block.option(option::kInterfaceIpv4, value);
}

void put_name_record(Bytes& out, const IpAddress& address, std::string_view name) {
  Bytes value;
  if (address.is_v4()) {
    const auto octets = address.v4().bytes();
    value.assign(octets.begin(), octets.end());
  } else {
    value.assign(address.octets().begin(), address.octets().end());
  }
  value.insert(value.end(), name.begin(), name.end());
  value.push_back(0);
  put(out, address.is_v4() ? kNamesIpv4 : kNamesIpv6);
  put(out, static_cast<std::uint16_t>(value.size()));
  put_padded(out, value);
}

std::uint32_t flags_of(Direction direction) {
  switch (direction) {
    case Direction::unknown:
      return 0;
    case Direction::inbound:
      return kInbound;
    case Direction::outbound:
      return kOutbound;
  }
  return 0;
}

}  // namespace

void append_section_header(Bytes& out, std::string_view application) {
  Block block(out, BlockType::section);
  put(out, kByteOrderMagic);
  put(out, kMajorVersion);
  put(out, std::uint16_t{0});
  put(out, ~std::uint64_t{0});  // the section's length: not known while it is written
  block.text(option::kSectionApplication, application);
  block.end();
}

void append_interface(Bytes& out, const Interface& interface) {
  Block block(out, BlockType::interface);
  put(out, static_cast<std::uint16_t>(interface.link_type));
  put(out, std::uint16_t{0});
  put(out, interface.snap_length);
  block.text(option::kInterfaceName, interface.name);
  block.text(option::kInterfaceDescription, interface.description);
  if (interface.ipv4 && interface.ipv4->address.is_v4()) put_ipv4_option(block, *interface.ipv4);
  if (interface.mac) block.option(option::kInterfaceMac, interface.mac->octets);
  block.number(option::kInterfaceResolution, kNanoseconds);
  block.end();
}

void append_names(Bytes& out, const std::vector<std::pair<IpAddress, std::string>>& names) {
  Block block(out, BlockType::names);
  for (const auto& [address, name] : names)
    put_name_record(out, address, std::string_view(name).substr(0, kLongestName));
  put(out, std::uint32_t{kNamesEnd});
  block.end();
}

void append_packet(Bytes& out, const Packet& packet) {
  const auto size = static_cast<std::uint32_t>(packet.bytes.size());
  Block block(out, BlockType::packet);
  put(out, packet.interface);
  put_time(out, packet.time_ns);
  put(out, size);
  put(out, std::max(size, packet.original_length));
  put_padded(out, packet.bytes);
  if (const std::uint32_t flags = flags_of(packet.direction); flags != 0)
    block.number(option::kPacketFlags, flags);
  block.text(option::kComment, packet.comment);
  block.end();
}

void append_statistics(Bytes& out, const InterfaceStatistics& statistics) {
  Block block(out, BlockType::statistics);
  put(out, statistics.interface);
  put_time(out, statistics.time_ns);
  block.number(option::kStatisticsReceived, statistics.received);
  block.number(option::kStatisticsDropped, statistics.dropped);
  block.end();
}

}  // namespace pontoon::capture
