#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "app/command_line.h"
#include "core/base/limits.h"

namespace pontoon::app {
namespace {

Status<> apply_recorder(const std::string& text, DaemonArguments& daemon) {
  if (text.empty()) return {};
  const auto size = parse_size(text);
  if (!size || *size > limits::kRecorderMaxBytes) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("Invalid --recorder {}: use a size up to {} MiB such as 4MiB, or 0",
                             text, limits::kRecorderMaxBytes >> 20)};
  }
  daemon.recorder_bytes = *size;
  return {};
}

}  // namespace

void add_daemon(CLI::App& root, Arguments& arguments, const control::Client& client) {
  static const std::map<std::string, log::Level> levels{{"debug", log::Level::debug},
                                                        {"info", log::Level::info},
                                                        {"warning", log::Level::warning},
                                                        {"error", log::Level::error}};
  CLI::App* command = root.add_subcommand(
      "daemon", "Serve networks in the foreground (`run` starts one by itself)");
  command->add_flag("--background", arguments.daemon.background)->group("");
  command->add_option("--log-level", arguments.daemon.level, "debug, info, warning or error")
      ->transform(CLI::CheckedTransformer(levels))
      ->option_text("LEVEL");
  command
      ->add_option("--recorder", arguments.recorder,
                   "Memory of each network's flight recorder; 0: none (default: 4MiB)")
      ->option_text("SIZE");
  command->callback([&] {
    const auto applied = apply_recorder(arguments.recorder, arguments.daemon);
    arguments.status = applied ? daemon(client, arguments.daemon) : fail(applied.error());
  });

  command = root.add_subcommand("stop", "End the daemon; commands of `run` are terminated");
  command->callback([&] { arguments.status = stop(client); });

  command = root.add_subcommand("version", "Show the version");
  command->add_flag("--json", arguments.json, "As JSON");
  command->callback([&] { arguments.status = version(client, arguments.json); });
}

}  // namespace pontoon::app
