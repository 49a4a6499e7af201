#include "tests/sim/report.h"

#include <fmt/format.h>

namespace pontoon::sim {
namespace {
constexpr std::size_t kSteps = 120;
}

std::string Report::stamp() const {
  return fmt::format("{:>12.6f} s", std::chrono::duration<double>(now_.time_since_epoch()).count());
}

void Report::step(std::string text) {
  if (failed()) return;
  steps_.push_back(stamp() + "  " + std::move(text));
  if (steps_.size() > kSteps) steps_.pop_front();
}

void Report::fail(std::string_view checker, std::string what) {
  if (failed()) return;
  failure_ = fmt::format("{}  {}: {}", stamp(), checker, what);
}

std::string Report::steps() const {
  std::string out;
  for (const std::string& step : steps_)
    out += step + "\n";
  return out;
}

}  // namespace pontoon::sim
