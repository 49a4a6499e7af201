#include <CLI/CLI.hpp>

#include "app/command_line.h"

namespace pontoon::app {

void add_impair(CLI::App& root, Arguments& arguments, const control::Client& client) {
  CLI::App* command = root.add_subcommand(
      "impair", "Make links bad on purpose: impair TARGET delay=20ms loss=1% ...; alone, list");
  command->add_option(
      "WORDS", arguments.impair.words,
      "NETWORK, A, A B or 'A -> B' (host for the gateway); then delay= loss= burst= "
      "duplicate= reorder= corrupt= rate= queue= for= or partition");
  command->add_flag("--clear", arguments.impair.clear, "End it: on this target, or everywhere");
  command->add_option("--seed", arguments.impair.seed, "What chance is drawn from (default: any)");
  command->add_option("--script", arguments.impair.script, "Play a timeline from a file");
  command->add_flag("--json", arguments.impair.json, "As JSON");
  command->callback([&] { arguments.status = impair(client, arguments.impair); });
}

void add_capture(CLI::App& root, Arguments& arguments, const control::Client& client) {
  CaptureArguments& capture = arguments.capture;
  CLI::App* command = root.add_subcommand(
      "capture", "Show frames, or write them as pcapng: capture [NETWORK|ENDPOINT] [FILTER...]");
  command->add_option("WORDS", capture.words,
                      "A network or an endpoint, then a filter: tcp port 80");
  command->add_option("-w,--write", capture.write, "Write pcapng to FILE, or - for standard output")
      ->option_text("FILE");
  command->add_option("-s,--snap", capture.snap_length, "Keep the first N bytes of each frame")
      ->option_text("N");
  command->add_option("-c,--count", capture.count, "End after N frames")->option_text("N");
  command->add_option("--last", capture.last, "What the flight recorder holds of the last DURATION")
      ->option_text("DURATION");
  command
      ->add_option("--rotate", capture.rotate,
                   "Begin the next file at this size (10MiB) or age (5min)")
      ->option_text("SIZE|DURATION");
  command->add_option("--files", capture.files, "With --rotate: keep N files, the oldest goes")
      ->option_text("N");
  command->callback([&] { arguments.status = app::capture(client, arguments.capture); });
}

void add_replay(CLI::App& root, Arguments& arguments) {
  ReplayArguments& replay = arguments.replay;
  CLI::App* command = root.add_subcommand(
      "replay", "Play captured frames through a network in virtual time; see docs/replay.md");
  command
      ->add_option("CASE", replay.cases,
                   "Directory with a case.toml, a case file, or a capture (- is standard input)")
      ->required();
  command
      ->add_option("--expect", replay.expected,
                   "Compare with the captures in DIR (default: the case's expected/)")
      ->option_text("DIR");
  command->add_flag("--update", replay.update, "Rewrite what is expected instead of comparing");
  command
      ->add_option("--map", replay.map,
                   "In a capture without a case: this station is the endpoint NAME")
      ->option_text("ADDRESS=NAME")
      ->allow_extra_args(false);
  command->add_option("--seed", replay.seed, "Seed of all randomness (default: the case's)")
      ->option_text("N");
  command->add_option("-o,--output", replay.output, "Write what each port was sent to DIR")
      ->option_text("DIR");
  command->add_flag("--json", replay.json, "As JSON, one object per case");
  command->add_flag("-q,--quiet", replay.quiet, "Differences only");
  command->callback([&arguments] { arguments.status = app::replay(arguments.replay); });
}

}  // namespace pontoon::app
