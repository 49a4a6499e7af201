#include "lab/replay/replay_timeline.h"

#include <fmt/format.h>

#include <limits>

#include "core/base/limits.h"

namespace pontoon::lab {
namespace {

constexpr std::int64_t kSlack = Duration(limits::kReplayClockSlack).count();
constexpr std::int64_t kGap = Duration(limits::kReplayGap).count();
constexpr std::int64_t kSpan = Duration(limits::kReplaySpan).count();

// Times of a file may be anything: at the ends of the range they stay there.
std::int64_t difference(std::int64_t left, std::int64_t right) noexcept {
  std::int64_t out = 0;
  if (!__builtin_sub_overflow(left, right, &out)) return out;
  return left < 0 ? std::numeric_limits<std::int64_t>::min()
                  : std::numeric_limits<std::int64_t>::max();
}

double seconds(std::int64_t nanoseconds) noexcept {
  return static_cast<double>(nanoseconds) / 1e9;
}

}  // namespace

std::optional<Instant> Timeline::at(std::int64_t time_ns, std::string& note) {
  const std::int64_t raw = difference(time_ns, first_ns_);
  std::int64_t position = difference(raw, shift_ns_);
  const std::int64_t step = difference(position, last_ns_);
  if (step < -kSlack) {
    note = fmt::format("the capture's clock goes back by {:.9f} s; times go on from there",
                       -seconds(step));
    position = last_ns_;
    shift_ns_ = difference(raw, position);
  } else if (step < 0) {
    note = fmt::format("{:.9f} s before an earlier packet; played with that one", -seconds(step));
    position = last_ns_;
  } else if (step > kGap) {
    position = last_ns_ + kGap;
    if (position <= kSpan) {
      note = fmt::format("{:.0f} s after the packet before it; played after {:.0f} s",
                         seconds(step), seconds(kGap));
      shift_ns_ = difference(raw, position);
    }
  }
  if (position > kSpan) return std::nullopt;
  last_ns_ = position;
  return start_ + Duration(position);
}

std::int64_t Timeline::time_of(Instant instant) const noexcept {
  std::int64_t out = 0;
  const std::int64_t since = (instant - start_).count();
  return __builtin_add_overflow(first_ns_, since, &out) ? std::numeric_limits<std::int64_t>::max()
                                                        : out;
}

}  // namespace pontoon::lab
