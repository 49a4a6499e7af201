// What an impairment is set on, as people write it:
//
//   NETWORK | network:NETWORK   every frame of the network, once, where it enters the switch
//   A                           everything on A's link, both directions
//   A B                         what A and B send each other
//   A -> B                      what A sends B
//
// A and B are endpoints' names; `host` stands for the gateway and all that is behind it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pontoon::control {

inline constexpr std::string_view kHostEnd = "host";

struct ImpairTarget {
  enum class Kind : std::uint8_t {
    named,    // `first` is an endpoint, or else a network
    network,  // `first` is a network
    link,     // `first` is an endpoint
    pair,     // both directions between `first` and `second`
    one_way,  // from `first` to `second`
  };
  Kind kind = Kind::named;
  std::string first;
  std::string second;

  bool mentions(std::string_view endpoint) const noexcept;
};

Result<ImpairTarget> parse_target(std::string_view text);
// As people write it; parse_target() reads it again (a network's as "network:NAME").
std::string to_string(const ImpairTarget& target);
// The same frames are meant; names ignore case.
bool same_target(const ImpairTarget& left, const ImpairTarget& right) noexcept;

// The words of a command line, or of a script's line: first the target, then, from the first word
// that holds "=" or is "partition" on, the impairment. Each may hold several, parted by spaces.
struct ImpairWords {
  std::string target;
  std::vector<std::string> impairment;
};
ImpairWords split_impair_words(const std::vector<std::string>& words);
std::vector<std::string> split_at_spaces(std::string_view text);

}  // namespace pontoon::control
