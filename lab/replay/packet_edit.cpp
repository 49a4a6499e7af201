#include "lab/replay/packet_edit.h"

#include <algorithm>

#include "core/wire/checksum.h"
#include "core/wire/ethernet.h"
#include "core/wire/ipv4.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"

namespace pontoon::lab {
namespace {

constexpr std::size_t kIp = wire::EthernetView::kHeaderSize;
constexpr std::size_t kIpChecksum = kIp + 10;
constexpr std::size_t kUdpChecksum = 6;
constexpr std::size_t kTcpChecksum = 16;

// IEEE 802.1Q, 802.1ad, and what was used for stacked tags before.
bool is_tag(std::uint16_t ether_type) noexcept {
  return ether_type == 0x8100 || ether_type == 0x88a8 || ether_type == 0x9100;
}

}  // namespace

std::optional<PacketEdit> PacketEdit::of(MutableBytes frame) noexcept {
  const auto ethernet = wire::EthernetView::parse(frame);
  if (!ethernet || ethernet->ether_type() != wire::EtherType::ipv4) return std::nullopt;
  const auto ip = wire::Ipv4View::parse_quoted(ethernet->payload());
  if (!ip) return std::nullopt;
  return PacketEdit(frame, ip->header_length(), kIp + ip->bytes().size());
}

PacketEdit::PacketEdit(MutableBytes frame, std::size_t header, std::size_t end) noexcept
    : frame_(frame), end_(std::min(end, frame.size())) {
  const auto fragment =
      static_cast<std::uint16_t>(load_be<std::uint16_t>(&frame_[kIp + 6]) & 0x3fff);
  const auto protocol = static_cast<wire::IpProtocol>(frame_[kIp + 9]);
  if ((fragment & 0x1fff) != 0) return;
  const std::size_t at = kIp + header;
  const std::size_t present = end_ - at;
  if (protocol == wire::IpProtocol::udp && present >= wire::UdpView::kHeaderSize) {
    transport_ = at;
    udp_ = true;
    checksum_at_ = at + kUdpChecksum;
  } else if (protocol == wire::IpProtocol::tcp && present >= wire::TcpView::kMinHeaderSize) {
    transport_ = at;
    checksum_at_ = at + kTcpChecksum;
  } else if (protocol == wire::IpProtocol::icmp && present >= 8) {
    transport_ = at;
  }
}

Ipv4Address PacketEdit::address(std::size_t at) const noexcept {
  return Ipv4Address::from(ByteView(frame_).subspan(kIp + at, 4));
}

void PacketEdit::patch(std::size_t checksum_at, std::uint16_t before,
                       std::uint16_t after) noexcept {
  const auto checksum = load_be<std::uint16_t>(&frame_[checksum_at]);
  store_be(&frame_[checksum_at], wire::update_checksum(checksum, before, after));
}

void PacketEdit::patch_transport(std::uint16_t before, std::uint16_t after) noexcept {
  if (checksum_at_ == 0) return;
  const auto checksum = load_be<std::uint16_t>(&frame_[checksum_at_]);
  if (udp_ && checksum == 0) return;
  patch(checksum_at_, before, after);
  // RFC 768: a sum of zero is sent as all ones, since zero means that there is none.
  if (udp_ && load_be<std::uint16_t>(&frame_[checksum_at_]) == 0) {
    store_be(&frame_[checksum_at_], std::uint16_t{0xffff});
  }
}

void PacketEdit::set_address(std::size_t at, Ipv4Address address) noexcept {
  const auto bytes = address.bytes();
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    std::uint8_t* word = &frame_[kIp + at + i];
    const auto before = load_be<std::uint16_t>(word);
    const auto after = load_be<std::uint16_t>(bytes.data() + i);
    if (before == after) continue;
    store_be(word, after);
    patch(kIpChecksum, before, after);
    patch_transport(before, after);
  }
}

// A checksum counts 16-bit words from the transport header's beginning; a byte is half of one.
void PacketEdit::set_bytes(std::size_t at, ByteView bytes) noexcept {
  if (transport_ == 0 || at < transport_ || at > end_ || bytes.size() > end_ - at) return;
  for (const std::uint8_t byte : bytes) {
    const bool high = (at - transport_) % 2 == 0;
    const auto word = [&](std::uint8_t value) {
      return static_cast<std::uint16_t>(high ? value << 8 : value);
    };
    const std::uint16_t before = word(frame_[at]);
    frame_[at] = byte;
    if (before != word(byte)) patch_transport(before, word(byte));
    ++at;
  }
}

void PacketEdit::set_u32(std::size_t at, std::uint32_t value) noexcept {
  std::uint8_t bytes[4];
  store_be(bytes, value);
  set_bytes(at, bytes);
}

bool PacketEdit::finish_checksums() noexcept {
  bool finished = false;
  const ByteView header = ByteView(frame_).subspan(kIp, (frame_[kIp] & 0x0fU) * std::size_t{4});
  if (load_be<std::uint16_t>(&frame_[kIpChecksum]) == 0 && !wire::checksum_ok(header)) {
    wire::Checksum sum;
    sum.add(header);
    store_be(&frame_[kIpChecksum], sum.value());
    finished = true;
  }
  const auto whole = wire::Ipv4View::parse(ByteView(frame_).subspan(kIp));
  if (checksum_at_ == 0 || !whole || whole->is_fragment()) return finished;
  const auto protocol = udp_ ? wire::IpProtocol::udp : wire::IpProtocol::tcp;
  const ByteView bytes = whole->payload();
  const auto pseudo = wire::Checksum::pseudo_header(source(), target(), protocol, bytes.size());
  const auto given = load_be<std::uint16_t>(&frame_[checksum_at_]);
  const bool left = given == pseudo.folded() || (!udp_ && given == 0);
  if (!left || wire::checksum_ok(bytes, pseudo)) return finished;
  store_be(&frame_[checksum_at_], std::uint16_t{0});
  wire::Checksum sum = pseudo;
  sum.add(bytes);
  store_be(&frame_[checksum_at_], udp_ ? sum.nonzero_value() : sum.value());
  return true;
}

bool strip_vlan_tags(std::vector<std::uint8_t>& frame) {
  bool stripped = false;
  while (frame.size() >= kIp + 4 && is_tag(load_be<std::uint16_t>(&frame[12]))) {
    frame.erase(frame.begin() + 12, frame.begin() + 16);
    stripped = true;
  }
  return stripped;
}

void set_target_mac(MutableBytes frame, const MacAddress& mac) noexcept {
  if (frame.size() >= kIp) std::copy(mac.octets.begin(), mac.octets.end(), frame.begin());
}

void set_source_mac(MutableBytes frame, const MacAddress& mac) noexcept {
  if (frame.size() >= kIp) std::copy(mac.octets.begin(), mac.octets.end(), frame.begin() + 6);
}

}  // namespace pontoon::lab
