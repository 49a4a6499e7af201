// What is typed behind `pontoon`: each function adds its commands to the parser. The work is done
// in commands_*.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/commands.h"

namespace CLI {
class App;
}

namespace pontoon::app {

// Option texts become addresses here, so that a bad one is told as such before anything happens.
struct EndpointTexts {
  std::string ip;
  std::string mac;
};

// Everything that the options fill in, for as long as the program runs.
struct Arguments {
  RunArguments run;
  EndpointTexts run_texts;
  AttachArguments attach;
  EndpointTexts attach_texts;
  DaemonArguments daemon;
  std::string recorder;
  CaptureArguments capture;
  ImpairArguments impair;
  ReplayArguments replay;
  control::NetworkRequest network;
  std::string subnet;
  std::string gateway;
  std::string name;
  std::string port;
  std::vector<std::string> names;
  // What stood behind the first "--" of `run`. CLI11 hands it to the parent command, so it is cut
  // off before parsing.
  std::optional<std::vector<std::string>> after_dashes;
  bool json = false;
  bool quiet = false;
  int status = 0;
};

void add_run(CLI::App& root, Arguments& arguments, const control::Client& client);
void add_attach(CLI::App& root, Arguments& arguments, const control::Client& client);
void add_lists(CLI::App& root, Arguments& arguments, const control::Client& client);
void add_networks(CLI::App& root, Arguments& arguments, const control::Client& client);
void add_impair(CLI::App& root, Arguments& arguments, const control::Client& client);
void add_capture(CLI::App& root, Arguments& arguments, const control::Client& client);
void add_daemon(CLI::App& root, Arguments& arguments, const control::Client& client);
void add_replay(CLI::App& root, Arguments& arguments);

}  // namespace pontoon::app
