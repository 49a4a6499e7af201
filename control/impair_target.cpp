#include "control/impair_target.h"

#include <fmt/format.h>

#include "control/names.h"

namespace pontoon::control {
namespace {

constexpr std::string_view kArrow = "->";
constexpr std::string_view kTypographicArrow = "→";
constexpr std::string_view kNetworkPrefix = "network:";

Error bad_target(std::string_view text, std::string_view what) {
  return {ErrorCode::invalid_argument,
          fmt::format("Invalid target \"{}\": {}. Use NETWORK, A, \"A B\" or \"A -> B\" with names "
                      "of endpoints, or `host` for one of the two",
                      text, what)};
}

// "A->B" has its arrow apart.
std::vector<std::string> tokens(std::string_view text) {
  const std::string apart = fmt::format(" {} ", kArrow);
  std::string spaced(text);
  for (const std::string_view arrow : {kTypographicArrow, kArrow}) {
    for (std::size_t at = spaced.find(arrow); at != std::string::npos;
         at = spaced.find(arrow, at + apart.size())) {
      spaced.replace(at, arrow.size(), apart);
    }
  }
  return split_at_spaces(spaced);
}

Result<ImpairTarget> parse_one(std::string_view text, const std::string& word) {
  if (same_name(word, kHostEnd)) return bad_target(text, "the host is one end; name the other one");
  if (word.starts_with(kNetworkPrefix)) {
    const std::string name = word.substr(kNetworkPrefix.size());
    if (auto valid = check_name("network name", name); !valid) return valid.error();
    return ImpairTarget{ImpairTarget::Kind::network, name, {}};
  }
  if (auto valid = check_name("name", word); !valid) return valid.error();
  return ImpairTarget{ImpairTarget::Kind::named, word, {}};
}

bool same_ends(const ImpairTarget& left, const ImpairTarget& right) noexcept {
  return same_name(left.first, right.first) && same_name(left.second, right.second);
}

}  // namespace

std::vector<std::string> split_at_spaces(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  std::vector<std::string> out;
  for (;;) {
    const std::size_t begin = text.find_first_not_of(kSpaces);
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(kSpaces), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

bool ImpairTarget::mentions(std::string_view endpoint) const noexcept {
  switch (kind) {
    case Kind::network:
      return false;
    case Kind::named:
    case Kind::link:
      return same_name(first, endpoint);
    case Kind::pair:
    case Kind::one_way:
      return same_name(first, endpoint) || same_name(second, endpoint);
  }
  return false;
}

Result<ImpairTarget> parse_target(std::string_view text) {
  const std::vector<std::string> words = tokens(text);
  if (words.empty()) return bad_target(text, "it is empty");
  if (words.size() == 1) return parse_one(text, words[0]);
  const bool one_way = words.size() == 3 && words[1] == kArrow;
  if (words.size() != 2 && !one_way) return bad_target(text, "it is neither one name nor two");
  for (const std::string& name : {words.front(), words.back()}) {
    if (auto valid = check_name("name", name); !valid) return valid.error();
  }
  if (same_name(words.front(), words.back())) return bad_target(text, "both ends are the same");
  return ImpairTarget{one_way ? ImpairTarget::Kind::one_way : ImpairTarget::Kind::pair,
                      words.front(), words.back()};
}

std::string to_string(const ImpairTarget& target) {
  switch (target.kind) {
    case ImpairTarget::Kind::network:
      return fmt::format("{}{}", kNetworkPrefix, target.first);
    case ImpairTarget::Kind::named:
    case ImpairTarget::Kind::link:
      return target.first;
    case ImpairTarget::Kind::pair:
      return fmt::format("{} {}", target.first, target.second);
    case ImpairTarget::Kind::one_way:
      return fmt::format("{} {} {}", target.first, kArrow, target.second);
  }
  return {};
}

bool same_target(const ImpairTarget& left, const ImpairTarget& right) noexcept {
  if (left.kind != right.kind) return false;
  if (same_ends(left, right)) return true;
  return left.kind == ImpairTarget::Kind::pair && same_name(left.first, right.second) &&
         same_name(left.second, right.first);
}

ImpairWords split_impair_words(const std::vector<std::string>& words) {
  ImpairWords out;
  for (const std::string& text : words) {
    for (std::string& word : split_at_spaces(text)) {
      const bool starts = word == "partition" || word.find('=') != std::string::npos;
      if (starts || !out.impairment.empty()) {
        out.impairment.push_back(std::move(word));
      } else {
        out.target += (out.target.empty() ? "" : " ") + word;
      }
    }
  }
  return out;
}

}  // namespace pontoon::control
