// One table of a case, read key by key: each key is asked for with its type, what is left over is
// unknown. The first mistake is kept; what comes after it changes nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "lab/replay/case_value.h"

namespace pontoon::lab {

// Where mistakes go. `file` is how the case file is called in messages.
struct CaseMistakes {
  std::string file;
  std::optional<Error> first;

  // "case.toml:12: endpoint.ip: ..."
  void add(unsigned line, std::string_view where, std::string_view what);
};

class CaseTable {
 public:
  // `where` names the table in messages: "endpoint"; empty for the document itself.
  CaseTable(const CaseValue& value, std::string where, CaseMistakes& mistakes);

  unsigned line() const noexcept { return value_.line; }
  bool has(std::string_view key) const;
  // A key without which the table makes no sense.
  void require(std::string_view key);

  // Each leaves `out` alone when the key is absent. Texts that become something else are checked
  // by `parse` (-> optional); `example` shows what would be right.
  void read(std::string_view key, std::string& out);
  void read(std::string_view key, bool& out);
  void read(std::string_view key, Duration& out);
  void read(std::string_view key, std::vector<std::string>& out);
  // A text, or a list of bytes: [0x1b, 0].
  void read_bytes(std::string_view key, std::string& out);
  template <class Number>
  void read_number(std::string_view key, Number& out, std::int64_t least, std::int64_t most) {
    if (const auto number = number_within(key, least, most)) out = static_cast<Number>(*number);
  }
  template <class Target, class Parse>
  void read_as(std::string_view key, Target& out, Parse parse, std::string_view example) {
    const CaseValue* text = find(key, CaseValue::Kind::text);
    if (text == nullptr) return;
    if (auto parsed = parse(std::string_view(text->text))) {
      out = std::move(*parsed);
    } else {
      wrong(key, *text, example);
    }
  }
  template <class Item, class Parse>
  void read_list(std::string_view key, std::vector<Item>& out, Parse parse,
                 std::string_view example) {
    for_each_text(key, [&](const CaseValue& text) {
      if (auto parsed = parse(std::string_view(text.text))) {
        out.push_back(std::move(*parsed));
      } else {
        wrong(key, text, example);
      }
    });
  }
  template <class Choice>
  void read_choice(std::string_view key, Choice& out,
                   const std::vector<std::pair<std::string_view, Choice>>& choices) {
    std::string names;
    for (const auto& choice : choices)
      names += (names.empty() ? "" : ", ") + std::string(choice.first);
    const auto parse = [&](std::string_view text) -> std::optional<Choice> {
      for (const auto& [name, choice] : choices) {
        if (name == text) return choice;
      }
      return std::nullopt;
    };
    read_as(key, out, parse, "one of " + names);
  }
  // [[key]] or [key]: each table is handed to `read`, which must finish() it.
  void for_each_table(std::string_view key, std::size_t most,
                      const std::function<void(CaseTable&)>& read);
  // [key] with whatever names, all of them whole numbers.
  std::optional<std::vector<std::pair<std::string, std::int64_t>>> read_counts(
      std::string_view key);

  void mistake(std::string_view key, std::string_view what);
  // Refuses keys that nobody asked for.
  void finish();

 private:
  const CaseValue* find(std::string_view key, CaseValue::Kind kind);
  const CaseEntry* entry(std::string_view key) const;
  std::optional<std::int64_t> number_within(std::string_view key, std::int64_t least,
                                            std::int64_t most);
  void for_each_text(std::string_view key, const std::function<void(const CaseValue&)>& visit);
  void wrong(std::string_view key, const CaseValue& text, std::string_view example);
  std::string path(std::string_view key) const;

  const CaseValue& value_;
  std::string where_;
  CaseMistakes& mistakes_;
  std::vector<std::string> known_;
};

// "250ms", "1.5s", "2h": ns, us, ms, s, m, h or d.
std::optional<Duration> parse_duration(std::string_view text);

}  // namespace pontoon::lab
