#include "tests/sim/stream_checker.h"

#include <fmt/format.h>

#include <algorithm>

namespace pontoon::sim {
namespace {

constexpr std::string_view kName = "stream integrity";

std::string_view words(Way way) {
  return way == Way::up ? "endpoint to host" : "host to endpoint";
}

}  // namespace

void StreamChecker::on_shut_down(Way way, std::uint64_t count) {
  side(way).said = count;
  side(way).shut_down = true;
}

void StreamChecker::on_heard(Way way, std::uint64_t position, std::string_view text) {
  if (position + text.size() > side(way).said) {
    return report_.fail(
        kName, fmt::format("conversation {}, {}: {} bytes were heard, {} were said", script_.id,
                           words(way), position + text.size(), side(way).said));
  }
  const std::string expected = spoken(script_.id, way, position, text.size());
  if (text == expected) return;
  const auto at = std::mismatch(text.begin(), text.end(), expected.begin()).first - text.begin();
  report_.fail(kName, fmt::format("conversation {}, {}: byte {} is not what was said there "
                                  "(in a piece of {} from {})",
                                  script_.id, words(way), position + static_cast<std::uint64_t>(at),
                                  text.size(), position));
}

void StreamChecker::on_end(Way way, std::uint64_t position) {
  const Side& writer = side(way);
  if (disturbed_) return;
  if (!writer.shut_down || position != writer.said) {
    report_.fail(kName, fmt::format("conversation {}, {}: an orderly end after {} bytes of {}{}",
                                    script_.id, words(way), position, script_.writer(way).length,
                                    writer.aborted ? ", but it was a reset" : ""));
  }
}

void StreamChecker::on_reset(Way way, std::uint64_t position) {
  if (disturbed_ || reset_allowed_ || script_.aborts()) return;
  report_.fail(kName, fmt::format("conversation {}, {}: a reset after {} bytes of {}, and nobody "
                                  "had aborted",
                                  script_.id, words(way), position, script_.writer(way).length));
}

}  // namespace pontoon::sim
