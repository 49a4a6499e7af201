#include "control/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "core/base/limits.h"

namespace pontoon::control {
namespace {

constexpr std::array kAdjectives{"amber", "brave",  "brisk",  "calm",  "clever", "early",
                                 "fleet", "gentle", "hardy",  "keen",  "light",  "lucid",
                                 "merry", "noble",  "plain",  "proud", "quick",  "quiet",
                                 "ready", "sharp",  "steady", "still", "swift",  "wise"};
constexpr std::array kNouns{"barge",   "beacon", "bollard", "buoy",  "cutter",  "delta",
                            "ferry",   "gull",   "harbor",  "heron", "jetty",   "keel",
                            "lantern", "mole",   "otter",   "pier",  "quay",    "raft",
                            "sandbar", "skiff",  "sluice",  "tide",  "towpath", "weir"};

bool alphanumeric(char c) noexcept {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) noexcept {
  for (const char c : text) {
    const int folded = std::tolower(static_cast<unsigned char>(c));
    hash = (hash ^ static_cast<std::uint64_t>(folded)) * 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace

Status<> check_name(std::string_view what, std::string_view name) {
  const bool shape = !name.empty() && name.size() <= limits::kNameBytes &&
                     alphanumeric(name.front()) && alphanumeric(name.back()) &&
                     std::all_of(name.begin(), name.end(),
                                 [](char c) { return alphanumeric(c) || c == '-' || c == '_'; });
  if (shape) return {};
  return Error{
      ErrorCode::invalid_argument,
      fmt::format(
          "Invalid {} \"{}\": use 1 to {} letters, digits, '-' or '_', beginning and ending with a "
          "letter or digit",
          what, name, limits::kNameBytes)};
}

std::string make_up_name(Random& random) {
  return fmt::format("{}-{}", kAdjectives[random.below(kAdjectives.size())],
                     kNouns[random.below(kNouns.size())]);
}

std::string make_id(Random& random) {
  return fmt::format("{:012x}", random.u64() & 0xffffffffffffULL);
}

MacAddress mac_for(std::string_view network, std::string_view name, unsigned salt) {
  std::uint64_t hash = fnv1a(network, 0xcbf29ce484222325ULL + salt);
  hash = fnv1a(name, (hash ^ '/') * 0x100000001b3ULL);
  hash ^= hash >> 32;
  MacAddress mac{{0x02, 0x42, 0, 0, 0, 0}};
  store_be(mac.octets.data() + 2, static_cast<std::uint32_t>(hash));
  return mac;
}

bool same_name(std::string_view left, std::string_view right) noexcept {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  });
}

}  // namespace pontoon::control
