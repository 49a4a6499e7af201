#include "core/capture/time_scale.h"

#include <algorithm>
#include <limits>

namespace pontoon::capture {
namespace {

constexpr std::uint64_t kBillion = 1'000'000'000;
constexpr std::int64_t kMostSeconds = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;

struct Split {
  std::uint64_t seconds = 0;
  std::uint64_t nanoseconds = 0;
};

// Beyond 10^19 a tick no longer fits 64 bits: such a clock has not reached its first second.
Split split_decimal(std::uint64_t ticks, unsigned exponent) noexcept {
  std::uint64_t per_second = 1;
  for (unsigned i = 0; i < std::min(exponent, 19U); ++i)
    per_second *= 10;
  for (unsigned i = 19; i < exponent && ticks != 0; ++i)
    ticks /= 10;
  const std::uint64_t fraction = ticks % per_second;
  return {ticks / per_second, per_second > kBillion ? fraction / (per_second / kBillion)
                                                    : fraction * (kBillion / per_second)};
}

Split split_binary(std::uint64_t ticks, unsigned exponent) noexcept {
  constexpr unsigned kKept = 32;  // bits of a fraction: times 10^9 they still fit 64
  if (exponent == 0) return {ticks, 0};
  const std::uint64_t seconds = exponent < 64 ? ticks >> exponent : 0;
  std::uint64_t fraction = exponent < 64 ? ticks & ((std::uint64_t{1} << exponent) - 1) : ticks;
  if (exponent <= kKept) return {seconds, (fraction * kBillion) >> exponent};
  const unsigned surplus = exponent - kKept;
  fraction = surplus < 64 ? fraction >> surplus : 0;
  return {seconds, (fraction * kBillion) >> kKept};
}

}  // namespace

std::int64_t TimeScale::nanoseconds(std::uint64_t ticks) const noexcept {
  constexpr std::uint8_t kBinary = 0x80;
  const unsigned exponent = resolution_ & 0x7fU;
  const Split split =
      (resolution_ & kBinary) != 0 ? split_binary(ticks, exponent) : split_decimal(ticks, exponent);
  const auto seconds =
      static_cast<std::int64_t>(std::min<std::uint64_t>(split.seconds, kMostSeconds));
  // Both summands are bounded, so that their sum cannot overflow.
  const std::int64_t sum = seconds + std::clamp(offset_s_, -kMostSeconds, kMostSeconds);
  if (sum < 0) return 0;
  return std::min(sum, kMostSeconds) * static_cast<std::int64_t>(kBillion) +
         static_cast<std::int64_t>(split.nanoseconds);
}

}  // namespace pontoon::capture
