#include "core/link/impairment.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

#include "core/base/limits.h"

namespace pontoon {
namespace {

constexpr std::uint32_t kDefaultQueue = Impairment{}.queue_frames;
constexpr std::uint32_t kMaxBurst = 1000;
constexpr std::uint64_t kMinRate = 1'000;
constexpr std::uint64_t kMaxRate = 1'000'000'000'000;
constexpr Duration kMaxFor = std::chrono::hours(24 * 7);

// A unit is a power of ten of the smallest one, so that decimals stay whole numbers.
struct Unit {
  std::string_view name;
  unsigned exponent;
};
// Longest suffix first, as "s" is one of "ms" and "bit" one of "kbit".
constexpr std::array<Unit, 3> kTimes{{{"us", 3}, {"ms", 6}, {"s", 9}}};
constexpr std::array<Unit, 4> kRates{{{"kbit", 3}, {"mbit", 6}, {"gbit", 9}, {"bit", 0}}};
constexpr std::array<Unit, 1> kShares{{{"%", 4}}};

Error bad(std::string_view word, std::string_view what) {
  return {ErrorCode::invalid_argument,
          "Invalid \"" + std::string(word) + "\": " + std::string(what)};
}

bool ends_with(std::string_view text, std::string_view suffix) noexcept {
  if (text.size() < suffix.size()) return false;
  return std::equal(
      suffix.begin(), suffix.end(), text.end() - static_cast<long>(suffix.size()),
      [](char want, char got) { return want == std::tolower(static_cast<unsigned char>(got)); });
}

// value = value * 10 + digit, unless it doesn't fit.
bool append_digit(std::uint64_t& value, char c) noexcept {
  const auto digit = static_cast<std::uint64_t>(c - '0');
  if (c < '0' || c > '9') return false;
  if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return false;
  value = value * 10 + digit;
  return true;
}

// "1.25" times ten to the `exponent`; nullopt when it is no number or not a whole one then.
std::optional<std::uint64_t> parse_decimal(std::string_view text, unsigned exponent) noexcept {
  const std::size_t point = std::min(text.find('.'), text.size());
  const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  if (point == 0 || (point < text.size() && fraction.empty())) return std::nullopt;
  if (fraction.size() > exponent) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text.substr(0, point)) {
    if (!append_digit(value, c)) return std::nullopt;
  }
  for (const char c : fraction) {
    if (!append_digit(value, c)) return std::nullopt;
  }
  for (std::size_t i = fraction.size(); i < exponent; ++i) {
    if (!append_digit(value, '0')) return std::nullopt;
  }
  return value;
}

template <std::size_t N>
std::optional<std::uint64_t> parse_quantity(std::string_view text,
                                            const std::array<Unit, N>& units) noexcept {
  for (const Unit& unit : units) {
    if (!ends_with(text, unit.name)) continue;
    return parse_decimal(text.substr(0, text.size() - unit.name.size()), unit.exponent);
  }
  return std::nullopt;
}

std::string decimal(std::uint64_t value, unsigned exponent) {
  std::string digits = std::to_string(value);
  if (digits.size() <= exponent) digits.insert(0, exponent + 1 - digits.size(), '0');
  std::string fraction = digits.substr(digits.size() - exponent);
  digits.resize(digits.size() - exponent);
  while (!fraction.empty() && fraction.back() == '0')
    fraction.pop_back();
  return fraction.empty() ? digits : digits + "." + fraction;
}

std::string time_text(Duration duration) {
  const auto value = static_cast<std::uint64_t>(duration.count());
  const Unit unit = value >= 1'000'000'000 ? kTimes[2] : value >= 1'000'000 ? kTimes[1] : kTimes[0];
  return decimal(value, unit.exponent) + std::string(unit.name);
}

std::string rate_text(std::uint64_t rate) {
  const Unit unit = rate >= 1'000'000'000 ? kRates[2]
                    : rate >= 1'000'000   ? kRates[1]
                    : rate >= 1'000       ? kRates[0]
                                          : kRates[3];
  return decimal(rate, unit.exponent) + std::string(unit.name);
}

std::optional<Duration> parse_time(std::string_view text, Duration most) noexcept {
  const auto value = parse_quantity(text, kTimes);
  if (!value || *value > static_cast<std::uint64_t>(most.count())) return std::nullopt;
  return Duration(static_cast<Duration::rep>(*value));
}

// The unit of "20ms", for the number behind "±" that has none.
std::string_view unit_of(std::string_view text) noexcept {
  for (const Unit& unit : kTimes) {
    if (ends_with(text, unit.name)) return unit.name;
  }
  return {};
}

struct Setting {
  std::string_view word;
  std::string_view key;
  std::string_view value;
};

Status<> set_delay(const Setting& setting, Impairment& it) {
  std::string_view mean = setting.value;
  std::string_view spread;
  for (const std::string_view sign : {std::string_view("±"), std::string_view("~")}) {
    const std::size_t at = setting.value.find(sign);
    if (at == std::string_view::npos) continue;
    mean = setting.value.substr(0, at);
    spread = setting.value.substr(at + sign.size());
    if (spread.empty()) return bad(setting.word, "a time is missing behind the sign");
    break;
  }
  const auto delay = parse_time(mean, limits::kImpairmentDelay);
  if (!delay) {
    return bad(setting.word,
               "use a time up to 60s, such as delay=20ms, delay=1.5s or delay=20ms±5");
  }
  it.delay = *delay;
  if (spread.empty()) return {};
  const std::string with_unit =
      std::string(spread) + std::string(unit_of(spread).empty() ? unit_of(mean) : "");
  const auto jitter = parse_time(with_unit, limits::kImpairmentDelay);
  if (!jitter) return bad(setting.word, "what follows the sign must be a time such as 5ms");
  if (*jitter > it.delay) {
    return bad(setting.word, "the spread must not be larger than the delay itself");
  }
  it.jitter = *jitter;
  return {};
}

Status<> set_share(const Setting& setting, Share& share) {
  const auto value = parse_quantity(setting.value, kShares);
  if (!value || *value > kAlways) {
    return bad(setting.word,
               "use a percentage from 0% to 100% with at most four decimals, such as " +
                   std::string(setting.key) + "=0.5%");
  }
  share = static_cast<Share>(*value);
  return {};
}

Status<> set_count(const Setting& setting, std::uint32_t most, std::uint32_t& count) {
  const auto value = parse_decimal(setting.value, 0);
  if (!value || *value == 0 || *value > most) {
    return bad(setting.word, "use a whole number from 1 to " + std::to_string(most));
  }
  count = static_cast<std::uint32_t>(*value);
  return {};
}

Status<> set_rate(const Setting& setting, Impairment& it) {
  const auto value = parse_quantity(setting.value, kRates);
  if (!value || *value < kMinRate || *value > kMaxRate) {
    return bad(setting.word,
               "use bits per second from 1kbit to 1000gbit, such as rate=10mbit or rate=512kbit");
  }
  it.rate_bits_per_s = *value;
  return {};
}

Status<> set_for(const Setting& setting, Impairment& it) {
  const auto value = parse_time(setting.value, kMaxFor);
  if (!value || *value == Duration::zero()) {
    return bad(setting.word, "use a time from 1us to 604800s (a week), such as for=5s");
  }
  it.duration = *value;
  return {};
}

Status<> set(const Setting& setting, Impairment& it) {
  constexpr auto kQueueMost = static_cast<std::uint32_t>(limits::kImpairedFrames);
  if (setting.key == "delay") return set_delay(setting, it);
  if (setting.key == "loss") return set_share(setting, it.loss);
  if (setting.key == "burst") return set_count(setting, kMaxBurst, it.burst);
  if (setting.key == "duplicate") return set_share(setting, it.duplicate);
  if (setting.key == "reorder") return set_share(setting, it.reorder);
  if (setting.key == "corrupt") return set_share(setting, it.corrupt);
  if (setting.key == "rate") return set_rate(setting, it);
  if (setting.key == "queue") return set_count(setting, kQueueMost, it.queue_frames);
  if (setting.key == "for") return set_for(setting, it);
  return bad(setting.word,
             "no such impairment; there are delay=, loss=, burst=, duplicate=, reorder=, corrupt=, "
             "rate=, queue=, for= and partition");
}

bool given(const std::vector<std::string_view>& keys, std::string_view key) noexcept {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// What makes sense for each word alone but not together.
Status<> check_together(const Impairment& it, const std::vector<std::string_view>& keys) {
  if (it.partition && keys.size() > (it.duration ? 2U : 1U)) {
    return Error{ErrorCode::invalid_argument,
                 "partition lets nothing pass: only for= goes with it"};
  }
  if (given(keys, "burst") && it.loss == 0) {
    return Error{ErrorCode::invalid_argument,
                 "burst= is the length of a run of losses: say loss= as well"};
  }
  if (given(keys, "queue") && it.rate_bits_per_s == 0) {
    return Error{ErrorCode::invalid_argument, "queue= is what waits for a rate: say rate= as well"};
  }
  // Between two runs there is one frame at least that passes.
  const std::uint64_t most = std::uint64_t{kAlways} * it.burst / (it.burst + 1);
  if (it.burst > 1 && it.loss > most && it.loss < kAlways) {
    return Error{ErrorCode::invalid_argument, "runs of " + std::to_string(it.burst) +
                                                  " losses make at most loss=" + decimal(most, 4) +
                                                  "%: say a smaller loss=, or a larger burst="};
  }
  return {};
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) noexcept {
  return parse_time(text, Duration::max());
}

Result<Impairment> parse_impairment(const std::vector<std::string>& words) {
  if (words.empty()) {
    return Error{ErrorCode::invalid_argument,
                 "nothing is said about the link: use words such as delay=20ms, loss=1% or "
                 "partition"};
  }
  Impairment it;
  std::vector<std::string_view> keys;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    const std::string_view key = std::string_view(word).substr(0, std::min(equals, word.size()));
    if (given(keys, key)) return bad(word, std::string(key) + " is given twice");
    keys.push_back(key);
    if (word == "partition") {
      it.partition = true;
      continue;
    }
    if (equals == std::string::npos) {
      return bad(word, "use words such as delay=20ms, loss=1% or partition");
    }
    const Setting setting{word, key, std::string_view(word).substr(equals + 1)};
    if (auto done = set(setting, it); !done) return done.error();
  }
  if (auto fits = check_together(it, keys); !fits) return fits.error();
  return it;
}

std::string to_string(const Impairment& it) {
  std::vector<std::string> words;
  const auto share = [&](const char* name, Share value) {
    if (value != 0) words.push_back(std::string(name) + "=" + decimal(value, 4) + "%");
  };
  if (it.partition) words.emplace_back("partition");
  if (it.delay != Duration::zero()) {
    words.push_back("delay=" + time_text(it.delay));
    if (it.jitter != Duration::zero()) words.back() += "±" + time_text(it.jitter);
  }
  share("loss", it.loss);
  if (it.burst != 1) words.push_back("burst=" + std::to_string(it.burst));
  share("duplicate", it.duplicate);
  share("reorder", it.reorder);
  share("corrupt", it.corrupt);
  if (it.rate_bits_per_s != 0) words.push_back("rate=" + rate_text(it.rate_bits_per_s));
  if (it.queue_frames != kDefaultQueue) words.push_back("queue=" + std::to_string(it.queue_frames));
  if (words.empty()) words.emplace_back("delay=0s");
  if (it.duration) words.push_back("for=" + time_text(*it.duration));
  std::string out;
  for (const std::string& word : words)
    out += out.empty() ? word : " " + word;
  return out;
}

}  // namespace pontoon
