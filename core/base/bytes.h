// Bounded cursors over bytes. Both have a sticky error: after the first access out of bounds every
// further read gives zeroes (every write nothing), so a parser checks `ok()` once, at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/base/endian.h"

namespace pontoon {

using ByteView = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Unchecked big-endian access for views that have validated their length.
template <class T>
T load_be(const std::uint8_t* from) noexcept {
  T raw;
  std::memcpy(&raw, from, sizeof raw);
  if constexpr (std::endian::native == std::endian::little) raw = byte_swap(raw);
  return raw;
}
template <class T>
void store_be(std::uint8_t* to, T value) noexcept {
  if constexpr (std::endian::native == std::endian::little) value = byte_swap(value);
  std::memcpy(to, &value, sizeof value);
}

class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) noexcept : bytes_(bytes) {}

  bool ok() const noexcept { return ok_; }
  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  ByteView all() const noexcept { return bytes_; }

  std::uint8_t u8() noexcept { return integer<std::uint8_t>(); }
  std::uint16_t u16() noexcept { return integer<std::uint16_t>(); }
  std::uint32_t u32() noexcept { return integer<std::uint32_t>(); }
  std::uint64_t u64() noexcept { return integer<std::uint64_t>(); }

  // `count` bytes, or an empty view and the error.
  ByteView take(std::size_t count) noexcept {
    if (!ok_ || count > remaining()) {
      fail();
      return {};
    }
    ByteView taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }
  ByteView rest() noexcept { return take(remaining()); }
  void skip(std::size_t count) noexcept { (void)take(count); }
  void seek(std::size_t position) noexcept {
    if (!ok_ || position > bytes_.size()) {
      fail();
    } else {
      position_ = position;
    }
  }
  void fail() noexcept {
    ok_ = false;
    position_ = bytes_.size();
  }

 private:
  template <class T>
  T integer() noexcept {
    ByteView taken = take(sizeof(T));
    return taken.empty() ? T{0} : load_be<T>(taken.data());
  }

  ByteView bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes bytes) noexcept : bytes_(bytes) {}

  bool ok() const noexcept { return ok_; }
  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return bytes_.size() - position_; }
  ByteView written() const noexcept { return bytes_.first(position_); }

  void u8(std::uint8_t value) noexcept { integer(value); }
  void u16(std::uint16_t value) noexcept { integer(value); }
  void u32(std::uint32_t value) noexcept { integer(value); }
  void u64(std::uint64_t value) noexcept { integer(value); }
  void bytes(ByteView data) noexcept {
    MutableBytes room = reserve(data.size());
    if (!room.empty()) std::memcpy(room.data(), data.data(), data.size());
  }
  void text(std::string_view data) noexcept { bytes(as_bytes(data)); }
  void fill(std::size_t count, std::uint8_t value) noexcept {
    MutableBytes room = reserve(count);
    if (!room.empty()) std::memset(room.data(), value, room.size());
  }
  // Room for `count` bytes to be filled in later (a length, a checksum); empty on overflow.
  MutableBytes reserve(std::size_t count) noexcept {
    if (!ok_ || count > remaining()) {
      ok_ = false;
      return {};
    }
    MutableBytes room = bytes_.subspan(position_, count);
    position_ += count;
    return room;
  }
  // Back to an earlier position; also clears the error, for "try, and truncate if it does not fit".
  void rewind(std::size_t position) noexcept {
    if (position <= position_) position_ = position;
    ok_ = true;
  }

 private:
  template <class T>
  void integer(T value) noexcept {
    MutableBytes room = reserve(sizeof(T));
    if (!room.empty()) store_be(room.data(), value);
  }

  MutableBytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace pontoon
