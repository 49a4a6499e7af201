// What a bad link does to frames, as people write it.
//
//   delay=20ms±5        or delay=20ms~5ms: each frame waits so long, evenly spread around the mean;
//                       order is kept
//   loss=1%  burst=4    independent losses, or (with burst) in runs of 4 on average (Gilbert)
//   duplicate=0.5%      the frame comes twice
//   reorder=2%          the frame skips the delay (or, without a delay, is held back for 1 ms)
//   corrupt=0.1%        one random bit of the payload flips after the checksum was made
//   rate=10mbit         what the link carries, with a queue of queue=N frames (default 100)
//   partition           nothing passes
//   for=5s              the rule ends by itself
//
// Percentages are 0 to 100 with up to four decimals; durations us, ms, s; rates bit, kbit, mbit,
// gbit. A super-frame is cut into its segments first, so that a loss is one packet's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"

namespace pontoon {

// Millionths: 10'000 is 1 %.
using Share = std::uint32_t;
inline constexpr Share kAlways = 1'000'000;

struct Impairment {
  Duration delay{};
  Duration jitter{};  // at most `delay`
  Share loss = 0;
  std::uint32_t burst = 1;  // mean length of a run of losses
  Share duplicate = 0;
  Share reorder = 0;
  Share corrupt = 0;
  std::uint64_t rate_bits_per_s = 0;  // 0: no limit
  std::uint32_t queue_frames = 100;   // with a rate: how many may wait for it
  bool partition = false;
  std::optional<Duration> duration;  // for=; absent: until cleared

  friend bool operator==(const Impairment&, const Impairment&) = default;
};

// "20ms", "1.5s", "300us"; nullopt for anything else and for what 64 bits of ns don't hold.
std::optional<Duration> parse_duration(std::string_view text) noexcept;

// The words behind the names on the command line. The error names the word and what would be right.
Result<Impairment> parse_impairment(const std::vector<std::string>& words);
// The same words again, shortest form: parse(to_words(x)) == x.
std::string to_string(const Impairment& impairment);

}  // namespace pontoon
