// The options of one received message, by code. Values that were split over several instances or
// areas are whole again (RFC 3396); everything lives on the stack.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/limits.h"

namespace pontoon::dhcp {

class OptionTable {
 public:
  // The three places where options may be: `options` behind the magic cookie, and, when option 52
  // says so, `file` and `sname`. nullopt when a length runs out of its area, option 52 is bad or
  // the areas are longer than a message may be.
  static std::optional<OptionTable> parse(ByteView options, ByteView file, ByteView sname) noexcept;

  // Empty when the option is absent or has no bytes.
  ByteView operator[](std::uint8_t code) const noexcept;

 private:
  struct Areas {
    std::array<ByteView, 3> views;
    std::size_t count = 0;
  };
  static std::optional<Areas> find_areas(ByteView options, ByteView file, ByteView sname) noexcept;
  bool count(const Areas& areas) noexcept;
  void copy(const Areas& areas) noexcept;

  // The value of code c is bytes_[start_[c], start_[c + 1]).
  std::array<std::uint16_t, 257> start_{};
  std::array<std::uint8_t, limits::kDhcpMessageBytes> bytes_;
};

}  // namespace pontoon::dhcp
