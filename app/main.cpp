// Argument parsing only: each command's work is in commands_*.cpp.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>

#include "app/commands.h"
#include "core/base/limits.h"

namespace {

using namespace pontoon;
using app::AttachArguments;
using app::RunArguments;

// Option texts become addresses here, so that a bad one is told as such before anything happens.
struct EndpointTexts {
  std::string ip;
  std::string mac;
};

// What every way to attach has in common.
void add_endpoint_options(CLI::App& command, control::EndpointRequest& endpoint,
                          EndpointTexts& texts, bridge::LinkChoice& link) {
  static const std::map<std::string, bridge::LinkChoice> links{
      {"auto", bridge::LinkChoice::automatic},
      {"tap", bridge::LinkChoice::tap},
      {"packet", bridge::LinkChoice::packet}};
  command.add_option("--name", endpoint.name,
                     "Name of the endpoint, also in DNS (default: one is made up)");
  command.add_option("--network,--net", endpoint.network, "Network to join")->capture_default_str();
  command
      .add_option("-p,--publish", endpoint.publish,
                  "Publish a port: [[ip]:][host[-end]]:container[-end][/tcp|udp]")
      ->allow_extra_args(false);
  command.add_option("--expose", endpoint.expose, "Port that -P publishes: port[-end][/tcp|udp]")
      ->allow_extra_args(false);
  command.add_flag("-P,--publish-all", endpoint.publish_all,
                   "Publish every exposed port on a free host port");
  command.add_option("--ip", texts.ip,
                     "IPv4 address (default: the name's last one, else the next free one)");
  command.add_option("--mac,--mac-address", texts.mac, "MAC address (default: made from the name)");
  command.add_option("--alias,--network-alias", endpoint.aliases, "Further name in DNS")
      ->allow_extra_args(false);
  command.add_flag("--dhcp", endpoint.dhcp, "Leave address and routes to a DHCP client inside");
  command.add_option("--link", link, "How frames get in and out: auto, tap or packet")
      ->transform(CLI::CheckedTransformer(links))
      ->option_text("auto|tap|packet");
}

Status<> apply(const EndpointTexts& texts, control::EndpointRequest& endpoint) {
  if (!texts.ip.empty()) {
    endpoint.ip = Ipv4Address::parse(texts.ip);
    if (!endpoint.ip) {
      return Error{
          ErrorCode::invalid_argument,
          fmt::format("Invalid --ip {}: use an IPv4 address such as 172.17.0.10", texts.ip)};
    }
  }
  if (!texts.mac.empty()) {
    endpoint.mac = MacAddress::parse(texts.mac);
    if (!endpoint.mac) {
      return Error{
          ErrorCode::invalid_argument,
          fmt::format("Invalid --mac {}: use six octets such as 02:42:ac:11:00:02", texts.mac)};
    }
  }
  return {};
}

// Everything that the options fill in, for as long as the program runs.
struct Arguments {
  RunArguments run;
  EndpointTexts run_texts;
  AttachArguments attach;
  EndpointTexts attach_texts;
  app::DaemonArguments daemon;
  std::string recorder;
  app::CaptureArguments capture;
  app::ImpairArguments impair;
  app::ReplayArguments replay;
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

void add_run(CLI::App& root, Arguments& arguments, const control::Client& client) {
  CLI::App* command = root.add_subcommand(
      "run", "Run a command on a network of its own: run [OPTIONS] [--] COMMAND [ARG...]");
  static const std::map<std::string, bridge::InnerUser> users{{"root", bridge::InnerUser::root},
                                                              {"keep", bridge::InnerUser::keep}};
  add_endpoint_options(*command, arguments.run.endpoint, arguments.run_texts, arguments.run.link);
  command->add_option("--hostname", arguments.run.endpoint.hostname,
                      "Host name inside (default: the name)");
  command
      ->add_option("--user", arguments.run.user,
                   "Who the command is inside: root or keep (yourself)")
      ->transform(CLI::CheckedTransformer(users))
      ->option_text("root|keep");
  command->prefix_command();
  command->callback([&arguments, command, &client] {
    std::vector<std::string> words = command->remaining();
    const bool separated = words.empty();
    if (!words.empty() && arguments.after_dashes) words.emplace_back("--");
    if (arguments.after_dashes) {
      words.insert(words.end(), arguments.after_dashes->begin(), arguments.after_dashes->end());
    }
    if (words.empty()) {
      arguments.status = app::fail(
          {ErrorCode::invalid_argument, "what shall be run? pontoon run [OPTIONS] [--] COMMAND"},
          bridge::kExitFailure);
      return;
    }
    if (!separated && words.front().starts_with('-')) {
      arguments.status =
          app::fail({ErrorCode::invalid_argument,
                     fmt::format("unknown option {}; see `pontoon run --help`", words.front())},
                    bridge::kExitFailure);
      return;
    }
    arguments.run.command = std::move(words);
    const auto applied = apply(arguments.run_texts, arguments.run.endpoint);
    arguments.status = applied ? app::run(client, arguments.run)
                               : app::fail(applied.error(), bridge::kExitFailure);
  });
}

void add_attach(CLI::App& root, Arguments& arguments, const control::Client& client) {
  CLI::App* command =
      root.add_subcommand("attach", "Give namespaces that someone else made an interface");
  add_endpoint_options(*command, arguments.attach.endpoint, arguments.attach_texts,
                       arguments.attach.link);
  auto* pid = command->add_option("--pid", arguments.attach.pid, "A process in the namespaces");
  auto* path =
      command->add_option("--netns", arguments.attach.netns, "The network namespace's file");
  pid->excludes(path);
  command->add_option("--interface", arguments.attach.interface,
                      "Its name inside (default: the first free ethN)");
  command->callback([&arguments, &client] {
    if (!arguments.attach.pid && arguments.attach.netns.empty()) {
      arguments.status = app::fail(
          {ErrorCode::invalid_argument, "say what to attach to: --pid PID or --netns PATH"});
      return;
    }
    const auto applied = apply(arguments.attach_texts, arguments.attach.endpoint);
    arguments.status = applied ? app::attach(client, arguments.attach) : app::fail(applied.error());
  });
}

void add_lists(CLI::App& root, Arguments& arguments, const control::Client& client) {
  CLI::App* command = root.add_subcommand("ps", "List endpoints");
  command->add_flag("--json", arguments.json, "As JSON");
  command->add_flag("-q,--quiet", arguments.quiet, "Identifiers only");
  command->callback(
      [&] { arguments.status = app::list_endpoints(client, arguments.json, arguments.quiet); });

  command = root.add_subcommand("inspect", "Show everything about an endpoint, as JSON");
  command->add_option("NAME", arguments.name)->required();
  command->callback([&] { arguments.status = app::inspect_endpoint(client, arguments.name); });

  command = root.add_subcommand("port", "List the published ports of an endpoint");
  command->add_option("NAME", arguments.name)->required();
  command->add_option("PORT", arguments.port, "Only this one: 80 or 80/tcp");
  command->add_flag("--json", arguments.json, "As JSON");
  command->callback([&] {
    arguments.status = app::list_ports(client, arguments.name, arguments.port, arguments.json);
  });

  command = root.add_subcommand("leases", "List address leases");
  command->add_flag("--json", arguments.json, "As JSON");
  command->callback([&] { arguments.status = app::list_leases(client, arguments.json); });

  command = root.add_subcommand("flows", "List connections through the gateway");
  command->add_flag("--json", arguments.json, "As JSON");
  command->callback([&] { arguments.status = app::list_flows(client, arguments.json); });

  command = root.add_subcommand("detach", "Take an endpoint off its network");
  command->add_option("NAME", arguments.name)->required();
  command->callback([&] { arguments.status = app::detach(client, arguments.name); });
}

int create_network(const control::Client& client, Arguments& arguments) {
  if (!arguments.subnet.empty()) {
    arguments.network.subnet = IpPrefix::parse(arguments.subnet);
    if (!arguments.network.subnet) {
      return app::fail({ErrorCode::invalid_argument,
                        fmt::format("Invalid --subnet {}: use a prefix such as 172.20.0.0/16",
                                    arguments.subnet)});
    }
  }
  if (!arguments.gateway.empty()) {
    arguments.network.gateway = Ipv4Address::parse(arguments.gateway);
    if (!arguments.network.gateway) {
      return app::fail({ErrorCode::invalid_argument,
                        fmt::format("Invalid --gateway {}: use an IPv4 address within the subnet",
                                    arguments.gateway)});
    }
  }
  return app::create_network(client, arguments.network, arguments.json);
}

void add_networks(CLI::App& root, Arguments& arguments, const control::Client& client) {
  CLI::App* network = root.add_subcommand("network", "Manage networks");
  network->require_subcommand(1);

  CLI::App* command = network->add_subcommand("ls", "List networks");
  command->alias("list");
  command->add_flag("--json", arguments.json, "As JSON");
  command->add_flag("-q,--quiet", arguments.quiet, "Identifiers only");
  command->callback(
      [&] { arguments.status = app::list_networks(client, arguments.json, arguments.quiet); });

  command = network->add_subcommand("create", "Make a network, isolated from the others");
  command->add_option("NAME", arguments.network.name)->required();
  command->add_option("--subnet", arguments.subnet, "IPv4 prefix (default: the next free one)");
  command->add_option("--gateway", arguments.gateway,
                      "The gateway's address (default: the first of the subnet)");
  command->add_option("--mtu", arguments.network.mtu, "Largest IP packet, 1280 to 65520")
      ->capture_default_str();
  command->add_flag("--internal", arguments.network.internal, "No way out to the host's network");
  command->add_flag("--allow-host-loopback", arguments.network.allow_host_loopback,
                    "Let host.pontoon.internal be the host's own 127.0.0.1");
  command->add_flag("--json", arguments.json, "As JSON");
  command->callback([&] { arguments.status = create_network(client, arguments); });

  command = network->add_subcommand("inspect", "Show everything about a network, as JSON");
  command->add_option("NAME", arguments.name)->required();
  command->callback([&] { arguments.status = app::inspect_network(client, arguments.name); });

  command = network->add_subcommand("rm", "Remove networks that have no endpoints");
  command->alias("remove");
  command->add_option("NAME", arguments.names)->required();
  command->callback([&] { arguments.status = app::remove_networks(client, arguments.names); });
}

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
  command->callback([&] { arguments.status = app::impair(client, arguments.impair); });
}

void add_capture(CLI::App& root, Arguments& arguments, const control::Client& client) {
  app::CaptureArguments& capture = arguments.capture;
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
  command->callback([&] { arguments.status = app::capture(client, capture); });
}

Status<> apply_recorder(const std::string& text, app::DaemonArguments& daemon) {
  if (text.empty()) return {};
  const auto size = app::parse_size(text);
  if (!size || *size > limits::kRecorderMaxBytes) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("Invalid --recorder {}: use a size up to {} MiB such as 4MiB, or 0",
                             text, limits::kRecorderMaxBytes >> 20)};
  }
  daemon.recorder_bytes = *size;
  return {};
}

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
    arguments.status = applied ? app::daemon(client, arguments.daemon) : app::fail(applied.error());
  });

  command = root.add_subcommand("stop", "End the daemon; commands of `run` are terminated");
  command->callback([&] { arguments.status = app::stop(client); });

  command = root.add_subcommand("version", "Show the version");
  command->add_flag("--json", arguments.json, "As JSON");
  command->callback([&] { arguments.status = app::version(client, arguments.json); });
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

void add_replay(CLI::App& root, Arguments& arguments) {
  app::ReplayArguments& replay = arguments.replay;
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

int cut_at_dashes(int argc, char** argv, Arguments& arguments) {
  if (argc < 2 || std::string_view(argv[1]) != "run") return argc;
  for (int i = 2; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--") continue;
    arguments.after_dashes.emplace(argv + i + 1, argv + argc);
    return i;
  }
  return argc;
}

}  // namespace

int main(int argc, char** argv) {
  const control::Client client(control::default_paths());
  Arguments arguments;
  CLI::App root("pontoon: container networks without privileges", "pontoon");
  root.require_subcommand(0, 1);
  root.set_version_flag("--version", std::string("pontoon ") + std::string(control::kVersion));
  add_run(root, arguments, client);
  add_attach(root, arguments, client);
  add_lists(root, arguments, client);
  add_networks(root, arguments, client);
  add_impair(root, arguments, client);
  add_capture(root, arguments, client);
  add_daemon(root, arguments, client);
  add_replay(root, arguments);
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
