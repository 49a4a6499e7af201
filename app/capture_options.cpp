#include "app/capture_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace pontoon::app {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kMostFiles = 100'000;
constexpr std::uint64_t kSmallestFile = 4096;
constexpr std::int64_t kLongestDays = 365;

struct Size {
  std::string_view unit;
  std::uint64_t bytes;
};
constexpr Size kSizes[] = {{"", 1},          {"B", 1},         {"kB", 1000},
                           {"KB", 1000},     {"MB", 1000'000}, {"GB", 1000'000'000},
                           {"k", 1 << 10},   {"K", 1 << 10},   {"KiB", 1 << 10},
                           {"kiB", 1 << 10}, {"m", 1 << 20},   {"M", 1 << 20},
                           {"MiB", 1 << 20}, {"g", 1 << 30},   {"G", 1 << 30},
                           {"GiB", 1 << 30}};

struct Unit {
  std::string_view unit;
  Duration duration;
};
constexpr Unit kUnits[] = {{"ms", 1ms},   {"s", 1s}, {"m", 1min},
                           {"min", 1min}, {"h", 1h}, {"d", 24h}};

// What a filter may begin with. "endpoint:tcp" is an endpoint of that name.
constexpr std::string_view kFilterWords[] = {
    "arp",  "ip",  "ip6",  "icmp",      "icmp6", "tcp",  "udp",     "src",     "dst",
    "host", "net", "port", "portrange", "ether", "less", "greater", "dropped", "not"};

struct Quantity {
  std::uint64_t number = 0;
  std::string_view unit;
};

std::optional<Quantity> split(std::string_view text) noexcept {
  Quantity out;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out.number);
  if (error != std::errc{}) return std::nullopt;
  out.unit = text.substr(static_cast<std::size_t>(stop - text.data()));
  return out;
}

bool begins_filter(std::string_view text) {
  if (text.starts_with('(') || text.starts_with('!')) return true;
  const std::string_view word = text.substr(0, text.find_first_of(" \t\n()!"));
  return std::find(std::begin(kFilterWords), std::end(kFilterWords), word) !=
         std::end(kFilterWords);
}

Error invalid(std::string text) {
  return {ErrorCode::invalid_argument, std::move(text)};
}

Status<> plan_ring(const CaptureArguments& arguments, CapturePlan& plan) {
  if (arguments.files && arguments.rotate.empty())
    return invalid("--files goes with --rotate SIZE or --rotate DURATION");
  if (arguments.rotate.empty()) return {};
  if (arguments.write.empty() || arguments.write == "-")
    return invalid("--rotate needs files to write to: -w FILE");
  const auto quantity = split(arguments.rotate);
  if (quantity && quantity->unit == "m") {
    return invalid(fmt::format("--rotate {0}m could be a size or a time; write {0}MiB or {0}min",
                               quantity->number));
  }
  plan.file_bytes = parse_size(arguments.rotate);
  if (!plan.file_bytes) plan.file_time = parse_duration(arguments.rotate);
  if (!plan.ring() || plan.file_bytes == 0U || plan.file_time == Duration{}) {
    return invalid(fmt::format(
        "Invalid --rotate {}: use a size such as 10MiB or a time such as 5min", arguments.rotate));
  }
  if (plan.file_bytes && *plan.file_bytes < kSmallestFile) {
    return invalid(fmt::format("Invalid --rotate {}: a file holds at least {} bytes",
                               arguments.rotate, kSmallestFile));
  }
  plan.files = arguments.files.value_or(0);
  if (arguments.files && (plan.files < 1 || plan.files > kMostFiles))
    return invalid(fmt::format("Invalid --files {}: use 1 to {}", plan.files, kMostFiles));
  return {};
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  for (const Size& size : kSizes) {
    if (size.unit != quantity->unit) continue;
    if (quantity->number > std::numeric_limits<std::uint64_t>::max() / size.bytes)
      return std::nullopt;
    return quantity->number * size.bytes;
  }
  return std::nullopt;
}

std::optional<Duration> parse_duration(std::string_view text) noexcept {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  for (const Unit& unit : kUnits) {
    if (unit.unit != quantity->unit) continue;
    const Duration longest = 24h * kLongestDays;
    if (quantity->number > static_cast<std::uint64_t>(longest / unit.duration)) return std::nullopt;
    return unit.duration * static_cast<std::int64_t>(quantity->number);
  }
  return std::nullopt;
}

std::string numbered(const std::string& path, unsigned number) {
  const std::size_t slash = path.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  const std::size_t dot = path.rfind('.');
  const bool suffixed = dot != std::string::npos && dot > name;
  const std::size_t end = suffixed ? dot : path.size();
  return fmt::format("{}.{}{}", path.substr(0, end), number, path.substr(end));
}

Result<CapturePlan> plan_capture(const CaptureArguments& arguments) {
  CapturePlan plan;
  plan.write = arguments.write;
  plan.count = arguments.count;
  plan.request.snap_length = arguments.snap_length;
  auto word = arguments.words.begin();
  if (word != arguments.words.end() && !begins_filter(*word)) plan.request.target = *word++;
  plan.request.filter = fmt::format("{}", fmt::join(word, arguments.words.end(), " "));
  if (!arguments.last.empty()) {
    const auto last = parse_duration(arguments.last);
    if (!last) {
      return invalid(
          fmt::format("Invalid --last {}: use a duration such as 30s or 5min", arguments.last));
    }
    plan.request.last_ms = std::chrono::duration_cast<std::chrono::milliseconds>(*last).count();
  }
  if (auto planned = plan_ring(arguments, plan); !planned) return planned.error();
  return plan;
}

}  // namespace pontoon::app
