#include "dhcp/message.h"

#include <algorithm>
#include <array>

#include "core/base/limits.h"
#include "dhcp/option_table.h"

namespace pontoon::dhcp {
namespace {

// RFC 2131 2, figure 1.
constexpr std::size_t kFixedBytes = 236;
constexpr std::size_t kOptionsOffset = kFixedBytes + 4;
constexpr std::size_t kSnameBytes = 64;
constexpr std::size_t kFileBytes = 128;
constexpr std::uint8_t kBootRequest = 1;
constexpr std::uint8_t kBootReply = 2;
constexpr std::uint8_t kEthernet = 1;
constexpr std::uint16_t kBroadcastFlag = 0x8000;
constexpr std::uint32_t kMagicCookie = 0x63825363;
// RFC 1542 2.1: a BOOTP message has at least 300 bytes.
constexpr std::size_t kMinimumBytes = 300;

Ipv4Address read_address(ByteReader& reader) {
  return {reader.u32()};
}

// Reads options out of the table into the fields of a Message; remembers what did not fit.
class OptionReader {
 public:
  explicit OptionReader(const OptionTable& table) noexcept : table_(table) {}

  bool ok() const noexcept { return ok_; }

  template <class T>
  std::optional<T> integer(OptionCode code) noexcept {
    const ByteView value = find(code);
    if (value.empty()) return std::nullopt;
    if (value.size() != sizeof(T)) {
      ok_ = false;
      return std::nullopt;
    }
    return load_be<T>(value.data());
  }
  std::optional<Ipv4Address> address(OptionCode code) noexcept {
    const auto value = integer<std::uint32_t>(code);
    return value ? std::optional(Ipv4Address{*value}) : std::nullopt;
  }
  std::vector<Ipv4Address> addresses(OptionCode code) {
    const ByteView value = find(code);
    if (value.size() % 4 != 0) ok_ = false;
    std::vector<Ipv4Address> out;
    for (std::size_t at = 0; ok_ && at < value.size(); at += 4)
      out.push_back({load_be<std::uint32_t>(value.data() + at)});
    return out;
  }
  std::vector<std::uint8_t> bytes(OptionCode code) {
    const ByteView value = find(code);
    return {value.begin(), value.end()};
  }
  std::string text(OptionCode code) { return std::string(as_text(find(code))); }

 private:
  ByteView find(OptionCode code) const noexcept { return table_[static_cast<std::uint8_t>(code)]; }

  const OptionTable& table_;
  bool ok_ = true;
};

bool read_options(const OptionTable& table, Message& message) {
  OptionReader read(table);
  const auto type = read.integer<std::uint8_t>(OptionCode::message_type);
  if (!type || *type < 1 || *type > 8) return false;
  message.type = static_cast<MessageType>(*type);
  message.subnet_mask = read.address(OptionCode::subnet_mask);
  message.routers = read.addresses(OptionCode::routers);
  message.dns_servers = read.addresses(OptionCode::dns_servers);
  message.host_name = read.text(OptionCode::host_name);
  message.domain_name = read.text(OptionCode::domain_name);
  message.interface_mtu = read.integer<std::uint16_t>(OptionCode::interface_mtu);
  message.broadcast_address = read.address(OptionCode::broadcast_address);
  message.requested_address = read.address(OptionCode::requested_address);
  message.lease_time_s = read.integer<std::uint32_t>(OptionCode::lease_time);
  message.server_identifier = read.address(OptionCode::server_identifier);
  message.parameter_requests = read.bytes(OptionCode::parameter_requests);
  message.maximum_message_size = read.integer<std::uint16_t>(OptionCode::maximum_message_size);
  message.renewal_time_s = read.integer<std::uint32_t>(OptionCode::renewal_time);
  message.rebinding_time_s = read.integer<std::uint32_t>(OptionCode::rebinding_time);
  message.client_identifier = read.bytes(OptionCode::client_identifier);
  message.relay_agent_information = read.bytes(OptionCode::relay_agent_information);
  return read.ok();
}

// The options of one message as they will be sent: values in one buffer, in the order in which they
// were added.
class OptionList {
 public:
  struct Item {
    std::uint8_t code = 0;
    std::size_t begin = 0;
    std::size_t size = 0;
    std::size_t rank = 0;  // 0 is the most important
  };

  explicit OptionList(const Message& message);

  void sort(ByteView preferred);
  const std::vector<Item>& items() const noexcept { return items_; }
  ByteView value(const Item& item) const noexcept {
    return ByteView(values_).subspan(item.begin, item.size);
  }
  // RFC 3396: more than 255 bytes go out as several instances.
  static std::size_t wire_size(const Item& item) noexcept {
    return item.size + 2 * ((item.size + 254) / 255);
  }

 private:
  void add(OptionCode code, ByteView value) {
    if (value.empty()) return;
    items_.push_back({static_cast<std::uint8_t>(code), values_.size(), value.size(), 0});
    values_.insert(values_.end(), value.begin(), value.end());
  }
  template <class T>
  void add_integer(OptionCode code, T value) {
    std::array<std::uint8_t, sizeof(T)> bytes{};
    store_be(bytes.data(), value);
    add(code, bytes);
  }
  template <class T>
  void add_integer(OptionCode code, const std::optional<T>& value) {
    if (value) add_integer(code, *value);
  }
  void add_address(OptionCode code, const std::optional<Ipv4Address>& value) {
    if (value) add_integer(code, value->value);
  }
  void add_addresses(OptionCode code, const std::vector<Ipv4Address>& list) {
    std::vector<std::uint8_t> bytes(list.size() * 4);
    for (std::size_t i = 0; i < list.size(); ++i)
      store_be(bytes.data() + i * 4, list[i].value);
    add(code, bytes);
  }

  std::vector<Item> items_;
  std::vector<std::uint8_t> values_;
};

OptionList::OptionList(const Message& message) {
  items_.reserve(18);
  values_.reserve(256);
  add_integer(OptionCode::message_type, static_cast<std::uint8_t>(message.type));
  add_address(OptionCode::server_identifier, message.server_identifier);
  add_integer(OptionCode::lease_time, message.lease_time_s);
  add(OptionCode::client_identifier, message.client_identifier);
  add_address(OptionCode::requested_address, message.requested_address);
  add_address(OptionCode::subnet_mask, message.subnet_mask);
  add_addresses(OptionCode::routers, message.routers);
  add_addresses(OptionCode::dns_servers, message.dns_servers);
  add_integer(OptionCode::renewal_time, message.renewal_time_s);
  add_integer(OptionCode::rebinding_time, message.rebinding_time_s);
  add_integer(OptionCode::interface_mtu, message.interface_mtu);
  add_address(OptionCode::broadcast_address, message.broadcast_address);
  add(OptionCode::domain_name, as_bytes(message.domain_name));
  add(OptionCode::host_name, as_bytes(message.host_name));
  add_integer(OptionCode::maximum_message_size, message.maximum_message_size);
  add(OptionCode::parameter_requests, message.parameter_requests);
  add(OptionCode::relay_agent_information, message.relay_agent_information);
}

bool always_first(std::uint8_t code) noexcept {
  switch (static_cast<OptionCode>(code)) {
    case OptionCode::message_type:
    case OptionCode::server_identifier:
    case OptionCode::lease_time:
    case OptionCode::client_identifier:
      return true;
    default:
      return false;
  }
}

void OptionList::sort(ByteView preferred) {
  constexpr std::size_t kUnlisted = 1000;
  constexpr auto kMask = static_cast<std::uint8_t>(OptionCode::subnet_mask);
  constexpr auto kRouters = static_cast<std::uint8_t>(OptionCode::routers);
  const auto place = [&](std::uint8_t code) {
    const auto at = std::find(preferred.begin(), preferred.end(), code);
    return at == preferred.end() ? kUnlisted : 1 + static_cast<std::size_t>(at - preferred.begin());
  };
  for (Item& item : items_) {
    if (always_first(item.code)) {
      item.rank = 0;
    } else if (static_cast<OptionCode>(item.code) == OptionCode::relay_agent_information) {
      item.rank = kUnlisted + 1;
    } else {
      item.rank = place(item.code);
      // RFC 2132 3.3: "If both the subnet mask and the router option are specified in a DHCP reply,
      // the subnet mask option MUST be first."
      if (item.code == kMask) item.rank = std::min(item.rank, place(kRouters));
    }
  }
  std::stable_sort(items_.begin(), items_.end(),
                   [](const Item& left, const Item& right) { return left.rank < right.rank; });
}

// Where the options go: all into the options field, or spread over three fields.
struct Area {
  MutableBytes bytes;  // with room for END
  std::size_t used = 0;

  bool fits(const OptionList::Item& item) const noexcept {
    return used + OptionList::wire_size(item) + 1 <= bytes.size();
  }
  // Bytes of one value that would fit.
  std::size_t room() const noexcept {
    const std::size_t left = bytes.size() - used - 1;
    return left / 257 * 255 + std::max<std::size_t>(left % 257, 2) - 2;
  }
  void put(std::uint8_t code, ByteView value) noexcept {
    ByteWriter writer(bytes.subspan(used));
    for (std::size_t at = 0; at < value.size(); at += 255) {
      const ByteView piece = value.subspan(at, std::min<std::size_t>(255, value.size() - at));
      writer.u8(code);
      writer.u8(static_cast<std::uint8_t>(piece.size()));
      writer.bytes(piece);
    }
    used += writer.position();
  }
  void end() noexcept { bytes[used++] = static_cast<std::uint8_t>(OptionCode::end); }
};

using Areas = std::array<Area, 3>;

// What a reply must repeat whole. It may be as long as the client likes.
bool may_be_cut_up(std::uint8_t code) noexcept {
  return code == static_cast<std::uint8_t>(OptionCode::client_identifier) ||
         code == static_cast<std::uint8_t>(OptionCode::relay_agent_information);
}

// RFC 3396 7: a value that fits no area whole goes on in the next one. Returns the areas' bits.
std::uint8_t put_in_pieces(std::uint8_t code, ByteView value, Areas& areas) noexcept {
  std::uint8_t overload = 0;
  if (areas[0].room() + areas[1].room() + areas[2].room() < value.size()) return overload;
  for (std::size_t i = 0; i < areas.size() && !value.empty(); ++i) {
    const std::size_t size = std::min(areas[i].room(), value.size());
    if (size == 0) continue;
    areas[i].put(code, value.first(size));
    value = value.subspan(size);
    overload = static_cast<std::uint8_t>(overload | i);
  }
  return overload;
}

// Puts each option into the first area that has room for it. Returns the value of option 52: which
// of `file` (1) and `sname` (2) were used.
std::uint8_t spread(const OptionList& list, Areas& areas) noexcept {
  std::uint8_t overload = 0;
  for (const OptionList::Item& item : list.items()) {
    std::size_t i = 0;
    while (i < areas.size() && !areas[i].fits(item))
      ++i;
    if (i < areas.size()) {
      areas[i].put(item.code, list.value(item));
      overload = static_cast<std::uint8_t>(overload | i);  // 0, 1 and 2 are the areas' bits
    } else if (may_be_cut_up(item.code)) {
      const auto bits = put_in_pieces(item.code, list.value(item), areas);
      overload = static_cast<std::uint8_t>(overload | bits);
    }
  }
  return overload;
}

void write_fixed(const Message& message, ByteWriter& writer) {
  writer.u8(message.from_client ? kBootRequest : kBootReply);
  writer.u8(kEthernet);
  writer.u8(MacAddress::size);
  writer.u8(message.hops);
  writer.u32(message.xid);
  writer.u16(message.secs);
  writer.u16(static_cast<std::uint16_t>((message.broadcast ? kBroadcastFlag : 0) |
                                        (message.reserved_flags & ~kBroadcastFlag)));
  writer.u32(message.ciaddr.value);
  writer.u32(message.yiaddr.value);
  writer.u32(message.siaddr.value);
  writer.u32(message.giaddr.value);
  writer.bytes(message.chaddr.octets);
  writer.bytes(message.chaddr_rest);
  writer.fill(kSnameBytes + kFileBytes, 0);
  writer.u32(kMagicCookie);
}

}  // namespace

std::optional<Message> Message::parse(ByteView payload) {
  if (payload.size() < kOptionsOffset || payload.size() > limits::kDhcpMessageBytes) {
    return std::nullopt;
  }
  ByteReader reader(payload);
  Message message;
  const std::uint8_t op = reader.u8();
  if (op != kBootRequest && op != kBootReply) return std::nullopt;
  if (reader.u8() != kEthernet || reader.u8() != MacAddress::size) return std::nullopt;
  message.from_client = op == kBootRequest;
  message.hops = reader.u8();
  message.xid = reader.u32();
  message.secs = reader.u16();
  const std::uint16_t flags = reader.u16();
  message.broadcast = (flags & kBroadcastFlag) != 0;
  message.reserved_flags = static_cast<std::uint16_t>(flags & ~kBroadcastFlag);
  message.ciaddr = read_address(reader);
  message.yiaddr = read_address(reader);
  message.siaddr = read_address(reader);
  message.giaddr = read_address(reader);
  message.chaddr = MacAddress::from(reader.take(MacAddress::size));
  const ByteView rest = reader.take(message.chaddr_rest.size());
  std::copy(rest.begin(), rest.end(), message.chaddr_rest.begin());
  const ByteView sname = reader.take(kSnameBytes);
  const ByteView file = reader.take(kFileBytes);
  if (reader.u32() != kMagicCookie) return std::nullopt;
  const std::optional<OptionTable> table = OptionTable::parse(reader.rest(), file, sname);
  if (!table || !read_options(*table, message)) return std::nullopt;
  return message;
}

std::vector<std::uint8_t> Message::emit(std::size_t limit, ByteView preferred) const {
  constexpr std::size_t kOverloadBytes = 3;
  limit = std::max(limit, kOptionsOffset + kOverloadBytes + 1);
  OptionList list(*this);
  list.sort(preferred);
  std::size_t needed = 1;
  for (const OptionList::Item& item : list.items())
    needed += OptionList::wire_size(item);

  std::vector<std::uint8_t> out(std::max(kMinimumBytes, std::min(limit, kOptionsOffset + needed)));
  if (limit < kMinimumBytes) out.resize(limit);
  ByteWriter writer(out);
  write_fixed(*this, writer);
  const MutableBytes all = MutableBytes(out);
  Area options{all.subspan(kOptionsOffset)};
  if (needed <= options.bytes.size()) {
    for (const OptionList::Item& item : list.items())
      options.put(item.code, list.value(item));
    options.end();
    return out;
  }
  Areas areas{Area{options.bytes.first(options.bytes.size() - kOverloadBytes)},
              Area{all.subspan(kFixedBytes - kFileBytes, kFileBytes)},
              Area{all.subspan(kFixedBytes - kFileBytes - kSnameBytes, kSnameBytes)}};
  const std::uint8_t overload = spread(list, areas);
  areas[0].bytes = options.bytes;
  if (overload != 0) areas[0].put(static_cast<std::uint8_t>(OptionCode::overload), {&overload, 1});
  areas[0].end();
  if ((overload & 1) != 0) areas[1].end();
  if ((overload & 2) != 0) areas[2].end();
  return out;
}

std::size_t reply_limit(const Message& request, std::uint16_t mtu) noexcept {
  constexpr std::size_t kHeaders = 20 + 8;
  // RFC 2132 9.10: "The minimum legal value is 576 octets."
  const std::size_t datagram = std::max<std::size_t>(576, request.maximum_message_size.value_or(0));
  return std::min({datagram, std::max<std::size_t>(mtu, 576), limits::kDhcpMessageBytes}) -
         kHeaders;
}

}  // namespace pontoon::dhcp
