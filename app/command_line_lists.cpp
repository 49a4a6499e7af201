#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "app/command_line.h"

namespace pontoon::app {
namespace {

int create(const control::Client& client, Arguments& arguments) {
  if (!arguments.subnet.empty()) {
    arguments.network.subnet = IpPrefix::parse(arguments.subnet);
    if (!arguments.network.subnet) {
      return fail({ErrorCode::invalid_argument,
                   fmt::format("Invalid --subnet {}: use a prefix such as 172.20.0.0/16",
                               arguments.subnet)});
    }
  }
  if (!arguments.gateway.empty()) {
    arguments.network.gateway = Ipv4Address::parse(arguments.gateway);
    if (!arguments.network.gateway) {
      return fail({ErrorCode::invalid_argument,
                   fmt::format("Invalid --gateway {}: use an IPv4 address within the subnet",
                               arguments.gateway)});
    }
  }
  return create_network(client, arguments.network, arguments.json);
}

}  // namespace

void add_lists(CLI::App& root, Arguments& arguments, const control::Client& client) {
  CLI::App* command = root.add_subcommand("ps", "List endpoints");
  command->add_flag("--json", arguments.json, "As JSON");
  command->add_flag("-q,--quiet", arguments.quiet, "Identifiers only");
  command->callback(
      [&] { arguments.status = list_endpoints(client, arguments.json, arguments.quiet); });

  command = root.add_subcommand("inspect", "Show everything about an endpoint, as JSON");
  command->add_option("NAME", arguments.name)->required();
  command->callback([&] { arguments.status = inspect_endpoint(client, arguments.name); });

  command = root.add_subcommand("port", "List the published ports of an endpoint");
  command->add_option("NAME", arguments.name)->required();
  command->add_option("PORT", arguments.port, "Only this one: 80 or 80/tcp");
  command->add_flag("--json", arguments.json, "As JSON");
  command->callback([&] {
    arguments.status = list_ports(client, arguments.name, arguments.port, arguments.json);
  });

  command = root.add_subcommand("leases", "List address leases");
  command->add_flag("--json", arguments.json, "As JSON");
  command->callback([&] { arguments.status = list_leases(client, arguments.json); });

  command = root.add_subcommand("flows", "List connections through the gateway");
  command->add_flag("--json", arguments.json, "As JSON");
  command->callback([&] { arguments.status = list_flows(client, arguments.json); });

  command = root.add_subcommand("detach", "Take an endpoint off its network");
  command->add_option("NAME", arguments.name)->required();
  command->callback([&] { arguments.status = detach(client, arguments.name); });
}

void add_networks(CLI::App& root, Arguments& arguments, const control::Client& client) {
  CLI::App* network = root.add_subcommand("network", "Manage networks");
  network->require_subcommand(1);

  CLI::App* command = network->add_subcommand("ls", "List networks");
  command->alias("list");
  command->add_flag("--json", arguments.json, "As JSON");
  command->add_flag("-q,--quiet", arguments.quiet, "Identifiers only");
  command->callback(
      [&] { arguments.status = list_networks(client, arguments.json, arguments.quiet); });

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
  command->callback([&] { arguments.status = create(client, arguments); });

  command = network->add_subcommand("inspect", "Show everything about a network, as JSON");
  command->add_option("NAME", arguments.name)->required();
  command->callback([&] { arguments.status = inspect_network(client, arguments.name); });

  command = network->add_subcommand("rm", "Remove networks that have no endpoints");
  command->alias("remove");
  command->add_option("NAME", arguments.names)->required();
  command->callback([&] { arguments.status = remove_networks(client, arguments.names); });
}

}  // namespace pontoon::app
