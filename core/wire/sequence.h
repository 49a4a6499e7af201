// TCP sequence numbers: modulo 2^32, compared by the sign of their difference (RFC 9293 3.4).
#pragma once

#include <cstdint>

namespace pontoon::wire {

// Comparisons are meaningful for numbers less than 2^31 apart; they are no total order, which is
// why there is no operator<=> and no hash by order.
struct TcpSequence {
  std::uint32_t value = 0;

  friend constexpr bool operator==(TcpSequence, TcpSequence) = default;
  // How far `left` is ahead of `right`; negative when behind.
  friend constexpr std::int32_t operator-(TcpSequence left, TcpSequence right) noexcept {
    return static_cast<std::int32_t>(left.value - right.value);
  }
  friend constexpr bool operator<(TcpSequence left, TcpSequence right) noexcept {
    return left - right < 0;
  }
  friend constexpr bool operator<=(TcpSequence left, TcpSequence right) noexcept {
    return left - right <= 0;
  }
  friend constexpr bool operator>(TcpSequence left, TcpSequence right) noexcept {
    return left - right > 0;
  }
  friend constexpr bool operator>=(TcpSequence left, TcpSequence right) noexcept {
    return left - right >= 0;
  }
  friend constexpr TcpSequence operator+(TcpSequence from, std::uint32_t count) noexcept {
    return {from.value + count};
  }
  friend constexpr TcpSequence operator-(TcpSequence from, std::uint32_t count) noexcept {
    return {from.value - count};
  }
  constexpr TcpSequence& operator+=(std::uint32_t count) noexcept {
    value += count;
    return *this;
  }
  constexpr TcpSequence& operator-=(std::uint32_t count) noexcept {
    value -= count;
    return *this;
  }
};

// Whether `point` lies in [begin, begin + length), for any length.
constexpr bool in_window(TcpSequence point, TcpSequence begin, std::uint32_t length) noexcept {
  return point.value - begin.value < length;
}

constexpr TcpSequence later(TcpSequence left, TcpSequence right) noexcept {
  return left < right ? right : left;
}
constexpr TcpSequence earlier(TcpSequence left, TcpSequence right) noexcept {
  return right < left ? right : left;
}

}  // namespace pontoon::wire
