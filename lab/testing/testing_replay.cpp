// Frames for people, and replays, of testing.h.
#include <fmt/format.h>

#include "lab/adopt/adopt.h"
#include "lab/dissect/dissect.h"
#include "lab/replay/case.h"
#include "lab/replay/compare.h"
#include "lab/replay/replay.h"
#include "lab/replay/report.h"
#include "lab/testing/testing.h"
#include "lab/testing/testing_state.h"

namespace pontoon::testing {
namespace {

using detail::value_of;

constexpr unsigned kWidth = 120;

class Keeper final : public lab::ReplaySink {
 public:
  void on_event(lab::ReplayEvent&& event) override {
    sent.add(event);
    events.push_back(std::move(event));
  }

  lab::SentFiles sent;
  std::vector<lab::ReplayEvent> events;
};

struct Loaded {
  lab::Case description;
  lab::CaptureFile capture;
  std::vector<std::string> notes;
};

Loaded load(const Replay& what) {
  Loaded loaded;
  if (!what.capture.empty()) loaded.capture = value_of(lab::read_capture(what.capture));
  if (!what.case_toml.empty()) {
    loaded.description = value_of(lab::parse_case(what.case_toml, "case.toml"));
    return loaded;
  }
  loaded.notes = lab::normalise(loaded.capture);
  lab::AdoptOptions options;
  options.map = what.map;
  lab::Adopted adopted = value_of(lab::adopt(loaded.capture, options));
  loaded.description = std::move(adopted.description);
  loaded.notes.insert(loaded.notes.end(), adopted.notes.begin(), adopted.notes.end());
  return loaded;
}

void judge(const Replay& what, const Loaded& loaded, const std::vector<control::DropInfo>& drops,
           ReplayOutcome& outcome) {
  lab::Comparison comparison;
  if (what.compare) {
    comparison = value_of(lab::compare(lab::PortFiles(what.expected.begin(), what.expected.end()),
                                       lab::PortFiles(outcome.sent.begin(), outcome.sent.end())));
  }
  if (loaded.description.drops) lab::compare_drops(*loaded.description.drops, drops, comparison);
  const std::int64_t start =
      loaded.capture.packets.empty() ? 0 : loaded.capture.packets.front().time_ns;
  outcome.equal = comparison.equal();
  outcome.difference = to_text(comparison, start, kWidth);
  outcome.difference_json = to_json(comparison);
}

}  // namespace

std::string describe(const Frame& frame) {
  const lab::Dissection dissection = lab::dissect(frame);
  return fmt::format("{} > {} {}", dissection.source, dissection.target, dissection.summary);
}

std::string details(const Frame& frame) {
  std::string text;
  for (const lab::Layer& layer : lab::dissect(frame).layers) {
    text += layer.protocol + '\n';
    for (const lab::Field& field : layer.fields)
      text += fmt::format("  {}: {}\n", field.name, field.value);
    if (!layer.problem.empty()) text += fmt::format("  ! {}\n", layer.problem);
  }
  return text;
}

ReplayOutcome replay(const Replay& what) {
  if (what.case_toml.empty() && what.capture.empty())
    detail::raise_invalid("replay: neither a case nor a capture; read_replay() reads them");
  const Loaded loaded = load(what);
  Keeper keeper;
  lab::ReplayResult result = value_of(lab::replay(loaded.description, loaded.capture, keeper));
  result.events = std::move(keeper.events);
  result.notes.insert(result.notes.begin(), loaded.notes.begin(), loaded.notes.end());
  if (!loaded.capture.problem.empty())
    result.notes.push_back("the capture is not whole: " + loaded.capture.problem);
  ReplayOutcome outcome;
  outcome.conversation = lab::conversation_text(result);
  outcome.played = result.played;
  for (auto& [name, file] : std::move(keeper.sent).finish(result.endpoints))
    outcome.sent.emplace(name, file);
  judge(what, loaded, result.drops, outcome);
  for (control::DropInfo& drop : result.drops)
    outcome.drops.push_back({std::move(drop.where), std::move(drop.reason), drop.count});
  outcome.notes = std::move(result.notes);
  return outcome;
}

}  // namespace pontoon::testing
