// A capture's clock: what if_tsresol and if_tsoffset say about the numbers in its packets.
#pragma once

#include <cstdint>

namespace pontoon::capture {

class TimeScale {
 public:
  TimeScale() = default;  // microseconds, as when a file says nothing
  // if_tsresol: a negative power of ten, or of two where the highest bit is set.
  void set_resolution(std::uint8_t code) noexcept { resolution_ = code; }
  // if_tsoffset: seconds to add.
  void set_offset(std::int64_t seconds) noexcept { offset_s_ = seconds; }

  // Nanoseconds since 1970, never before and never beyond what fits (the year 2262).
  std::int64_t nanoseconds(std::uint64_t ticks) const noexcept;

 private:
  std::uint8_t resolution_ = 6;
  std::int64_t offset_s_ = 0;
};

}  // namespace pontoon::capture
