#include "control/impair_script.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/impair_target.h"
#include "core/base/limits.h"
#include "core/link/impairment.h"

namespace pontoon::control {
namespace {

Error wrong(std::string_view what) {
  return {ErrorCode::invalid_argument, std::string(what)};
}

Status<> check_step(const ImpairStep& step) {
  if (!step.target.empty()) {
    if (const auto target = parse_target(step.target); !target) return target.error();
  }
  if (step.clear) return {};
  if (const auto impairment = parse_impairment(step.words); !impairment) return impairment.error();
  return {};
}

Result<ImpairStep> parse_step(const std::vector<std::string>& words) {
  if (words.size() < 3 || words[0] != "at") {
    return wrong("use `at TIME TARGET IMPAIRMENT...` or `at TIME clear [TARGET]`");
  }
  const auto after = parse_duration(words[1]);
  if (!after) {
    return wrong(fmt::format("Invalid time \"{}\": use one such as 5s, 1.5s or 200ms", words[1]));
  }
  ImpairStep step;
  step.after = *after;
  step.clear = words[2] == "clear";
  const std::vector<std::string> rest(words.begin() + (step.clear ? 3 : 2), words.end());
  ImpairWords split = split_impair_words(rest);
  step.target = std::move(split.target);
  step.words = std::move(split.impairment);
  if (step.clear && !step.words.empty()) return wrong("clear takes a target and nothing else");
  if (!step.clear && step.target.empty()) return wrong("a target is missing");
  if (auto valid = check_step(step); !valid) return valid.error();
  return step;
}

}  // namespace

Result<std::vector<ImpairStep>> parse_impair_script(std::string_view text, std::string_view file) {
  std::vector<ImpairStep> steps;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto words = split_at_spaces(line.substr(0, line.find('#')));
    if (words.empty()) continue;
    auto step = parse_step(words);
    if (!step) {
      return Error{step.error().code, fmt::format("{}:{}: {}", file, number, step.error().message)};
    }
    if (steps.size() >= limits::kImpairmentSteps) {
      return wrong(fmt::format("{}:{}: a script has at most {} steps", file, number,
                               limits::kImpairmentSteps));
    }
    step->line = number;
    steps.push_back(std::move(*step));
  }
  std::stable_sort(steps.begin(), steps.end(), [](const ImpairStep& left, const ImpairStep& right) {
    return left.after < right.after;
  });
  return steps;
}

}  // namespace pontoon::control
