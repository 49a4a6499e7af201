#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "app/case_files.h"
#include "app/commands.h"
#include "app/table.h"
#include "lab/replay/compare.h"
#include "lab/replay/report.h"

namespace pontoon::app {
namespace {

constexpr int kDiffers = 1;
constexpr unsigned kWidth = 120;

enum class Verdict : std::uint8_t { played, equal, differs, updated, incomplete };

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::played:
      return "played";
    case Verdict::equal:
      return "equal";
    case Verdict::differs:
      return "differs";
    case Verdict::updated:
      return "updated";
    case Verdict::incomplete:
      return "incomplete";
  }
  return "";
}

int status_of(Verdict verdict) noexcept {
  const bool wrong = verdict == Verdict::differs || verdict == Verdict::incomplete;
  return wrong ? kDiffers : kOk;
}

unsigned width_of_terminal() {
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 80;
  return known ? size.ws_col : kWidth;
}

// Once nobody reads any more, nothing more is written: the exit status still tells.
void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// Shows the conversation as it happens, and keeps what was sent for the comparison.
class Stage final : public lab::ReplaySink {
 public:
  enum class Show : std::uint8_t { nothing, text, json };

  // `keep`: what is sent is needed afterwards, not only shown.
  Stage(Show show, bool keep, std::size_t port_width)
      : show_(show), keep_(keep), port_width_(port_width) {}

  void on_event(lab::ReplayEvent&& event) override {
    if (event.event == FrameEvent::to_endpoint) ++frames;
    if (keep_) sent.add(event);
    if (show_ == Show::nothing) return;
    if (count_++ == 0) start_ns_ = event.time_ns;
    if (show_ == Show::text) {
      print(lab::event_text(event, start_ns_, port_width_));
    } else {
      print(count_ == 1 ? R"({"events":[)" : ",");
      print(lab::event_json(event, start_ns_));
    }
  }
  // What a JSON object of this case begins with, after what was printed already.
  std::string json_begin() const {
    if (show_ != Show::json) return "{";
    return count_ == 0 ? R"({"events":[],)" : "],";
  }

  lab::SentFiles sent;
  std::size_t frames = 0;  // that were sent

 private:
  Show show_;
  bool keep_;
  std::size_t port_width_;
  std::size_t count_ = 0;
  std::int64_t start_ns_ = 0;
};

struct Outcome {
  Verdict verdict = Verdict::played;
  lab::ReplayResult result;
  lab::Comparison comparison;
  bool compared = false;
  std::size_t sent = 0;     // frames
  std::size_t changed = 0;  // files, with --update
  std::int64_t start_ns = 0;
};

class Command {
 public:
  Command(const ReplayArguments& arguments, lab::AdoptOptions adopt)
      : arguments_(arguments), adopt_(std::move(adopt)), several_(arguments.cases.size() > 1) {}

  int one(const std::string& argument) {
    auto loaded = load_case(argument, adopt_);
    if (!loaded) return refuse(argument, loaded.error(), "{");
    if (arguments_.seed) loaded->description.seed = *arguments_.seed;
    std::size_t width = 0;
    for (const lab::CaseEndpoint& endpoint : loaded->description.endpoints)
      width = std::max(width, endpoint.request.name.size());
    Stage stage(what_to_show(), keeps(*loaded), width);
    auto outcome = play(*loaded, stage);
    if (!outcome) return refuse(argument, outcome.error(), stage.json_begin());
    show(*loaded, *outcome, stage.json_begin());
    return status_of(outcome->verdict);
  }

 private:
  Stage::Show what_to_show() const {
    if (several_ || arguments_.quiet) return Stage::Show::nothing;
    return arguments_.json ? Stage::Show::json : Stage::Show::text;
  }
  bool keeps(const LoadedCase& loaded) const {
    return arguments_.update || !arguments_.output.empty() || !arguments_.expected.empty() ||
           is_directory(loaded.expected);
  }
  Result<Outcome> play(const LoadedCase& loaded, Stage& stage) const;
  Status<> judge(const LoadedCase& loaded, lab::PortFiles&& sent, Outcome& outcome) const;
  void show(const LoadedCase& loaded, const Outcome& outcome, const std::string& json_begin) const;
  int refuse(const std::string& argument, const Error& error, const std::string& json_begin) const;

  const ReplayArguments& arguments_;
  lab::AdoptOptions adopt_;
  bool several_;
};

// Git keeps no empty directory: where nothing at all is sent, empty captures say so.
lab::PortFiles never_empty(lab::PortFiles files,
                           const std::vector<control::EndpointInfo>& endpoints) {
  if (!files.empty()) return files;
  lab::SentFiles none;
  for (const control::EndpointInfo& endpoint : endpoints)
    none.expect(endpoint.name);
  return std::move(none).finish(endpoints);
}

Result<Outcome> Command::play(const LoadedCase& loaded, Stage& stage) const {
  auto result = lab::replay(loaded.description, loaded.capture, stage);
  if (!result) return Error{result.error().code, loaded.name + ": " + result.error().message};
  Outcome out;
  out.result = std::move(*result);
  std::vector<std::string> notes = loaded.notes;
  notes.insert(notes.end(), out.result.notes.begin(), out.result.notes.end());
  if (!loaded.capture.problem.empty())
    notes.push_back("the capture is not whole: " + loaded.capture.problem);
  out.result.notes = std::move(notes);
  if (!loaded.capture.packets.empty()) out.start_ns = loaded.capture.packets.front().time_ns;
  out.sent = stage.frames;
  auto judged = judge(loaded, std::move(stage.sent).finish(out.result.endpoints), out);
  if (!judged) return judged.error();
  return out;
}

Status<> Command::judge(const LoadedCase& loaded, lab::PortFiles&& sent, Outcome& outcome) const {
  if (!arguments_.output.empty()) {
    const auto written = write_port_files(arguments_.output, sent, false);
    if (!written) return written.error();
  }
  const bool told = !arguments_.expected.empty();
  const std::string directory = told ? arguments_.expected : loaded.expected;
  if (arguments_.update) {
    const auto changed =
        write_port_files(directory, never_empty(std::move(sent), outcome.result.endpoints), true);
    if (!changed) return changed.error();
    outcome.changed = *changed;
    outcome.verdict = Verdict::updated;
  } else if (told || is_directory(directory)) {
    const auto expected = read_port_files(directory);
    if (!expected) return expected.error();
    auto comparison = lab::compare(*expected, sent);
    if (!comparison)
      return Error{comparison.error().code, directory + ": " + comparison.error().message};
    outcome.comparison = std::move(*comparison);
    outcome.compared = true;
  }
  if (loaded.description.drops) {
    lab::compare_drops(*loaded.description.drops, outcome.result.drops, outcome.comparison);
    outcome.compared = true;
  }
  if (outcome.compared && !outcome.comparison.equal()) {
    outcome.verdict = Verdict::differs;
  } else if (!loaded.adopted && !loaded.capture.problem.empty()) {
    outcome.verdict = Verdict::incomplete;
  } else if (outcome.compared && !arguments_.update) {
    outcome.verdict = Verdict::equal;
  }
  return {};
}

std::string summary(const LoadedCase& loaded, const Outcome& outcome) {
  std::string text = fmt::format(
      "{:<10} {}: {} of {} packets played, {} frames sent", to_string(outcome.verdict),
      printable(loaded.name), outcome.result.played, loaded.capture.packets.size(), outcome.sent);
  if (outcome.verdict == Verdict::updated)
    text += fmt::format(", {} files changed", outcome.changed);
  return text + '\n';
}

// The replay's own object, with what is the command's in front.
std::string json_of(const LoadedCase& loaded, const Outcome& outcome) {
  std::string text =
      fmt::format(R"("case":{},"verdict":"{}","status":{},"packets":{},"sent":{},)",
                  lab::json_text(loaded.name), to_string(outcome.verdict),
                  status_of(outcome.verdict), loaded.capture.packets.size(), outcome.sent);
  if (outcome.compared) text += fmt::format(R"("comparison":{},)", to_json(outcome.comparison));
  return text + lab::outcome_json(outcome.result).substr(1);
}

void Command::show(const LoadedCase& loaded, const Outcome& outcome,
                   const std::string& json_begin) const {
  if (!loaded.capture.problem.empty()) {
    std::fprintf(stderr, "pontoon: %s: the capture is not whole: %s; played as far as it goes\n",
                 printable(loaded.name).c_str(), printable(loaded.capture.problem).c_str());
  }
  if (arguments_.json) return print(json_begin + json_of(loaded, outcome));
  if (!several_ && !arguments_.quiet) print(lab::outcome_text(outcome.result));
  const bool silent = arguments_.quiet && status_of(outcome.verdict) == kOk;
  if (!silent) print(summary(loaded, outcome));
  if (outcome.compared) print(to_text(outcome.comparison, outcome.start_ns, width_of_terminal()));
}

int Command::refuse(const std::string& argument, const Error& error,
                    const std::string& json_begin) const {
  if (arguments_.json) {
    print(json_begin +
          fmt::format(R"("case":{},"verdict":"failed","status":{},"error":{}}})",
                      lab::json_text(argument), kUnusable, lab::json_text(error.message)) +
          "\n");
  } else if (several_) {
    print(fmt::format("{:<10} {}: {}\n", "failed", printable(argument), error.message));
  }
  return fail(error, kUnusable);
}

Result<lab::AdoptOptions> adopt_options(const ReplayArguments& arguments) {
  lab::AdoptOptions out;
  if (arguments.seed) out.seed = *arguments.seed;
  for (const std::string& text : arguments.map) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      return Error{ErrorCode::invalid_argument,
                   fmt::format("Invalid --map {}: write ADDRESS=NAME, such as 192.168.1.5=web",
                               printable(text))};
    }
    out.map.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Status<> check(const ReplayArguments& arguments) {
  const bool several = arguments.cases.size() > 1;
  if (several && (!arguments.expected.empty() || !arguments.output.empty())) {
    return Error{
        ErrorCode::invalid_argument,
        "--expect and --output are for one case; several compare with their own expected/"};
  }
  for (const std::string& argument : arguments.cases) {
    const bool described = is_directory(argument) || argument.ends_with(".toml");
    if (arguments.update && arguments.expected.empty() && !described) {
      return Error{ErrorCode::invalid_argument,
                   fmt::format("--update of {}: a capture without a case has no expected/; say "
                               "where with --expect DIR",
                               printable(argument))};
    }
  }
  return {};
}

}  // namespace

int replay(const ReplayArguments& arguments) {
  // A reader who has seen enough (`| head`) must not decide the exit status.
  signal(SIGPIPE, SIG_IGN);
  if (auto valid = check(arguments); !valid) return fail(valid.error(), kUnusable);
  auto adopt = adopt_options(arguments);
  if (!adopt) return fail(adopt.error(), kUnusable);
  Command command(arguments, std::move(*adopt));
  int worst = kOk;
  for (const std::string& argument : arguments.cases) {
    worst = std::max(worst, command.one(argument));
    std::fflush(stdout);
  }
  return worst;
}

}  // namespace pontoon::app
