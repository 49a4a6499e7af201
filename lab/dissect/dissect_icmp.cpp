// ICMP (RFC 792), ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861) as fields.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "lab/dissect/dissect_layers.h"

namespace pontoon::lab::layers {
namespace {

struct Named {
  std::uint8_t number;
  std::string_view name;
};

template <std::size_t Size>
std::string_view find_name(const std::array<Named, Size>& table, std::uint8_t number) noexcept {
  for (const Named& entry : table)
    if (entry.number == number) return entry.name;
  return "";
}

constexpr std::array kTypes = {
    Named{0, "echo reply"},           Named{3, "destination unreachable"},
    Named{4, "source quench"},        Named{5, "redirect"},
    Named{8, "echo request"},         Named{9, "router advertisement"},
    Named{10, "router solicitation"}, Named{11, "time exceeded"},
    Named{12, "parameter problem"},   Named{13, "timestamp request"},
    Named{14, "timestamp reply"},     Named{17, "address mask request"},
    Named{18, "address mask reply"},
};
constexpr std::array kUnreachable = {
    Named{0, "network unreachable"},       Named{1, "host unreachable"},
    Named{2, "protocol unreachable"},      Named{3, "port unreachable"},
    Named{4, "fragmentation needed"},      Named{5, "source route failed"},
    Named{9, "network prohibited"},        Named{10, "host prohibited"},
    Named{13, "communication prohibited"},
};
constexpr std::array kExceeded = {Named{0, "TTL exceeded"}, Named{1, "reassembly time exceeded"}};

constexpr std::array kTypes6 = {
    Named{1, "destination unreachable"},
    Named{2, "packet too big"},
    Named{3, "time exceeded"},
    Named{4, "parameter problem"},
    Named{128, "echo request"},
    Named{129, "echo reply"},
    Named{130, "listener query"},
    Named{131, "listener report"},
    Named{132, "listener done"},
    Named{133, "router solicitation"},
    Named{134, "router advertisement"},
    Named{135, "neighbour solicitation"},
    Named{136, "neighbour advertisement"},
    Named{137, "redirect"},
    Named{143, "listener report v2"},
};
constexpr std::array kUnreachable6 = {
    Named{0, "no route"},         Named{1, "communication prohibited"},
    Named{2, "beyond scope"},     Named{3, "address unreachable"},
    Named{4, "port unreachable"}, Named{5, "source policy"},
    Named{6, "route rejected"},
};
constexpr std::array kExceeded6 = {Named{0, "hop limit exceeded"},
                                   Named{1, "reassembly time exceeded"}};

std::string numbered(std::uint8_t number, std::string_view name) {
  return fmt::format("{}{}{}", number, name.empty() ? "" : " ", name);
}

std::string_view icmp_code_name(std::uint8_t type, std::uint8_t code) noexcept {
  if (type == 3) return find_name(kUnreachable, code);
  if (type == 11) return find_name(kExceeded, code);
  return "";
}

std::string_view icmpv6_code_name(std::uint8_t type, std::uint8_t code) noexcept {
  if (type == 1) return find_name(kUnreachable6, code);
  if (type == 3) return find_name(kExceeded6, code);
  return "";
}

// The words of the summary: the code's where it has a name, else the type's.
std::string words(std::string_view type_name, std::string_view code_name, std::uint8_t type,
                  std::uint8_t code) {
  if (!code_name.empty()) return std::string(code_name);
  const std::string name =
      type_name.empty() ? fmt::format("type {}", type) : std::string(type_name);
  return code == 0 ? name : fmt::format("{} code {}", name, code);
}

bool is_icmp_error(std::uint8_t type) noexcept {
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

// Identifier and sequence number; what follows is echo data.
void read_echo(LayerReader& in, Dissection& out) {
  const auto identifier = in.number<std::uint16_t>("identifier");
  const auto sequence = in.number<std::uint16_t>("sequence number");
  if (in.ok()) out.summary += fmt::format(" id {} seq {}", identifier, sequence);
  const ByteView data = in.rest();
  in.push_to(out);
  dissect_data(data, out);
}

// The four bytes between checksum and quoted packet, and that packet.
void read_icmp_error(LayerReader& in, std::uint8_t type, std::uint8_t code, bool quoted_already,
                     Dissection& out) {
  if (type == 3 && code == 4) {
    in.take(2);
    const auto mtu = in.number<std::uint16_t>("next-hop MTU");
    out.summary += fmt::format(" mtu {}", mtu);
  } else if (type == 5) {
    out.summary += " to " + in.ipv4("gateway address").to_string();
  } else if (type == 12) {
    in.number<std::uint8_t>("pointer");
    in.take(3);
  } else {
    in.hex_number<std::uint32_t>("unused");
  }
  const ByteView packet = in.rest();
  in.push_to(out);
  if (packet.empty()) return;
  if (quoted_already) return dissect_data(packet, out);
  out.summary += fmt::format(" ({})", dissect_quoted(packet, IpFamily::v4, out));
}

}  // namespace

void dissect_icmp(ByteView bytes, const Around& around, Dissection& out) {
  out.summary = "ICMP";
  LayerReader in("ICMP", bytes);
  in.may_end_anywhere(around.quoted && around.cut);
  const auto type = in.read<std::uint8_t>(
      "type", [](std::uint8_t value) { return numbered(value, find_name(kTypes, value)); });
  const auto code = in.read<std::uint8_t>(
      "code", [&](std::uint8_t value) { return numbered(value, icmp_code_name(type, value)); });
  const auto checksum = in.hex_number<std::uint16_t>("checksum");
  if (!in.ok()) return in.push_to(out);
  if (!around.cut) in.judge_checksum(checksum, 2, bytes);
  out.summary = "ICMP " + words(find_name(kTypes, type), icmp_code_name(type, code), type, code);
  if (type == 8 || type == 0 || (type >= 13 && type <= 18)) return read_echo(in, out);
  if (is_icmp_error(type)) return read_icmp_error(in, type, code, around.quoted, out);
  const ByteView rest = in.rest();
  in.push_to(out);
  dissect_data(rest, out);
}

namespace {

std::string link_address(ByteView bytes) {
  return bytes.size() == 6 ? MacAddress::from(bytes).to_string() : hex(bytes);
}

void read_prefix_option(LayerReader& in, ByteView data, Dissection& out) {
  if (data.size() != 30) return in.problem("prefix information has a wrong length");
  ByteReader reader(data);
  const unsigned length = reader.u8();
  const unsigned flags = reader.u8();
  const std::uint32_t valid = reader.u32();
  const std::uint32_t preferred = reader.u32();
  reader.skip(4);
  const std::string prefix =
      fmt::format("{}/{}", Ipv6Address::from(reader.take(16)).to_string(), length);
  in.field(
      "prefix information",
      fmt::format("{}{}{} valid {} s preferred {} s", prefix, (flags & 0x80) != 0 ? " on-link" : "",
                  (flags & 0x40) != 0 ? " autonomous" : "", valid, preferred));
  out.summary += " prefix " + prefix;
}

void read_dns_server_option(LayerReader& in, ByteView data) {
  ByteReader reader(data);  // RFC 8106 5.1
  reader.skip(2);
  const std::uint32_t lifetime = reader.u32();
  std::string servers;
  while (reader.ok() && reader.remaining() >= 16)
    servers += Ipv6Address::from(reader.take(16)).to_string() + ' ';
  in.field("recursive DNS server", fmt::format("{}lifetime {} s", servers, lifetime));
  if (!reader.ok() || reader.remaining() > 0)
    in.problem("recursive DNS server option has a wrong length");
}

void read_ndp_option(LayerReader& in, std::uint8_t type, ByteView data, Dissection& out) {
  switch (type) {
    case 1:
      return in.field("source link-layer address", link_address(data));
    case 2:
      return in.field("target link-layer address", link_address(data));
    case 3:
      return read_prefix_option(in, data, out);
    case 5:
      if (data.size() != 6) return in.problem("MTU option has a wrong length");
      return in.field("MTU", std::to_string(load_be<std::uint32_t>(data.data() + 2)));
    case 25:
      return read_dns_server_option(in, data);
    default:
      return in.field(fmt::format("option {}", type), hex(data));
  }
}

// RFC 4861 4.6: type, length in units of 8 bytes, data.
void read_ndp_options(LayerReader& in, Dissection& out) {
  while (in.ok() && in.remaining() > 0) {
    const ByteView head = in.take(2);
    const std::size_t length = head.size() == 2 ? head[1] * std::size_t{8} : 0;
    if (length < 8 || length - 2 > in.remaining()) {
      in.problem("option of a bad length");
      in.field("rest", hex(in.rest()));
      return;
    }
    read_ndp_option(in, head[0], in.take(length - 2), out);
  }
}

void read_router_advertisement(LayerReader& in, Dissection& out) {
  in.number<std::uint8_t>("current hop limit");
  in.read<std::uint8_t>("flags", [](std::uint8_t value) {
    return fmt::format("{}{}", (value & 0x80) != 0 ? "managed " : "",
                       (value & 0x40) != 0 ? "other" : "");
  });
  const auto lifetime = in.read<std::uint16_t>(
      "router lifetime", [](std::uint16_t value) { return fmt::format("{} s", value); });
  in.read<std::uint32_t>("reachable time",
                         [](std::uint32_t value) { return fmt::format("{} ms", value); });
  in.read<std::uint32_t>("retransmission timer",
                         [](std::uint32_t value) { return fmt::format("{} ms", value); });
  out.summary += fmt::format(" lifetime {} s", lifetime);
}

// Solicitation, advertisement and redirect begin alike: four bytes, then the target.
void read_neighbour(LayerReader& in, std::uint8_t type, Dissection& out) {
  const auto flags = in.read<std::uint32_t>("flags", [](std::uint32_t value) {
    std::string text;
    if ((value & 0x80000000) != 0) text += " router";
    if ((value & 0x40000000) != 0) text += " solicited";
    if ((value & 0x20000000) != 0) text += " override";
    return text.empty() ? "none" : text.substr(1);
  });
  static_cast<void>(flags);
  out.summary += ' ' + in.ipv6("target address").to_string();
  if (type == 137) in.ipv6("destination address");
}

void read_ndp(LayerReader& in, std::uint8_t type, Dissection& out) {
  if (type == 134) {
    read_router_advertisement(in, out);
  } else if (type == 133) {
    in.hex_number<std::uint32_t>("reserved");
  } else {
    read_neighbour(in, type, out);
  }
  read_ndp_options(in, out);
  in.push_to(out);
}

void read_icmpv6_error(LayerReader& in, std::uint8_t type, bool quoted_already, Dissection& out) {
  if (type == 2) {
    out.summary += fmt::format(" mtu {}", in.number<std::uint32_t>("MTU"));
  } else if (type == 4) {
    in.number<std::uint32_t>("pointer");
  } else {
    in.hex_number<std::uint32_t>("unused");
  }
  const ByteView packet = in.rest();
  in.push_to(out);
  if (packet.empty()) return;
  if (quoted_already) return dissect_data(packet, out);
  out.summary += fmt::format(" ({})", dissect_quoted(packet, IpFamily::v6, out));
}

}  // namespace

void dissect_icmpv6(ByteView bytes, const Around& around, Dissection& out) {
  out.summary = "ICMPv6";
  LayerReader in("ICMPv6", bytes);
  in.may_end_anywhere(around.quoted && around.cut);
  const auto type = in.read<std::uint8_t>(
      "type", [](std::uint8_t value) { return numbered(value, find_name(kTypes6, value)); });
  const auto code = in.read<std::uint8_t>(
      "code", [&](std::uint8_t value) { return numbered(value, icmpv6_code_name(type, value)); });
  const auto checksum = in.hex_number<std::uint16_t>("checksum");
  if (!in.ok()) return in.push_to(out);
  if (!around.cut)
    in.judge_checksum(checksum, 2, bytes,
                      wire::Checksum::pseudo_header(around.source, around.target,
                                                    wire::IpProtocol::icmpv6, bytes.size()));
  const bool ndp = type >= 133 && type <= 137;
  out.summary = (ndp ? "NDP " : "ICMPv6 ") +
                words(find_name(kTypes6, type), icmpv6_code_name(type, code), type, code);
  if (type == 128 || type == 129) return read_echo(in, out);
  if (ndp) return read_ndp(in, type, out);
  if (type >= 1 && type <= 4) return read_icmpv6_error(in, type, around.quoted, out);
  const ByteView rest = in.rest();
  in.push_to(out);
  dissect_data(rest, out);
}

}  // namespace pontoon::lab::layers
