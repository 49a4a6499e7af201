#include "lab/dissect/dissect.h"

#include <fmt/core.h>

#include "lab/dissect/dissect_layers.h"

namespace pontoon::lab {
namespace layers {
namespace {

// Below that the type is a length (IEEE 802.3 3.2.6).
constexpr std::uint16_t kFirstEtherType = 0x0600;
constexpr std::uint16_t kServiceTag = 0x88a8;  // IEEE 802.1ad

std::string ether_type_text(std::uint16_t type) {
  std::string text = hex_number(type, 4);
  if (type == static_cast<std::uint16_t>(wire::EtherType::ipv4)) return text + " IPv4";
  if (type == static_cast<std::uint16_t>(wire::EtherType::arp)) return text + " ARP";
  if (type == static_cast<std::uint16_t>(wire::EtherType::ipv6)) return text + " IPv6";
  if (type == static_cast<std::uint16_t>(wire::EtherType::vlan)) return text + " VLAN";
  if (type == kServiceTag) return text + " service VLAN";
  return text;
}

std::uint16_t read_type(LayerReader& in) {
  return in.read<std::uint16_t>("type", [](std::uint16_t type) {
    return type < kFirstEtherType ? fmt::format("{} (length)", type) : ether_type_text(type);
  });
}

// Skips the tags. True: `type` is that of what `payload` holds.
bool skip_vlan_tags(std::uint16_t& type, ByteView& payload, Dissection& out) {
  for (std::size_t tags = 0;; ++tags) {
    if (type != static_cast<std::uint16_t>(wire::EtherType::vlan) && type != kServiceTag)
      return true;
    if (tags == kMaxNested) return false;
    LayerReader in("VLAN", payload);
    const auto control = in.read<std::uint16_t>(
        "identifier", [](std::uint16_t value) { return std::to_string(value & 0x0fff); });
    if (in.ok()) in.field("priority", std::to_string(control >> 13));
    if (in.ok() && (control & 0x1000) != 0) in.field("drop eligible", "yes");
    type = read_type(in);
    const bool whole = in.ok();
    payload = in.rest();
    in.push_to(out);
    if (!whole) return false;
  }
}

std::string hex_address(ByteView bytes) {
  if (bytes.size() == 6) return MacAddress::from(bytes).to_string();
  if (bytes.size() == 4) return Ipv4Address::from(bytes).to_string();
  return bytes.empty() ? "none" : hex(bytes);
}

std::string arp_summary(std::uint16_t operation, MacAddress sender_mac, Ipv4Address sender,
                        Ipv4Address target) {
  if (operation == 1) {
    if (sender.is_any()) return fmt::format("ARP probe {}", target.to_string());
    if (sender == target)
      return fmt::format("ARP announcement {} is at {}", sender.to_string(),
                         sender_mac.to_string());
    return fmt::format("ARP who has {}? tell {}", target.to_string(), sender.to_string());
  }
  if (operation == 2)
    return fmt::format("ARP {} is at {}", sender.to_string(), sender_mac.to_string());
  return fmt::format("ARP operation {}", operation);
}

void read_arp_addresses(LayerReader& in, std::uint16_t operation, Dissection& out) {
  const MacAddress sender_mac = in.mac("sender hardware address");
  const Ipv4Address sender = in.ipv4("sender protocol address");
  const MacAddress target_mac = in.mac("target hardware address");
  const Ipv4Address target = in.ipv4("target protocol address");
  if (!in.ok()) return;
  out.summary = arp_summary(operation, sender_mac, sender, target);
  if (!sender.is_any()) out.source = sender.to_string();
  if (operation == 2 && !target_mac.is_zero() && !target.is_any()) out.target = target.to_string();
}

}  // namespace

void dissect_arp(ByteView bytes, Dissection& out) {
  out.summary = "ARP";
  LayerReader in("ARP", bytes);
  const auto hardware = in.number<std::uint16_t>("hardware type");
  const auto protocol = in.hex_number<std::uint16_t>("protocol type");
  const auto hardware_length = in.number<std::uint8_t>("hardware address length");
  const auto protocol_length = in.number<std::uint8_t>("protocol address length");
  const auto operation = in.read<std::uint16_t>("operation", [](std::uint16_t value) {
    return value == 1 ? "1 request" : value == 2 ? "2 reply" : std::to_string(value);
  });
  if (in.ok() && hardware == 1 && protocol == 0x0800 && hardware_length == 6 &&
      protocol_length == 4) {
    read_arp_addresses(in, operation, out);
  } else if (in.ok()) {
    in.problem("not IPv4 over Ethernet");
    in.field("sender hardware address", hex_address(in.take(hardware_length)));
    in.field("sender protocol address", hex_address(in.take(protocol_length)));
    in.field("target hardware address", hex_address(in.take(hardware_length)));
    in.field("target protocol address", hex_address(in.take(protocol_length)));
  }
  if (in.remaining() > 0) in.field("padding", count_of(in.remaining()));
  in.push_to(out);
}

void dissect_ether_type(std::uint16_t type, ByteView payload, Dissection& out) {
  if (type == static_cast<std::uint16_t>(wire::EtherType::ipv4))
    return dissect_ipv4(payload, false, out);
  if (type == static_cast<std::uint16_t>(wire::EtherType::ipv6))
    return dissect_ipv6(payload, false, out);
  if (type == static_cast<std::uint16_t>(wire::EtherType::arp)) return dissect_arp(payload, out);
  out.summary = type < kFirstEtherType
                    ? fmt::format("Ethernet 802.3 len {}", type)
                    : fmt::format("Ethernet type {} len {}", hex_number(type, 4), payload.size());
  dissect_data(payload, out);
}

}  // namespace layers

namespace {

// What a reader of one line must know: the first layer that is not sound.
void append_problem(Dissection& out) {
  constexpr std::size_t kShown = 160;
  for (const Layer& layer : out.layers) {
    if (layer.problem.empty() || layer.protocol.starts_with("quoted ")) continue;
    out.summary += fmt::format(" [{}: {:.{}}]", layer.protocol, layer.problem, kShown);
    return;
  }
}

}  // namespace

Dissection dissect(ByteView frame) {
  Dissection out;
  out.summary = "Ethernet";
  layers::LayerReader in("Ethernet", frame);
  const MacAddress target = in.mac("destination");
  if (in.ok()) out.target = target.to_string();
  const MacAddress source = in.mac("source");
  if (in.ok()) out.source = source.to_string();
  std::uint16_t type = layers::read_type(in);
  const bool whole = in.ok();
  ByteView payload = in.rest();
  in.push_to(out);
  if (whole && layers::skip_vlan_tags(type, payload, out)) {
    layers::dissect_ether_type(type, payload, out);
  } else {
    layers::dissect_data(payload, out);
  }
  append_problem(out);
  return out;
}

}  // namespace pontoon::lab
