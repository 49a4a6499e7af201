#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <map>

#include "app/command_line.h"

namespace pontoon::app {
namespace {

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

}  // namespace

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
      arguments.status = fail(
          {ErrorCode::invalid_argument, "what shall be run? pontoon run [OPTIONS] [--] COMMAND"},
          bridge::kExitFailure);
      return;
    }
    if (!separated && words.front().starts_with('-')) {
      arguments.status =
          fail({ErrorCode::invalid_argument,
                fmt::format("unknown option {}; see `pontoon run --help`", words.front())},
               bridge::kExitFailure);
      return;
    }
    arguments.run.command = std::move(words);
    const auto applied = apply(arguments.run_texts, arguments.run.endpoint);
    arguments.status =
        applied ? run(client, arguments.run) : fail(applied.error(), bridge::kExitFailure);
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
      arguments.status =
          fail({ErrorCode::invalid_argument, "say what to attach to: --pid PID or --netns PATH"});
      return;
    }
    const auto applied = apply(arguments.attach_texts, arguments.attach.endpoint);
    arguments.status = applied ? attach(client, arguments.attach) : fail(applied.error());
  });
}

}  // namespace pontoon::app
