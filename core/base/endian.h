// Integers in network byte order. The order is part of the type: a be16 cannot be mistaken for a
// number, and a conversion is always visible.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

namespace pontoon {

template <std::unsigned_integral T>
constexpr T byte_swap(T value) noexcept {
  if constexpr (sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
}

template <std::unsigned_integral T>
class BigEndian {
 public:
  constexpr BigEndian() = default;
  constexpr explicit BigEndian(T host) noexcept : raw_(swap(host)) {}
  constexpr T host() const noexcept { return swap(raw_); }
  // The value as it lies in memory, for system calls that want network order.
  constexpr T raw() const noexcept { return raw_; }
  friend constexpr bool operator==(BigEndian, BigEndian) = default;

 private:
  static constexpr T swap(T value) noexcept {
    if constexpr (std::endian::native == std::endian::little) return byte_swap(value);
    return value;
  }
  T raw_ = 0;
};

using be16 = BigEndian<std::uint16_t>;
using be32 = BigEndian<std::uint32_t>;
using be64 = BigEndian<std::uint64_t>;

}  // namespace pontoon
