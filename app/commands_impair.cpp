#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "app/commands.h"
#include "app/table.h"
#include "control/impair_script.h"
#include "control/impair_target.h"
#include "control/json.h"

namespace pontoon::app {
namespace {

constexpr int kInterrupted = 130;  // as shells have it for SIGINT
constexpr std::size_t kScriptBytes = 1 << 20;

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

Result<std::string> set(const control::Client& client, const control::ImpairmentRequest& request) {
  return client.call("POST", "/v1/impairments", control::encode(request));
}

Result<std::string> clear(const control::Client& client, const std::string& target) {
  control::ImpairmentRequest request;
  request.target = target;
  return client.call("POST", "/v1/impairments/clear", control::encode(request));
}

int list(const control::Client& client, bool json) {
  const auto body = client.call("GET", "/v1/impairments");
  if (!body) return fail(body.error());
  if (json) {
    print(control::pretty(*body) + "\n");
    return kOk;
  }
  const auto all = control::decode<std::vector<control::ImpairmentInfo>>(*body);
  if (!all) return fail(all.error());
  Table table{"NETWORK", "TARGET", "IMPAIRMENT", "SET", "ENDS", "PASSED", "LOST", "SEED"};
  for (const control::ImpairmentInfo& info : *all) {
    const std::string ends =
        info.ends_in_s ? "in " + human_duration(std::chrono::seconds(*info.ends_in_s)) : "-";
    table.row({info.network, info.target, info.impairment,
               human_duration(std::chrono::seconds(info.age_s)) + " ago", ends,
               std::to_string(info.passed), std::to_string(info.lost), std::to_string(info.seed)});
  }
  print(table.to_string());
  return kOk;
}

int set_one(const control::Client& client, const ImpairArguments& arguments) {
  control::ImpairWords words = control::split_impair_words(arguments.words);
  if (words.target.empty()) {
    return fail({ErrorCode::invalid_argument,
                 "what shall be impaired? pontoon impair TARGET IMPAIRMENT..., where TARGET is a "
                 "network, an endpoint, or two endpoints"});
  }
  if (words.impairment.empty()) {
    return fail({ErrorCode::invalid_argument,
                 fmt::format("how shall {} be impaired? Use words such as delay=20ms, loss=1% or "
                             "partition, or --clear to end it",
                             words.target)});
  }
  const auto body = set(client, {words.target, words.impairment, arguments.seed});
  if (!body) return fail(body.error());
  if (arguments.json) {
    print(control::pretty(*body) + "\n");
    return kOk;
  }
  const auto info = control::decode<control::ImpairmentInfo>(*body);
  if (!info) return fail(info.error());
  print(fmt::format("{}: {} (seed {})\n", info->target, info->impairment, info->seed));
  return kOk;
}

int clear_some(const control::Client& client, const ImpairArguments& arguments) {
  const control::ImpairWords words = control::split_impair_words(arguments.words);
  if (!words.impairment.empty()) {
    return fail({ErrorCode::invalid_argument,
                 fmt::format("--clear takes a target and nothing else, but there is \"{}\"",
                             words.impairment.front())});
  }
  const auto body = clear(client, words.target);
  if (!body) return fail(body.error());
  if (arguments.json) print(*body + "\n");
  return kOk;
}

// Plays a script's steps at their times. Interrupted, or at the first error, it takes back what it
// has set.
class Player {
 public:
  Player(const control::Client& client, const ImpairArguments& arguments)
      : client_(client), arguments_(arguments) {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &signals_, nullptr);
  }

  int play(const std::vector<control::ImpairStep>& steps) {
    const auto start = std::chrono::steady_clock::now();
    for (const control::ImpairStep& step : steps) {
      if (!wait_until(start + step.after)) {
        take_back();
        return kInterrupted;
      }
      if (const auto done = take(step); !done) {
        take_back();
        return fail({done.error().code,
                     fmt::format("{}:{}: {}", arguments_.script, step.line, done.error().message)});
      }
      print(fmt::format("{:.3f}s {}{} {}\n", std::chrono::duration<double>(step.after).count(),
                        step.clear ? "clear " : "", step.target, fmt::join(step.words, " ")));
    }
    return kOk;
  }

 private:
  // False when a signal came first.
  bool wait_until(std::chrono::steady_clock::time_point when) const {
    for (;;) {
      const auto left = std::max<std::chrono::nanoseconds>(when - std::chrono::steady_clock::now(),
                                                           std::chrono::nanoseconds::zero());
      const auto whole = std::chrono::floor<std::chrono::seconds>(left);
      const timespec timeout{whole.count(), static_cast<long>((left - whole).count())};
      if (::sigtimedwait(&signals_, nullptr, &timeout) > 0) return false;
      if (left == std::chrono::nanoseconds::zero()) return true;
    }
  }

  Status<> take(const control::ImpairStep& step) {
    if (step.clear && step.target.empty()) {
      take_back();
      return {};
    }
    if (step.clear) {
      std::erase(set_, step.target);
      const auto body = clear(client_, step.target);
      return body ? Status<>{} : Status<>{body.error()};
    }
    const auto body = set(client_, {step.target, step.words, arguments_.seed});
    if (!body) return body.error();
    std::erase(set_, step.target);
    set_.push_back(step.target);
    return {};
  }

  // Some may have ended by themselves.
  void take_back() {
    for (const std::string& target : std::exchange(set_, {}))
      (void)clear(client_, target);
  }

  const control::Client& client_;
  const ImpairArguments& arguments_;
  sigset_t signals_{};
  std::vector<std::string> set_;
};

int play(const control::Client& client, const ImpairArguments& arguments) {
  std::ifstream file(arguments.script, std::ios::binary);
  std::string text(kScriptBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (!file.eof() && file.fail())) {
    return fail({ErrorCode::not_found, fmt::format("Cannot read {}", arguments.script)});
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kScriptBytes) {
    return fail({ErrorCode::invalid_argument,
                 fmt::format("{} is longer than a script may be (1 MiB)", arguments.script)});
  }
  const auto steps = control::parse_impair_script(text, arguments.script);
  if (!steps) return fail(steps.error());
  return Player(client, arguments).play(*steps);
}

}  // namespace

int impair(const control::Client& client, const ImpairArguments& arguments) {
  if (!arguments.script.empty() && (arguments.clear || !arguments.words.empty())) {
    return fail(
        {ErrorCode::invalid_argument, "--script goes without a target and without --clear"});
  }
  if (!arguments.script.empty()) return play(client, arguments);
  if (arguments.clear) return clear_some(client, arguments);
  if (arguments.words.empty()) return list(client, arguments.json);
  return set_one(client, arguments);
}

}  // namespace pontoon::app
