#include "lab/replay/case.h"

#include <fmt/format.h>

#include <charconv>

#include "control/impair_target.h"
#include "control/names.h"
#include "core/base/drop.h"
#include "core/base/limits.h"
#include "core/link/impairment.h"
#include "lab/replay/case_table.h"
#include "proxy/port_spec.h"

namespace pontoon::lab {
namespace {

constexpr std::string_view kAddressExample = "an IPv4 address such as 172.17.0.2";
constexpr std::string_view kMacExample = "six octets such as 02:42:ac:11:00:02";
constexpr std::string_view kSocketExample =
    "an address and a port such as 192.0.2.1:80 or [2001:db8::1]:80";
constexpr std::int64_t kManyBytes = std::int64_t{1} << 40;

std::optional<SocketAddress> parse_socket_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto ip = IpAddress::parse(host);
  SocketAddress address;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (!ip || ip->is_v4() == bracketed) return std::nullopt;
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  if (address.port == 0) return std::nullopt;
  address.ip = *ip;
  return address;
}

void read_socket(CaseTable& table, std::string_view key, SocketAddress& out) {
  table.require(key);
  table.read_as(key, out, parse_socket_address, kSocketExample);
}

void read_mac(CaseTable& table, std::string_view key, std::optional<MacAddress>& out) {
  const auto parse = [](std::string_view text) -> std::optional<std::optional<MacAddress>> {
    const auto mac = MacAddress::parse(text);
    if (!mac) return std::nullopt;
    return mac;
  };
  table.read_as(key, out, parse, kMacExample);
}

void read_name(CaseTable& table, std::string_view key, std::string& out) {
  table.read(key, out);
  if (!table.has(key)) return;
  if (auto valid = control::check_name("name", out); !valid)
    table.mistake(key, valid.error().message);
}

void read_count(CaseTable& table, std::string_view key, std::optional<std::uint64_t>& out) {
  std::uint64_t count = 0;
  const bool given = table.has(key);
  table.read_number(key, count, 0, kManyBytes);
  if (given) out = count;
}

// --- networks and endpoints ---

void read_network(CaseTable& table, std::vector<control::NetworkSpec>& out) {
  control::NetworkSpec spec;
  spec.name = control::kDefaultNetwork;
  read_name(table, "name", spec.name);
  table.require("subnet");
  table.read_as("subnet", spec.subnet, IpPrefix::parse, "a prefix such as 172.20.0.0/16");
  const bool usable =
      spec.subnet.address.is_v4() && spec.subnet.length >= 8 && spec.subnet.length <= 30;
  if (!usable) return table.mistake("subnet", "must be an IPv4 prefix from /8 to /30");
  spec.subnet.address = spec.subnet.network();
  spec.gateway = Ipv4Address{spec.subnet.address.v4().value + 1};
  table.read_as("gateway", spec.gateway, Ipv4Address::parse, kAddressExample);
  const bool inside = spec.subnet.contains(spec.gateway) &&
                      spec.gateway != spec.subnet.address.v4() &&
                      spec.gateway != spec.subnet.last().v4();
  if (!inside)
    table.mistake("gateway", fmt::format("must be a host of {}", spec.subnet.to_string()));
  read_mac(table, "gateway_mac", spec.gateway_mac);
  table.read_number("mtu", spec.mtu, 1280, 65520);
  table.read("internal", spec.internal);
  table.read("allow_host_loopback", spec.allow_host_loopback);
  out.push_back(std::move(spec));
}

void read_ports(CaseTable& table, control::EndpointRequest& request) {
  table.read("publish", request.publish);
  if (const auto ports = proxy::parse_publications(request.publish); !ports)
    table.mistake("publish", ports.error().message);
  table.read("expose", request.expose);
  if (const auto ports = proxy::parse_exposed(std::span<const std::string>(request.expose)); !ports)
    table.mistake("expose", ports.error().message);
  table.read("publish_all", request.publish_all);
}

void read_endpoint(CaseTable& table, std::vector<CaseEndpoint>& out) {
  CaseEndpoint endpoint;
  control::EndpointRequest& request = endpoint.request;
  table.require("name");
  read_name(table, "name", request.name);
  table.read("network", request.network);
  read_name(table, "hostname", request.hostname);
  const auto parse = [](std::string_view text) -> std::optional<std::optional<Ipv4Address>> {
    const auto address = Ipv4Address::parse(text);
    if (!address) return std::nullopt;
    return address;
  };
  table.read_as("ip", request.ip, parse, kAddressExample);
  read_mac(table, "mac", request.mac);
  table.read("aliases", request.aliases);
  read_ports(table, request);
  table.read("dhcp", request.dhcp);
  table.read("interface", endpoint.interface);
  table.read_list("senders", endpoint.senders, MacAddress::parse, kMacExample);
  out.push_back(std::move(endpoint));
}

// --- the world outside ---

void read_name_record(CaseTable& table, std::vector<NameRecord>& out) {
  NameRecord record;
  for (const std::string_view key : {"name", "type", "data"})
    table.require(key);
  table.read("name", record.name);
  table.read("type", record.type);
  table.read("data", record.data);
  table.read_number("ttl", record.ttl_s, 0, 0x7fffffff);
  UpstreamNames trial;
  if (auto added = trial.add(record); !added) table.mistake("data", added.error().message);
  out.push_back(std::move(record));
}

void read_upstream(CaseTable& table, Case& out) {
  using Mood = UpstreamNames::Mood;
  table.read_choice("mood", out.upstream_mood,
                    {{"well", Mood::well},
                     {"slow", Mood::slow},
                     {"dead", Mood::dead},
                     {"refusing", Mood::refusing},
                     {"lying", Mood::lying}});
  table.read("latency", out.upstream_latency);
}

void read_tcp_service(CaseTable& table, std::vector<TcpService>& out) {
  using Connect = TcpService::Connect;
  using Talk = TcpService::Talk;
  TcpService service;
  read_socket(table, "at", service.at);
  table.read_choice("connect", service.connect,
                    {{"accept", Connect::accept},
                     {"refuse", Connect::refuse},
                     {"unreachable", Connect::unreachable},
                     {"hang", Connect::hang}});
  table.read_choice("talk", service.talk,
                    {{"echo", Talk::echo},
                     {"discard", Talk::discard},
                     {"reply", Talk::reply},
                     {"silent", Talk::silent}});
  table.read("latency", service.latency);
  table.read_bytes("greeting", service.greeting);
  table.read_bytes("reply", service.reply);
  table.read_number("read_bytes_per_s", service.read_bytes_per_s, 0, kManyBytes);
  read_count(table, "close_after", service.close_after);
  read_count(table, "reset_after", service.reset_after);
  out.push_back(std::move(service));
}

void read_udp_service(CaseTable& table, std::vector<UdpService>& out) {
  using Answer = UdpService::Answer;
  UdpService service;
  read_socket(table, "at", service.at);
  table.read_choice("answer", service.answer,
                    {{"echo", Answer::echo},
                     {"reply", Answer::reply},
                     {"refuse", Answer::refuse},
                     {"silent", Answer::silent}});
  table.read_bytes("reply", service.reply);
  table.read("latency", service.latency);
  out.push_back(std::move(service));
}

void read_tcp_client(CaseTable& table, std::vector<Timed>& out) {
  TcpClient client;
  Timed timed;
  read_socket(table, "from", client.from);
  read_socket(table, "to", client.to);
  table.read("after", timed.after);
  table.read_bytes("send", client.send);
  table.read("shut_down", client.shut_down);
  read_count(table, "reset_after", client.reset_after);
  timed.tcp = std::move(client);
  out.push_back(std::move(timed));
}

void read_udp_client(CaseTable& table, std::vector<Timed>& out) {
  UdpClient client;
  Timed timed;
  read_socket(table, "from", client.from);
  read_socket(table, "to", client.to);
  table.read("after", timed.after);
  table.read_bytes("send", client.send);
  timed.udp = std::move(client);
  out.push_back(std::move(timed));
}

void read_impairment(CaseTable& table, std::vector<TimedImpairment>& out) {
  TimedImpairment impairment;
  table.require("target");
  table.require("words");
  table.read("after", impairment.after);
  table.read("target", impairment.target);
  table.read("words", impairment.words);
  if (const auto target = control::parse_target(impairment.target); !target)
    table.mistake("target", target.error().message);
  const auto parsed = parse_impairment(control::split_at_spaces(impairment.words));
  if (!parsed) table.mistake("words", parsed.error().message);
  out.push_back(std::move(impairment));
}

void read_drops(CaseTable& table, Case& out) {
  const auto counts = table.read_counts("drops");
  if (!counts) return;
  out.drops.emplace();
  for (const auto& [name, count] : *counts) {
    const std::size_t slash = name.rfind('/');
    const std::string reason = slash == std::string::npos ? "" : name.substr(slash + 1);
    bool known = false;
    for (std::size_t i = 0; i < kDropReasonCount; ++i)
      known = known || to_string(static_cast<DropReason>(i)) == reason;
    if (!known) {
      table.mistake("drops", fmt::format("\"{}\" must be WHERE/REASON with a drop reason, such as "
                                         "web/guard_source_ip (docs/limits.md lists them)",
                                         name));
    }
    out.drops->push_back({name.substr(0, slash), reason, static_cast<std::uint64_t>(count)});
  }
}

void read_services(CaseTable& root, Case& out) {
  constexpr std::size_t kMost = limits::kCaseActors;
  root.for_each_table("name", kMost, [&](CaseTable& t) { read_name_record(t, out.names); });
  root.for_each_table("upstream", 1, [&](CaseTable& t) { read_upstream(t, out); });
  root.for_each_table("tcp_service", kMost,
                      [&](CaseTable& t) { read_tcp_service(t, out.tcp_services); });
  root.for_each_table("udp_service", kMost,
                      [&](CaseTable& t) { read_udp_service(t, out.udp_services); });
  root.for_each_table("tcp_client", kMost, [&](CaseTable& t) { read_tcp_client(t, out.clients); });
  root.for_each_table("udp_client", kMost, [&](CaseTable& t) { read_udp_client(t, out.clients); });
  root.for_each_table("impair", kMost, [&](CaseTable& t) { read_impairment(t, out.impairments); });
  root.read_list("echo_hosts", out.echo_hosts, IpAddress::parse, "an address such as 192.0.2.1");
}

void read_case(CaseTable& root, Case& out) {
  root.read("title", out.title);
  root.read("origin", out.origin);
  root.read_number("seed", out.seed, 0, INT64_MAX);
  root.read("input", out.input);
  root.read("after", out.after);
  root.read("adapt", out.adapt);
  root.read_list("replaced", out.replaced, MacAddress::parse, kMacExample);
  root.read_list("stand_ins", out.stand_ins, Ipv4Address::parse, kAddressExample);
  root.for_each_table("network", limits::kNetworks,
                      [&](CaseTable& t) { read_network(t, out.networks); });
  root.for_each_table("endpoint", limits::kEndpoints,
                      [&](CaseTable& t) { read_endpoint(t, out.endpoints); });
  read_services(root, out);
  read_drops(root, out);
  root.finish();
}

}  // namespace

Result<Case> parse_case(std::string_view toml, std::string_view file_name) {
  const auto document = read_toml(toml, file_name);
  if (!document) return document.error();
  CaseMistakes mistakes{std::string(file_name), {}};
  CaseTable root(*document, "", mistakes);
  Case out;
  read_case(root, out);
  if (mistakes.first) return *mistakes.first;
  if (out.endpoints.empty()) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("{}: there is no endpoint; write at least [[endpoint]] and its name",
                             file_name)};
  }
  if (out.networks.empty()) {
    control::NetworkSpec spec;
    spec.name = control::kDefaultNetwork;
    spec.subnet = *IpPrefix::parse("172.17.0.0/16");
    spec.gateway = Ipv4Address::of(172, 17, 0, 1);
    out.networks.push_back(std::move(spec));
  }
  return out;
}

}  // namespace pontoon::lab
