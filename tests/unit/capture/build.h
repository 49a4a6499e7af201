// Capture files built by hand, in either byte order, right or wrong on purpose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/capture/reader.h"

namespace pontoon::capture::test {

using Bytes = std::vector<std::uint8_t>;
enum class Order { big, little };

// Appends numbers in one byte order.
class Raw {
 public:
  explicit Raw(Order order) : order_(order) {}

  template <class T>
  Raw& number(T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
      const std::size_t shift = order_ == Order::big ? sizeof value - 1 - i : i;
      bytes.push_back(static_cast<std::uint8_t>(value >> (8 * shift)));
    }
    return *this;
  }
  Raw& u16(std::uint16_t value) { return number(value); }
  Raw& u32(std::uint32_t value) { return number(value); }
  Raw& u64(std::uint64_t value) { return number(value); }
  Raw& add(ByteView more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return *this;
  }
  Raw& add(const Raw& more) { return add(more.bytes); }
  Raw& pad() {
    bytes.resize((bytes.size() + 3) / 4 * 4);
    return *this;
  }
  // A pcapng option.
  Raw& option(std::uint16_t code, ByteView value) {
    return u16(code).u16(static_cast<std::uint16_t>(value.size())).add(value).pad();
  }
  Raw& option(std::uint16_t code, std::string_view text) { return option(code, as_bytes(text)); }

  Bytes bytes;

 private:
  Order order_;
};

// A pcapng block around its body.
inline Raw block(Order order, std::uint32_t type, const Raw& body) {
  const auto length = static_cast<std::uint32_t>(body.bytes.size() + 12);
  Raw raw(order);
  raw.u32(type).u32(length).add(body).u32(length);
  return raw;
}

inline Raw section(Order order) {
  return block(order, 0x0a0d0d0a, Raw(order).u32(0x1a2b3c4d).u16(1).u16(0).u64(~std::uint64_t{0}));
}

inline Raw interface(Order order, std::uint16_t type = 1, std::uint32_t snap = 0,
                     const Raw* options = nullptr) {
  Raw body(order);
  body.u16(type).u16(0).u32(snap);
  if (options != nullptr) body.add(*options);
  return block(order, 1, body);
}

inline Raw packet(Order order, std::uint32_t index, std::uint64_t ticks, ByteView bytes,
                  std::optional<std::uint32_t> original = {}, const Raw* options = nullptr) {
  Raw body(order);
  body.u32(index)
      .u32(static_cast<std::uint32_t>(ticks >> 32))
      .u32(static_cast<std::uint32_t>(ticks));
  body.u32(static_cast<std::uint32_t>(bytes.size()));
  body.u32(original.value_or(static_cast<std::uint32_t>(bytes.size()))).add(bytes).pad();
  if (options != nullptr) body.add(*options);
  return block(order, 6, body);
}

inline Raw pcap_header(Order order, std::uint32_t magic, std::uint32_t link = 1) {
  return Raw(order).u32(magic).u16(2).u16(4).u32(0).u32(0).u32(65535).u32(link);
}

inline Raw pcap_record(Order order, std::uint32_t seconds, std::uint32_t ticks, ByteView bytes,
                       std::optional<std::uint32_t> original = {}) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  return Raw(order).u32(seconds).u32(ticks).u32(size).u32(original.value_or(size)).add(bytes);
}

// Everything that a reader has to say.
struct Content {
  std::string error;  // of open()
  std::vector<Interface> interfaces;
  std::vector<Packet> packets;
  std::string problem;
};

inline Content read(ByteView file) {
  Content content;
  auto reader = Reader::open(file);
  if (!reader) {
    content.error = reader.error().message;
    return content;
  }
  while (auto packet = (*reader)->next())
    content.packets.push_back(std::move(*packet));
  content.interfaces = (*reader)->interfaces();
  content.problem = (*reader)->problem();
  return content;
}

}  // namespace pontoon::capture::test
