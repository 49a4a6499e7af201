// A bounded reader of numbers whose byte order the file itself decides. Sticky error, as
// ByteReader.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace pontoon::capture {

enum class ByteOrder : std::uint8_t { big, little };

class OrderedReader {
 public:
  OrderedReader(ByteView bytes, ByteOrder order) noexcept : bytes_(bytes), order_(order) {}

  bool ok() const noexcept { return bytes_.ok(); }
  std::size_t remaining() const noexcept { return bytes_.remaining(); }
  std::uint16_t u16() noexcept { return ordered(bytes_.u16()); }
  std::uint32_t u32() noexcept { return ordered(bytes_.u32()); }
  std::uint64_t u64() noexcept { return ordered(bytes_.u64()); }
  ByteView take(std::size_t count) noexcept { return bytes_.take(count); }
  ByteView rest() noexcept { return bytes_.rest(); }
  void skip(std::size_t count) noexcept { bytes_.skip(count); }

 private:
  template <class T>
  T ordered(T value) const noexcept {
    return order_ == ByteOrder::big ? value : byte_swap(value);
  }

  ByteReader bytes_;
  ByteOrder order_;
};

}  // namespace pontoon::capture
