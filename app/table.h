// Listings as `docker` prints them: a header in capitals, columns three spaces apart, the last one
// not padded.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"

namespace pontoon::app {

// Cells are text for people: what would steer a terminal is shown instead of obeyed.
class Table {
 public:
  explicit Table(std::initializer_list<std::string_view> header);
  void row(std::vector<std::string> cells);
  std::string to_string() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "Less than a second", "12 seconds", "About a minute", "3 hours", as Docker words a duration.
std::string human_duration(std::chrono::seconds duration);

// One line without control characters, in valid UTF-8: a newline becomes "\n", others "\x1b".
std::string printable(std::string_view text);

// At most `width` characters in double quotes, shortened with "…" as Docker's COMMAND column.
std::string quoted(std::string_view text, std::size_t width);

}  // namespace pontoon::app
