#include "lab/dissect/dissect_layers.h"

#include <fmt/core.h>

#include <algorithm>

namespace pontoon::lab::layers {

std::string hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 3);
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    if (!text.empty()) text += ' ';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string hex_number(std::uint64_t value, int digits) {
  return fmt::format("0x{:0{}x}", value, digits);
}

std::string escaped(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const std::uint8_t byte : bytes) {
    const bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
    if (plain) {
      text += static_cast<char>(byte);
    } else {
      text += fmt::format("\\x{:02x}", byte);
    }
  }
  return text;
}

std::string quoted(ByteView bytes) {
  return '"' + escaped(bytes) + '"';
}

std::string count_of(std::size_t bytes) {
  return fmt::format("{} byte{}", bytes, bytes == 1 ? "" : "s");
}

bool LayerReader::need(std::size_t count, std::string_view name) {
  if (ended_) return false;
  if (remaining() >= count) return true;
  ended_ = true;
  if (may_end_) return false;
  problem(fmt::format("ends after {}, within or before \"{}\"", count_of(bytes_.size()), name));
  return false;
}

ByteView LayerReader::take(std::size_t count) noexcept {
  const ByteView taken = bytes_.subspan(position_, std::min(count, remaining()));
  position_ += taken.size();
  return taken;
}

Ipv4Address LayerReader::ipv4(std::string_view name) {
  if (!need(4, name)) return {};
  const Ipv4Address address = Ipv4Address::from(take(4));
  field(name, address.to_string());
  return address;
}

Ipv6Address LayerReader::ipv6(std::string_view name) {
  if (!need(16, name)) return {};
  const Ipv6Address address = Ipv6Address::from(take(16));
  field(name, address.to_string());
  return address;
}

MacAddress LayerReader::mac(std::string_view name) {
  if (!need(6, name)) return {};
  const MacAddress address = MacAddress::from(take(6));
  field(name, address.to_string());
  return address;
}

void LayerReader::problem(const std::string& text) {
  if (!layer_.problem.empty()) layer_.problem += "; ";
  layer_.problem += text;
}

void LayerReader::judge_checksum(std::uint16_t found, std::size_t offset, ByteView covered,
                                 wire::Checksum start) {
  if (wire::checksum_ok(covered, start)) return;
  start.add(covered.first(offset));
  start.add_u16(0);
  start.add(covered.subspan(offset + 2));
  problem(fmt::format("checksum is 0x{:04x}, should be 0x{:04x}", found, start.value()));
}

void dissect_data(ByteView bytes, Dissection& out) {
  constexpr std::size_t kRow = 16;
  if (bytes.empty()) return;
  Layer layer{"data", {}, {}};
  layer.fields.push_back({"length", count_of(bytes.size())});
  for (std::size_t at = 0; at < bytes.size(); at += kRow) {
    const ByteView row = bytes.subspan(at, std::min(kRow, bytes.size() - at));
    std::string text = hex(row) + " |";
    for (const std::uint8_t byte : row)
      text += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
    layer.fields.push_back({fmt::format("{:04x}", at), text + '|'});
  }
  out.layers.push_back(std::move(layer));
}

}  // namespace pontoon::lab::layers
