// IPv4 (RFC 791) and IPv6 (RFC 8200) as fields, and what they carry.
#include <fmt/core.h>

#include <algorithm>

#include "lab/dissect/dissect_layers.h"

namespace pontoon::lab::layers {
namespace {

using wire::IpProtocol;

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;

std::string_view ipv4_option_name(std::uint8_t kind) noexcept {
  switch (kind) {  // IANA ip-parameters
    case 7:
      return "record route";
    case 68:
      return "timestamp";
    case 130:
      return "security";
    case 131:
      return "loose source route";
    case 136:
      return "stream identifier";
    case 137:
      return "strict source route";
    case 148:
      return "router alert";
    default:
      return "";
  }
}

// RFC 791 3.1: kind alone for 0 and 1, else kind, length (of all three), data.
void read_ipv4_options(LayerReader& in, ByteView options) {
  ByteReader reader(options);
  while (reader.remaining() > 0) {
    const std::uint8_t kind = reader.u8();
    if (kind == 0) {
      in.field("option", "end of list");
      return;
    }
    if (kind == 1) {
      in.field("option", "no operation");
      continue;
    }
    const std::uint8_t length = reader.u8();
    const ByteView data = reader.take(length < 2 ? options.size() : length - 2U);
    if (!reader.ok()) {
      in.problem(fmt::format("option {} does not fit the header", kind));
      return;
    }
    const std::string_view name = ipv4_option_name(kind);
    in.field("option", fmt::format("{} {}{}{}", kind, name, name.empty() ? "" : " ", hex(data)));
  }
}

struct Ipv4Header {
  std::size_t length = 0;  // as it says
  std::uint16_t total = 0;
  std::uint16_t identification = 0;
  std::uint16_t fragment = 0;  // flags and offset
  std::uint8_t protocol = 0;
  Ipv4Address source;
  Ipv4Address target;

  unsigned offset() const noexcept { return (fragment & 0x1fffU) * 8; }
  bool more() const noexcept { return (fragment & 0x2000) != 0; }
};

std::string fragment_flags(std::uint16_t value) {
  std::string text;
  if ((value & 0x8000) != 0) text += " reserved";
  if ((value & 0x4000) != 0) text += " DF";
  if ((value & 0x2000) != 0) text += " MF";
  return text.empty() ? "none" : text.substr(1);
}

Ipv4Header read_ipv4_fixed(LayerReader& in, ByteView bytes) {
  Ipv4Header header;
  const auto first = in.read<std::uint8_t>(
      "version", [](std::uint8_t value) { return std::to_string(value >> 4); });
  if (!in.ok()) return header;
  header.length = (first & 15U) * 4;
  in.field("header length", count_of(header.length));
  if (first >> 4 != 4) in.problem(fmt::format("version is {}", first >> 4));
  in.read<std::uint8_t>("type of service", [](std::uint8_t value) {
    return fmt::format("DSCP {} ECN {}", value >> 2, value & 3);
  });
  header.total = in.number<std::uint16_t>("total length");
  header.identification = in.number<std::uint16_t>("identification");
  header.fragment = in.read<std::uint16_t>("flags", fragment_flags);
  if (in.ok()) in.field("fragment offset", std::to_string(header.offset()));
  in.number<std::uint8_t>("time to live");
  header.protocol = in.read<std::uint8_t>("protocol", protocol_text);
  const auto checksum = in.hex_number<std::uint16_t>("header checksum");
  header.source = in.ipv4("source address");
  header.target = in.ipv4("destination address");
  if (in.ok() && header.length >= kIpv4Header && header.length <= bytes.size())
    in.judge_checksum(checksum, 10, bytes.first(header.length));
  return header;
}

// What the lengths leave as payload, whatever is wrong with them. Sets `cut` when its end is
// missing.
ByteView ipv4_payload(LayerReader& in, ByteView bytes, const Ipv4Header& header, bool quoted,
                      bool& cut) {
  if (header.length < kIpv4Header) in.problem("header length is below 20 bytes");
  if (header.length > bytes.size()) in.problem("header is longer than the packet");
  if (header.length > kIpv4Header) read_ipv4_options(in, in.take(header.length - kIpv4Header));
  ByteView payload = in.rest();
  const std::size_t begin = bytes.size() - payload.size();
  if (header.total < begin) {
    in.problem(fmt::format("total length {} is below the header's", header.total));
    cut = true;
  } else if (header.total > bytes.size()) {
    cut = true;
    if (!quoted)
      in.problem(
          fmt::format("total length {}, but {} are there", header.total, count_of(bytes.size())));
  } else if (header.total < bytes.size()) {
    in.field("padding", count_of(bytes.size() - header.total));
    payload = payload.first(header.total - begin);
  }
  return payload;
}

std::string protocol_or_number(std::uint8_t protocol) {
  const std::string_view name = protocol_name(protocol);
  return name.empty() ? fmt::format("protocol {}", protocol) : std::string(name);
}

}  // namespace

std::string_view protocol_name(std::uint8_t protocol) noexcept {
  switch (protocol) {  // IANA protocol-numbers
    case 0:
      return "hop-by-hop options";
    case 1:
      return "ICMP";
    case 2:
      return "IGMP";
    case 4:
      return "IPv4";
    case 6:
      return "TCP";
    case 17:
      return "UDP";
    case 41:
      return "IPv6";
    case 43:
      return "routing";
    case 44:
      return "fragment";
    case 47:
      return "GRE";
    case 50:
      return "ESP";
    case 51:
      return "AH";
    case 58:
      return "ICMPv6";
    case 59:
      return "no next header";
    case 60:
      return "destination options";
    case 132:
      return "SCTP";
    default:
      return "";
  }
}

std::string protocol_text(std::uint8_t protocol) {
  const std::string_view name = protocol_name(protocol);
  return fmt::format("{}{}{}", protocol, name.empty() ? "" : " ", name);
}

void dissect_transport(std::uint8_t protocol, ByteView bytes, const Around& around,
                       Dissection& out) {
  const bool v4 = around.source.is_v4();
  if (protocol == static_cast<std::uint8_t>(IpProtocol::udp)) {
    dissect_udp(bytes, around, out);
  } else if (protocol == static_cast<std::uint8_t>(IpProtocol::tcp)) {
    dissect_tcp(bytes, around, out);
  } else if (protocol == static_cast<std::uint8_t>(IpProtocol::icmp) && v4) {
    dissect_icmp(bytes, around, out);
  } else if (protocol == static_cast<std::uint8_t>(IpProtocol::icmpv6) && !v4) {
    dissect_icmpv6(bytes, around, out);
  } else {
    out.summary = fmt::format("{} {} len {}", v4 ? "IPv4" : "IPv6", protocol_or_number(protocol),
                              bytes.size());
    dissect_data(bytes, out);
  }
}

void dissect_ipv4(ByteView bytes, bool quoted, Dissection& out) {
  out.summary = "IPv4";
  LayerReader in("IPv4", bytes);
  const Ipv4Header header = read_ipv4_fixed(in, bytes);
  Around around{header.source, header.target, false, quoted};
  ByteView payload;
  if (in.ok()) {
    out.source = header.source.to_string();
    out.target = header.target.to_string();
    payload = ipv4_payload(in, bytes, header, quoted, around.cut);
  }
  const bool whole = in.ok();
  in.push_to(out);
  if (!whole) return;
  const std::string fragment = fmt::format(
      "IPv4 fragment {} id {} offset {} len {}{}", protocol_or_number(header.protocol),
      header.identification, header.offset(), payload.size(), header.more() ? " more" : " last");
  if (header.offset() > 0) {
    out.summary = fragment;
    dissect_data(payload, out);
    return;
  }
  around.cut = around.cut || header.more();
  dissect_transport(header.protocol, payload, around, out);
  if (header.more()) out.summary = fragment;
}

namespace {

// Walks over extension headers (RFC 8200 4). In a fragment that is not the first the rest is data.
class ExtensionWalk {
 public:
  ExtensionWalk(std::uint8_t next, ByteView payload, Dissection& out)
      : next_(next), payload_(payload), out_(out) {}

  void run() {
    for (std::size_t count = 0; count < kMaxNested && !stopped_; ++count) {
      if (next_ == static_cast<std::uint8_t>(IpProtocol::fragment)) {
        read_fragment();
      } else if (next_ == static_cast<std::uint8_t>(IpProtocol::hop_by_hop) ||
                 next_ == static_cast<std::uint8_t>(IpProtocol::routing) ||
                 next_ == static_cast<std::uint8_t>(IpProtocol::destination_options)) {
        read_options();
      } else {
        return;
      }
    }
    stopped_ = true;
  }

  std::uint8_t next() const noexcept { return next_; }
  ByteView payload() const noexcept { return payload_; }
  bool stopped() const noexcept { return stopped_; }  // the rest can't be told apart
  bool fragment() const noexcept { return offset_ > 0 || more_; }
  bool first() const noexcept { return offset_ == 0; }
  std::string fragment_summary() const {
    return fmt::format("IPv6 fragment {} id {} offset {} len {}{}", protocol_or_number(next_),
                       identification_, offset_, payload_.size(), more_ ? " more" : " last");
  }

 private:
  void read_fragment() {
    LayerReader in("IPv6 fragment", payload_);
    next_ = in.read<std::uint8_t>("next header", protocol_text);
    in.take(1);
    const auto where = in.read<std::uint16_t>(
        "fragment offset", [](std::uint16_t value) { return std::to_string(value & 0xfff8); });
    if (in.ok()) in.field("more fragments", (where & 1) != 0 ? "yes" : "no");
    identification_ = in.number<std::uint32_t>("identification");
    offset_ = where & 0xfff8U;
    more_ = (where & 1) != 0;
    stopped_ = !in.ok() || offset_ > 0;
    payload_ = in.rest();
    in.push_to(out_);
  }

  void read_options() {
    LayerReader in("IPv6 " + std::string(protocol_name(next_)), payload_);
    next_ = in.read<std::uint8_t>("next header", protocol_text);
    const auto length = in.read<std::uint8_t>("length", [](std::uint8_t value) {
      return count_of(8U + value * 8U);  // RFC 8200 4.3: in units of 8, without the first 8
    });
    const std::size_t wanted = 6U + length * 8U;
    const ByteView data = in.take(wanted);
    in.field("data", hex(data));
    if (in.ok() && data.size() < wanted) in.problem("is longer than the packet");
    stopped_ = !in.ok() || data.size() < wanted;
    payload_ = in.rest();
    in.push_to(out_);
  }

  std::uint8_t next_;
  ByteView payload_;
  Dissection& out_;
  bool stopped_ = false;
  unsigned offset_ = 0;
  bool more_ = false;
  std::uint32_t identification_ = 0;
};

struct Ipv6Header {
  std::uint16_t length = 0;
  std::uint8_t next = 0;
  Ipv6Address source;
  Ipv6Address target;
};

Ipv6Header read_ipv6_fixed(LayerReader& in) {
  Ipv6Header header;
  const auto first = in.read<std::uint32_t>(
      "version", [](std::uint32_t value) { return std::to_string(value >> 28); });
  if (in.ok()) {
    in.field("traffic class", fmt::format("DSCP {} ECN {}", first >> 22 & 63, first >> 20 & 3));
    in.field("flow label", hex_number(first & 0xfffff, 5));
    if (first >> 28 != 6) in.problem(fmt::format("version is {}", first >> 28));
  }
  header.length = in.number<std::uint16_t>("payload length");
  header.next = in.read<std::uint8_t>("next header", protocol_text);
  in.number<std::uint8_t>("hop limit");
  header.source = in.ipv6("source address");
  header.target = in.ipv6("destination address");
  return header;
}

}  // namespace

void dissect_ipv6(ByteView bytes, bool quoted, Dissection& out) {
  out.summary = "IPv6";
  LayerReader in("IPv6", bytes);
  const Ipv6Header header = read_ipv6_fixed(in);
  if (!in.ok()) return in.push_to(out);
  out.source = header.source.to_string();
  out.target = header.target.to_string();
  Around around{header.source, header.target, false, quoted};
  ByteView payload = in.rest();
  if (header.length > payload.size()) {
    around.cut = true;
    if (!quoted)
      in.problem(fmt::format("payload length {}, but {} are there", header.length,
                             count_of(payload.size())));
  } else if (header.length < payload.size()) {
    in.field("padding", count_of(payload.size() - header.length));
    payload = payload.first(header.length);
  }
  in.push_to(out);
  ExtensionWalk walk(header.next, payload, out);
  walk.run();
  if (walk.stopped()) {
    out.summary = "IPv6 " + protocol_or_number(walk.next());
    dissect_data(walk.payload(), out);
  } else {
    around.cut = around.cut || walk.fragment();
    dissect_transport(walk.next(), walk.payload(), around, out);
  }
  if (walk.fragment()) out.summary = walk.fragment_summary();
}

std::string dissect_quoted(ByteView bytes, IpFamily family, Dissection& out) {
  Dissection inner;
  if (family == IpFamily::v4) {
    dissect_ipv4(bytes, true, inner);
  } else {
    dissect_ipv6(bytes, true, inner);
  }
  std::string what;
  for (Layer& layer : inner.layers) {
    if (layer.protocol != "data" && !layer.protocol.starts_with("IPv")) what = layer.protocol;
    if (layer.protocol == "UDP" || layer.protocol == "TCP") break;
  }
  std::string source = inner.source;
  std::string target = inner.target;
  for (Layer& layer : inner.layers) {
    for (const Field& field : layer.fields) {
      const auto with_port = [&](const std::string& host) {
        return family == IpFamily::v4 ? host + ':' + field.value : '[' + host + "]:" + field.value;
      };
      if (field.name == "source port") source = with_port(source);
      if (field.name == "destination port") target = with_port(target);
    }
    layer.protocol = "quoted " + layer.protocol;
    out.layers.push_back(std::move(layer));
  }
  if (what.empty()) what = "IP";
  return source.empty() ? what : fmt::format("{} {} > {}", what, source, target);
}

}  // namespace pontoon::lab::layers
