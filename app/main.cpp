#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "app/command_line.h"

namespace {

using namespace pontoon;
using app::Arguments;

int cut_at_dashes(int argc, char** argv, Arguments& arguments) {
  if (argc < 2 || std::string_view(argv[1]) != "run") return argc;
  for (int i = 2; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--") continue;
    arguments.after_dashes.emplace(argv + i + 1, argv + argc);
    return i;
  }
  return argc;
}

// A lone "->" would be an option for CLI11; the typographic arrow means the same.
std::vector<const char*> keep_arrows(int argc, char** argv) {
  std::vector<const char*> words(argv, argv + argc);
  if (argc < 2 || std::string_view(argv[1]) != "impair") return words;
  std::replace_if(
      words.begin(), words.end(), [](const char* word) { return std::string_view(word) == "->"; },
      "→");
  return words;
}

}  // namespace

int main(int argc, char** argv) {
  const control::Client client(control::default_paths());
  Arguments arguments;
  CLI::App root("pontoon: container networks without privileges", "pontoon");
  root.require_subcommand(0, 1);
  root.set_version_flag("--version", std::string("pontoon ") + std::string(control::kVersion));
  app::add_run(root, arguments, client);
  app::add_attach(root, arguments, client);
  app::add_lists(root, arguments, client);
  app::add_networks(root, arguments, client);
  app::add_impair(root, arguments, client);
  app::add_capture(root, arguments, client);
  app::add_daemon(root, arguments, client);
  app::add_replay(root, arguments);
  argc = cut_at_dashes(argc, argv, arguments);
  const std::vector<const char*> words = keep_arrows(argc, argv);
  try {
    root.parse(argc, words.data());
  } catch (const CLI::CallForHelp& help) {
    return root.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return root.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return root.exit(version);
  } catch (const CLI::ParseError& error) {
    int status = app::kFailed;
    if (root.got_subcommand("run")) status = bridge::kExitFailure;
    if (root.got_subcommand("replay")) status = app::kUnusable;
    return app::fail(
        {ErrorCode::invalid_argument, fmt::format("{}; see `pontoon --help`", error.what())},
        status);
  }
  if (root.get_subcommands().empty()) std::fputs(root.help().c_str(), stdout);
  return arguments.status;
}
