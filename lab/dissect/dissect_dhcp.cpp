// DHCP messages (RFC 2131 2) as fields: what the header says, then the options in the order in
// which they come, those in `file` and `sname` behind them where option 52 says so.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <vector>

#include "lab/dissect/dissect_layers.h"

namespace pontoon::lab::layers {
namespace {

constexpr std::uint32_t kMagicCookie = 0x63825363;
constexpr std::uint8_t kPad = 0;
constexpr std::uint8_t kOverload = 52;
constexpr std::uint8_t kType = 53;
constexpr std::uint8_t kEnd = 255;

struct Option {
  std::uint8_t code = 0;
  std::vector<std::uint8_t> value;  // of all its instances (RFC 3396)
  unsigned instances = 1;
};

// What the walk over the option areas found.
class OptionList {
 public:
  explicit OptionList(LayerReader& in) : in_(in) {}

  void add_area(ByteView area, std::string_view name) {
    ByteReader reader(area);
    while (reader.remaining() > 0) {
      const std::uint8_t code = reader.u8();
      if (code == kPad) continue;
      if (code == kEnd) return;
      if (reader.remaining() == 0)
        return in_.problem(fmt::format("option {} in {} has no length", code, name));
      const std::size_t length = reader.u8();
      if (length > reader.remaining()) {
        in_.problem(fmt::format("option {} in {} says {}, but {} are there", code, name,
                                count_of(length), count_of(reader.remaining())));
        return add(code, reader.rest());
      }
      add(code, reader.take(length));
    }
    in_.problem(fmt::format("no END in {}", name));
  }

  const Option* find(std::uint8_t code) const noexcept {
    const auto found = std::find_if(options_.begin(), options_.end(),
                                    [&](const Option& option) { return option.code == code; });
    return found == options_.end() ? nullptr : &*found;
  }
  std::optional<Ipv4Address> address(std::uint8_t code) const {
    const Option* option = find(code);
    if (option == nullptr || option->value.size() < 4) return std::nullopt;
    return Ipv4Address::from(ByteView(option->value).first(4));
  }
  const std::vector<Option>& all() const noexcept { return options_; }

 private:
  void add(std::uint8_t code, ByteView value) {
    for (Option& option : options_) {
      if (option.code != code) continue;
      option.value.insert(option.value.end(), value.begin(), value.end());
      ++option.instances;
      return;
    }
    options_.push_back({code, {value.begin(), value.end()}, 1});
  }

  LayerReader& in_;
  std::vector<Option> options_;
};

struct Header {
  std::uint8_t op = 0;
  Ipv4Address ciaddr;
  Ipv4Address yiaddr;
  ByteView sname;
  ByteView file;
};

ByteView text_before_zero(ByteView bytes) {
  return bytes.first(static_cast<std::size_t>(
      std::find(bytes.begin(), bytes.end(), std::uint8_t{0}) - bytes.begin()));
}

Header read_header(LayerReader& in) {
  Header header;
  header.op = in.read<std::uint8_t>("op", [](std::uint8_t value) {
    return value == 1 ? "1 BOOTREQUEST" : value == 2 ? "2 BOOTREPLY" : std::to_string(value);
  });
  const auto hardware = in.number<std::uint8_t>("htype");
  const auto length = in.number<std::uint8_t>("hlen");
  in.number<std::uint8_t>("hops");
  in.hex_number<std::uint32_t>("xid");
  in.number<std::uint16_t>("secs");
  in.read<std::uint16_t>("flags", [](std::uint16_t value) {
    return value == 0 ? "none" : value == 0x8000 ? "broadcast" : hex_number(value, 4);
  });
  header.ciaddr = in.ipv4("ciaddr");
  header.yiaddr = in.ipv4("yiaddr");
  in.ipv4("siaddr");
  in.ipv4("giaddr");
  if (!in.ok()) return header;
  const ByteView chaddr = in.take(16);
  in.field("chaddr", hardware == 1 && length == 6 && chaddr.size() >= 6
                         ? MacAddress::from(chaddr.first(6)).to_string()
                         : hex(chaddr));
  header.sname = in.take(64);
  header.file = in.take(128);
  return header;
}

void read_areas(OptionList& options, ByteView area, const Header& header, LayerReader& in) {
  options.add_area(area, "options");
  const Option* overload = options.find(kOverload);
  const unsigned where =
      overload != nullptr && !overload->value.empty() ? overload->value.front() : 0;
  if ((where & 1) != 0) {
    options.add_area(header.file, "file");
  } else {
    in.field("file", quoted(text_before_zero(header.file)));
  }
  if ((where & 2) != 0) {
    options.add_area(header.sname, "sname");
  } else {
    in.field("sname", quoted(text_before_zero(header.sname)));
  }
}

void append_time(std::string& text, const OptionList& options) {
  const auto lease = options.address(51);  // four bytes as well
  if (!lease) return;
  if (lease->is_broadcast()) {
    text += " lease forever";
  } else {
    text += fmt::format(" lease {} s", lease->value);
  }
}

std::string reply_summary(const Header& header, const OptionList& options, std::uint8_t type) {
  std::string text;
  if (!header.yiaddr.is_any()) text += ' ' + header.yiaddr.to_string();
  if (type == 5 && header.yiaddr.is_any() && !header.ciaddr.is_any())
    text += ' ' + header.ciaddr.to_string();
  if (const auto mask = options.address(1)) {
    text += " mask ";
    const std::string shown = dhcp_option_text(1, ByteView(mask->bytes()));
    const std::size_t slash = shown.find('/');
    text += slash == std::string::npos ? shown : shown.substr(slash, shown.size() - slash - 1);
  }
  if (const auto router = options.address(3)) text += " router " + router->to_string();
  append_time(text, options);
  if (const Option* message = options.find(56)) text += ' ' + quoted(message->value);
  return text;
}

std::string request_summary(const Header& header, const OptionList& options) {
  std::string text;
  if (const auto wanted = options.address(50)) text += ' ' + wanted->to_string();
  if (!header.ciaddr.is_any()) text += " ciaddr " + header.ciaddr.to_string();
  if (const auto server = options.address(54)) text += " server " + server->to_string();
  if (const Option* name = options.find(12))
    text += " name " +
            escaped(ByteView(name->value).first(std::min<std::size_t>(name->value.size(), 64)));
  return text;
}

}  // namespace

void dissect_dhcp(ByteView bytes, Dissection& out) {
  LayerReader in("DHCP", bytes);
  out.summary = "DHCP";
  const Header header = read_header(in);
  if (!in.ok()) return in.push_to(out);
  out.summary = header.op == 1 ? "BOOTP request" : "BOOTP reply";
  const auto cookie = in.hex_number<std::uint32_t>("magic cookie");
  if (!in.ok()) return in.push_to(out);
  if (cookie != kMagicCookie) {
    in.problem("not DHCP's magic cookie");
    in.field("vendor area", hex(in.rest()));
    return in.push_to(out);
  }
  OptionList options(in);
  read_areas(options, in.rest(), header, in);
  for (const Option& option : options.all()) {
    std::string value = dhcp_option_text(option.code, option.value);
    if (option.instances > 1) value += fmt::format(" (in {} parts)", option.instances);
    in.field(fmt::format("{} ({})", dhcp_option_name(option.code), option.code), std::move(value));
  }
  if (const Option* type = options.find(kType); type != nullptr && !type->value.empty()) {
    out.summary = "DHCP " + dhcp_type_name(type->value.front());
    out.summary += header.op == 1 ? request_summary(header, options)
                                  : reply_summary(header, options, type->value.front());
  }
  in.push_to(out);
}

}  // namespace pontoon::lab::layers
