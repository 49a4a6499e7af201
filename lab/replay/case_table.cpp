#include "lab/replay/case_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "core/base/limits.h"

namespace pontoon::lab {
namespace {

constexpr std::size_t kShownText = 60;

// The number of letters to change, add or take away (Levenshtein), for short words.
std::size_t distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < right.size(); ++j) {
      const std::size_t changed = diagonal + (left[i] == right[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text.substr(0, kShownText)) {
    const auto byte = static_cast<unsigned char>(letter);
    out += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, letter);
  }
  return out + (text.size() > kShownText ? "...\"" : "\"");
}

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"m", 60'000'000'000},
                           {"h", 3'600'000'000'000},
                           {"d", 86'400'000'000'000}};

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
  std::string_view fraction;
  std::string_view name = text.substr(digits);
  if (name.front() == '.') {
    const std::size_t end = name.find_first_not_of("0123456789", 1);
    if (end == 1 || end == std::string_view::npos) return std::nullopt;
    fraction = name.substr(1, end - 1);
    name.remove_prefix(end);
  }
  const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                  [&](const Unit& u) { return u.name == name; });
  std::int64_t whole = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + digits, whole);
  if (unit == std::end(kUnits) || parsed.ec != std::errc{}) return std::nullopt;
  std::int64_t total = 0;
  if (__builtin_mul_overflow(whole, unit->nanoseconds, &total)) return std::nullopt;
  std::int64_t place = unit->nanoseconds;
  for (const char digit : fraction) {
    place /= 10;
    total += place * (digit - '0');
    if (total < 0) return std::nullopt;
  }
  if (total > Duration(limits::kReplaySpan).count()) return std::nullopt;
  return Duration(total);
}

void CaseMistakes::add(unsigned line, std::string_view where, std::string_view what) {
  if (first) return;
  first = Error{ErrorCode::invalid_argument,
                where.empty() ? fmt::format("{}:{}: {}", file, line, what)
                              : fmt::format("{}:{}: {}: {}", file, line, where, what)};
}

CaseTable::CaseTable(const CaseValue& value, std::string where, CaseMistakes& mistakes)
    : value_(value), where_(std::move(where)), mistakes_(mistakes) {}

std::string CaseTable::path(std::string_view key) const {
  if (key.empty()) return where_;
  return where_.empty() ? std::string(key) : fmt::format("{}.{}", where_, key);
}

const CaseEntry* CaseTable::entry(std::string_view key) const {
  const auto found = std::find_if(value_.table.begin(), value_.table.end(),
                                  [&](const CaseEntry& entry) { return entry.key == key; });
  return found == value_.table.end() ? nullptr : &*found;
}

bool CaseTable::has(std::string_view key) const {
  return entry(key) != nullptr;
}

void CaseTable::require(std::string_view key) {
  if (!has(key)) mistakes_.add(line(), where_, fmt::format("{} is missing", key));
}

const CaseValue* CaseTable::find(std::string_view key, CaseValue::Kind kind) {
  known_.emplace_back(key);
  const CaseEntry* found = entry(key);
  if (found == nullptr) return nullptr;
  if (found->value.kind == kind) return &found->value;
  mistakes_.add(found->line, path(key),
                fmt::format("must be {}, not {}", name_of(kind), name_of(found->value.kind)));
  return nullptr;
}

void CaseTable::wrong(std::string_view key, const CaseValue& text, std::string_view example) {
  mistakes_.add(text.line, path(key),
                fmt::format("{} is not understood; it must be {}", shown(text.text), example));
}

void CaseTable::mistake(std::string_view key, std::string_view what) {
  const CaseEntry* found = entry(key);
  mistakes_.add(found == nullptr ? line() : found->line, path(key), what);
}

void CaseTable::read(std::string_view key, std::string& out) {
  if (const CaseValue* text = find(key, CaseValue::Kind::text)) out = text->text;
}

void CaseTable::read(std::string_view key, bool& out) {
  if (const CaseValue* flag = find(key, CaseValue::Kind::flag)) out = flag->flag;
}

void CaseTable::read(std::string_view key, Duration& out) {
  read_as(key, out, parse_duration, "a time up to 366d, such as 250ms, 1.5s or 2h");
}

void CaseTable::read(std::string_view key, std::vector<std::string>& out) {
  for_each_text(key, [&](const CaseValue& text) { out.push_back(text.text); });
}

void CaseTable::read_bytes(std::string_view key, std::string& out) {
  const CaseEntry* found = entry(key);
  if (found == nullptr || found->value.kind != CaseValue::Kind::list) return read(key, out);
  known_.emplace_back(key);
  for (const CaseValue& byte : found->value.list) {
    if (byte.kind != CaseValue::Kind::number || byte.number < 0 || byte.number > 0xff) {
      mistakes_.add(byte.line, path(key), "must be a text or a list of bytes from 0 to 255");
      return;
    }
    out.push_back(static_cast<char>(byte.number));
  }
}

std::optional<std::int64_t> CaseTable::number_within(std::string_view key, std::int64_t least,
                                                     std::int64_t most) {
  const CaseValue* number = find(key, CaseValue::Kind::number);
  if (number == nullptr) return std::nullopt;
  if (number->number >= least && number->number <= most) return number->number;
  mistakes_.add(number->line, path(key),
                fmt::format("{} is out of range: {} to {}", number->number, least, most));
  return std::nullopt;
}

void CaseTable::for_each_text(std::string_view key,
                              const std::function<void(const CaseValue&)>& visit) {
  const CaseValue* list = find(key, CaseValue::Kind::list);
  if (list == nullptr) return;
  if (list->list.size() > limits::kCaseActors) {
    mistake(key, fmt::format("more than {} of them", limits::kCaseActors));
    return;
  }
  for (const CaseValue& item : list->list) {
    if (item.kind != CaseValue::Kind::text) {
      mistakes_.add(item.line, path(key),
                    fmt::format("must be a list of texts; there is {} in it", name_of(item.kind)));
      return;
    }
    visit(item);
  }
}

void CaseTable::for_each_table(std::string_view key, std::size_t most,
                               const std::function<void(CaseTable&)>& read) {
  const CaseEntry* found = entry(key);
  known_.emplace_back(key);
  if (found == nullptr) return;
  const std::string name = path(key);
  const auto read_one = [&](const CaseValue& value) {
    if (value.kind != CaseValue::Kind::table) {
      mistakes_.add(value.line, name, fmt::format("must be tables: write [[{}]]", name));
      return;
    }
    CaseTable table(value, name, mistakes_);
    read(table);
    table.finish();
  };
  if (found->value.kind != CaseValue::Kind::list) return read_one(found->value);
  if (found->value.list.size() > most) {
    mistakes_.add(found->line, name, fmt::format("more than {} of them", most));
    return;
  }
  for (const CaseValue& value : found->value.list)
    read_one(value);
}

std::optional<std::vector<std::pair<std::string, std::int64_t>>> CaseTable::read_counts(
    std::string_view key) {
  const CaseValue* table = find(key, CaseValue::Kind::table);
  if (table == nullptr) return std::nullopt;
  std::vector<std::pair<std::string, std::int64_t>> out;
  for (const CaseEntry& entry : table->table) {
    if (entry.value.kind != CaseValue::Kind::number || entry.value.number < 0)
      mistakes_.add(entry.line, path(key), fmt::format("{} must be a number", shown(entry.key)));
    out.emplace_back(entry.key, entry.value.number);
  }
  return out;
}

void CaseTable::finish() {
  for (const CaseEntry& entry : value_.table) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    const auto nearest = std::min_element(known_.begin(), known_.end(),
                                          [&](const std::string& left, const std::string& right) {
                                            return distance(left, entry.key.substr(0, kShownText)) <
                                                   distance(right, entry.key.substr(0, kShownText));
                                          });
    mistakes_.add(entry.line, where_,
                  nearest == known_.end() ? fmt::format("unknown key {}", shown(entry.key))
                                          : fmt::format("unknown key {}; did you mean {}?",
                                                        shown(entry.key), *nearest));
  }
}

}  // namespace pontoon::lab
