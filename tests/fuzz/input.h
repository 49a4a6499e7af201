// What every fuzz target needs: an input taken apart into choices, and oracles that end the process
// so that the fuzzer keeps the input.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/base/bytes.h"

namespace pontoon::fuzz {

[[noreturn]] inline void broken(const char* file, int line, const char* what) {
  std::fprintf(stderr, "%s:%d: oracle broken: %s\n", file, line, what);
  std::abort();
}

// `condition` holds for every input whatsoever.
#define ORACLE(condition, what) \
  (static_cast<bool>(condition) ? void() : ::pontoon::fuzz::broken(__FILE__, __LINE__, what))

// Reads past the end give zeroes, so that every prefix of an input means something.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) noexcept : bytes_(data, size) {}

  bool empty() const noexcept { return bytes_.empty(); }
  std::uint8_t u8() noexcept { return take(1).empty() ? std::uint8_t{0} : last_; }
  std::uint16_t u16() noexcept {
    const unsigned high = u8();
    return static_cast<std::uint16_t>((high << 8) | u8());
  }
  std::uint32_t u32() noexcept {
    const std::uint32_t high = u16();
    return (high << 16) | u16();
  }
  bool flag() noexcept { return (u8() & 1) != 0; }
  // In [0, bound); bound is 1 to 256.
  unsigned below(unsigned bound) noexcept { return u8() % bound; }
  // As many of `count` bytes as there are.
  ByteView take(std::size_t count) noexcept {
    const ByteView taken = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    if (!taken.empty()) last_ = taken.back();
    return taken;
  }
  // Bytes behind their own length, which is 16 bits.
  ByteView block() noexcept { return take(u16()); }
  ByteView rest() noexcept { return take(bytes_.size()); }

 private:
  ByteView bytes_;
  std::uint8_t last_ = 0;
};

}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
