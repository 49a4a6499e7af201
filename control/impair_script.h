// A timeline of impairments, as `pontoon impair --script` plays it:
//
//   # a comment
//   at 0s   web -> host delay=100ms
//   at 5s   web db loss=2% for=1s
//   at 10s  clear web -> host
//   at 12s  clear                    (all of the script's own)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"

namespace pontoon::control {

struct ImpairStep {
  std::size_t line = 0;
  Duration after{};  // the start of the script
  bool clear = false;
  std::string target;              // empty with `clear`: all
  std::vector<std::string> words;  // none with `clear`
};

// In the order of time, those of one instant as they stand. An error begins with "FILE:LINE: ".
// Whether the targets exist shows only when their time comes.
Result<std::vector<ImpairStep>> parse_impair_script(std::string_view text, std::string_view file);

}  // namespace pontoon::control
