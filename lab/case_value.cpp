#define TOML_EXCEPTIONS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include "core/base/limits.h"
#include "lab/case_value.h"

namespace pontoon::lab {
namespace {

// The parser bounds the depth (TOML_MAX_NESTED_VALUES), so this ends.
CaseValue from_node(const toml::node& node) {
  CaseValue value;
  value.line = node.source().begin.line;
  if (const auto* text = node.as_string()) {
    value.kind = CaseValue::Kind::text;
    value.text = text->get();
  } else if (const auto* number = node.as_integer()) {
    value.kind = CaseValue::Kind::number;
    value.number = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    value.kind = CaseValue::Kind::flag;
    value.flag = flag->get();
  } else if (const auto* list = node.as_array()) {
    value.kind = CaseValue::Kind::list;
    for (const toml::node& item : *list)
      value.list.push_back(from_node(item));
  } else if (const auto* table = node.as_table()) {
    value.kind = CaseValue::Kind::table;
    for (const auto& [key, item] : *table)
      value.table.push_back({std::string(key.str()), static_cast<unsigned>(key.source().begin.line),
                             from_node(item)});
  }
  return value;
}

}  // namespace

std::string_view name_of(CaseValue::Kind kind) noexcept {
  switch (kind) {
    case CaseValue::Kind::text:
      return "a text";
    case CaseValue::Kind::number:
      return "a whole number";
    case CaseValue::Kind::flag:
      return "true or false";
    case CaseValue::Kind::list:
      return "a list";
    case CaseValue::Kind::table:
      return "a table";
    case CaseValue::Kind::other:
      return "a fraction, date or time";
  }
  return "";
}

Result<CaseValue> read_toml(std::string_view toml, std::string_view file_name) {
  if (toml.size() > limits::kCaseBytes) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{}: longer than {} bytes", file_name, limits::kCaseBytes)};
  }
  const toml::parse_result parsed = toml::parse(toml, file_name);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{}:{}: {}", file_name, error.source().begin.line,
                             std::string_view(error.description()))};
  }
  return from_node(parsed.table());
}

}  // namespace pontoon::lab
