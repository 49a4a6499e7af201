// A TOML document as plain values that know their lines: what case.cpp reads a case from, without
// the TOML library's types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace pontoon::lab {

struct CaseEntry;

struct CaseValue {
  enum class Kind : std::uint8_t { text, number, flag, list, table, other };

  Kind kind = Kind::other;
  unsigned line = 0;
  std::string text;
  std::int64_t number = 0;
  bool flag = false;
  std::vector<CaseValue> list;
  std::vector<CaseEntry> table;  // in the order of the keys' names
};

struct CaseEntry {
  std::string key;
  unsigned line = 0;
  CaseValue value;
};

// "a text", "a number", ... for messages. Fractions, dates and times are `other`: no case has them.
std::string_view name_of(CaseValue::Kind kind) noexcept;

// The document's table. Error: "case.toml:3: ...", as the file cannot be understood.
Result<CaseValue> read_toml(std::string_view toml, std::string_view file_name);

}  // namespace pontoon::lab
