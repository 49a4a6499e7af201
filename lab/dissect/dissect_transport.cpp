// UDP (RFC 768) and TCP (RFC 9293, options of RFC 2018 and RFC 7323) as fields, and the protocols
// that their ports stand for.
#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "lab/dissect/dissect_layers.h"

namespace pontoon::lab::layers {
namespace {

constexpr std::uint16_t kDns = 53;
constexpr std::uint16_t kMulticastDns = 5353;
constexpr std::uint16_t kDhcpServer = 67;
constexpr std::uint16_t kDhcpClient = 68;
constexpr std::size_t kUdpHeader = 8;
constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kDnsHeader = 12;

ByteView udp_payload(LayerReader& in, std::uint16_t length, ByteView bytes, bool& cut) {
  ByteView payload = in.rest();
  if (cut) return payload;
  if (length < kUdpHeader) {
    in.problem(fmt::format("length {} is below the header's", length));
    cut = true;
  } else if (length > bytes.size()) {
    in.problem(fmt::format("length {}, but {} are there", length, count_of(bytes.size())));
    cut = true;
  } else if (length < bytes.size()) {
    in.field("behind the length", count_of(bytes.size() - length));
    payload = payload.first(length - kUdpHeader);
  }
  return payload;
}

}  // namespace

void dissect_udp(ByteView bytes, const Around& around, Dissection& out) {
  out.summary = "UDP";
  LayerReader in("UDP", bytes);
  in.may_end_anywhere(around.quoted && around.cut);
  const auto source = in.number<std::uint16_t>("source port");
  const auto target = in.number<std::uint16_t>("destination port");
  const auto length = in.number<std::uint16_t>("length");
  const auto checksum = in.read<std::uint16_t>("checksum", [](std::uint16_t value) {
    return value == 0 ? std::string("none") : hex_number(value, 4);
  });
  if (!in.ok()) return in.push_to(out);
  bool cut = around.cut;
  const ByteView payload = udp_payload(in, length, bytes, cut);
  const bool v4 = around.source.is_v4();
  if (checksum == 0 && !v4) in.problem("no checksum over IPv6");
  if (checksum != 0 && !cut)
    in.judge_checksum(
        checksum, 6, bytes.first(length),
        wire::Checksum::pseudo_header(around.source, around.target, wire::IpProtocol::udp, length));
  in.push_to(out);
  out.summary = fmt::format("UDP {} > {} len {}", source, target, payload.size());
  const auto either = [&](std::uint16_t port) { return source == port || target == port; };
  if ((either(kDhcpServer) || either(kDhcpClient)) && v4 && !payload.empty())
    return dissect_dhcp(payload, out);
  if ((either(kDns) || either(kMulticastDns)) && !payload.empty()) return dissect_dns(payload, out);
  dissect_data(payload, out);
}

namespace {

std::string tcp_flags(std::uint8_t bits) {
  constexpr std::array<std::pair<std::uint8_t, std::string_view>, 8> kNames = {{
      {0x02, "SYN"},
      {0x01, "FIN"},
      {0x04, "RST"},
      {0x08, "PSH"},
      {0x10, "ACK"},
      {0x20, "URG"},
      {0x40, "ECE"},
      {0x80, "CWR"},
  }};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((bits & bit) == 0) continue;
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text.empty() ? "none" : text;
}

std::string sack_blocks(ByteView data) {
  std::string text;
  for (ByteReader reader(data); reader.remaining() >= 8;) {
    if (!text.empty()) text += ' ';
    const std::uint32_t left = reader.u32();
    text += fmt::format("{}-{}", left, reader.u32());
  }
  return text;
}

void read_tcp_option(LayerReader& in, std::uint8_t kind, ByteView data) {
  const auto wrong = [&] {
    in.field(fmt::format("option {}", kind), hex(data));
    in.problem(fmt::format("option {} has length {}", kind, data.size() + 2));
  };
  switch (kind) {
    case 2:
      if (data.size() != 2) return wrong();
      return in.field("maximum segment size", std::to_string(load_be<std::uint16_t>(data.data())));
    case 3:
      if (data.size() != 1) return wrong();
      return in.field("window scale", std::to_string(data[0]));
    case 4:
      if (!data.empty()) return wrong();
      return in.field("SACK permitted", "yes");
    case 5:
      if (data.empty() || data.size() % 8 != 0) return wrong();
      return in.field("SACK", sack_blocks(data));
    case 8:
      if (data.size() != 8) return wrong();
      return in.field("timestamps",
                      fmt::format("TSval {} TSecr {}", load_be<std::uint32_t>(data.data()),
                                  load_be<std::uint32_t>(data.data() + 4)));
    default:
      return in.field(fmt::format("option {}", kind), hex(data));
  }
}

void read_tcp_options(LayerReader& in, ByteView options) {
  ByteReader reader(options);
  while (reader.remaining() > 0) {
    const std::uint8_t kind = reader.u8();
    if (kind == 0) return;
    if (kind == 1) continue;
    const std::uint8_t length = reader.u8();
    const ByteView data = reader.take(length < 2 ? options.size() : length - 2U);
    if (!reader.ok()) return in.problem(fmt::format("option {} does not fit the header", kind));
    read_tcp_option(in, kind, data);
  }
}

struct TcpHeader {
  std::uint16_t source = 0;
  std::uint16_t target = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::size_t length = 0;
  std::uint8_t flags = 0;
  std::uint16_t window = 0;
  std::uint16_t checksum = 0;
};

TcpHeader read_tcp_fixed(LayerReader& in) {
  TcpHeader header;
  header.source = in.number<std::uint16_t>("source port");
  header.target = in.number<std::uint16_t>("destination port");
  header.sequence = in.number<std::uint32_t>("sequence number");
  header.acknowledgment = in.number<std::uint32_t>("acknowledgment number");
  const auto offset = in.read<std::uint8_t>(
      "data offset", [](std::uint8_t value) { return count_of((value >> 4) * 4U); });
  header.length = (offset >> 4) * 4U;
  header.flags = in.read<std::uint8_t>("flags", tcp_flags);
  header.window = in.number<std::uint16_t>("window");
  header.checksum = in.hex_number<std::uint16_t>("checksum");
  const auto urgent = in.number<std::uint16_t>("urgent pointer");
  static_cast<void>(urgent);
  return header;
}

std::string tcp_summary(const TcpHeader& header, std::size_t payload) {
  std::string text = fmt::format("TCP {} > {} {} seq {}", header.source, header.target,
                                 tcp_flags(header.flags), header.sequence);
  if ((header.flags & 0x10) != 0) text += fmt::format(" ack {}", header.acknowledgment);
  text += fmt::format(" win {}", header.window);
  if (payload > 0) text += fmt::format(" len {}", payload);
  return text;
}

// RFC 1035 4.2.2: messages with their lengths in front, as far as whole ones begin here. A segment
// may begin anywhere in the stream: what makes no sense is data.
void dissect_dns_stream(ByteView bytes, Dissection& out) {
  std::string messages;
  std::size_t count = 0;
  while (bytes.size() >= 2) {
    const std::size_t length = load_be<std::uint16_t>(bytes.data());
    if (length < kDnsHeader || length > bytes.size() - 2) break;
    Dissection message;
    dissect_dns(bytes.subspan(2, length), message);
    for (Layer& layer : message.layers)
      out.layers.push_back(std::move(layer));
    if (++count <= kMaxInSummary) messages += (messages.empty() ? "" : ", ") + message.summary;
    bytes = bytes.subspan(2 + length);
  }
  if (count > kMaxInSummary) messages += fmt::format(" and {} more", count - kMaxInSummary);
  if (count > 0) out.summary += fmt::format(" ({})", messages);
  dissect_data(bytes, out);
}

}  // namespace

void dissect_tcp(ByteView bytes, const Around& around, Dissection& out) {
  out.summary = "TCP";
  LayerReader in("TCP", bytes);
  in.may_end_anywhere(around.quoted && around.cut);
  const TcpHeader header = read_tcp_fixed(in);
  if (in.ok()) {
    if (header.length < kTcpHeader) in.problem("data offset is below 20 bytes");
    if (header.length > bytes.size() && !around.cut)
      in.problem("header is longer than the segment");
    if (header.length > kTcpHeader) read_tcp_options(in, in.take(header.length - kTcpHeader));
    if (!around.cut)
      in.judge_checksum(header.checksum, 16, bytes,
                        wire::Checksum::pseudo_header(around.source, around.target,
                                                      wire::IpProtocol::tcp, bytes.size()));
  }
  const bool whole = in.ok();
  const ByteView payload = in.rest();
  in.push_to(out);
  if (!whole) return;
  out.summary = tcp_summary(header, payload.size());
  if (header.source == kDns || header.target == kDns) return dissect_dns_stream(payload, out);
  dissect_data(payload, out);
}

}  // namespace pontoon::lab::layers
