#include "lab/adopt/adopt.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "control/names.h"
#include "lab/adopt/adopt_callers.h"
#include "lab/adopt/adopt_plan.h"
#include "lab/adopt/adopt_services.h"
#include "lab/adopt/adopt_survey.h"
#include "lab/world/world.h"

namespace pontoon::lab {
namespace {

constexpr std::size_t kClientNotes = 20;  // as many clients are told of one by one

std::optional<MacAddress> find_station(const Survey& survey, const std::string& who) {
  if (const auto mac = MacAddress::parse(who)) {
    return survey.find(*mac) != nullptr ? mac : std::nullopt;
  }
  const auto address = IpAddress::parse(who);
  if (!address || !address->is_v4()) return std::nullopt;
  for (const Station& station : survey.stations) {
    if (station.claims.contains(address->v4()) || station.firm_address() == address->v4()) {
      return station.mac;
    }
  }
  for (const Station& station : survey.stations) {
    if (station.addresses.contains(address->v4())) return station.mac;
  }
  return std::nullopt;
}

std::string known_stations(const Survey& survey) {
  constexpr std::size_t kShown = 10;
  std::string out;
  for (const Station& station : survey.stations) {
    if (station.frames == 0) continue;
    const auto address = station.firm_address();
    if (!out.empty()) out += ", ";
    if (out.size() > kShown * 20) return out + "...";
    out += address ? address->to_string() : station.mac.to_string();
  }
  return out;
}

Result<std::map<MacAddress, std::string>> chosen_stations(const Survey& survey,
                                                          const AdoptOptions& options) {
  std::map<MacAddress, std::string> chosen;
  for (const auto& [who, name] : options.map) {
    if (auto valid = control::check_name("name", name); !valid) return valid.error();
    const auto mac = find_station(survey, who);
    if (!mac) {
      return Error{
          ErrorCode::not_found,
          fmt::format("--map {}={}: nobody in the capture has the address {}; there are {}", who,
                      name, who, known_stations(survey))};
    }
    if (!chosen.emplace(*mac, name).second) {
      return Error{ErrorCode::conflict,
                   fmt::format("--map {}={}: {} is called {} already; a station has one name", who,
                               name, who, chosen[*mac])};
    }
  }
  return chosen;
}

std::string network_name(std::size_t number) {
  return number == 0 ? std::string(control::kDefaultNetwork)
                     : fmt::format("network-{}", number + 1);
}

Status<> add_networks(const Plan& plan, Adopted& out) {
  for (std::size_t i = 0; i < plan.networks.size(); ++i) {
    const NetworkPlan& network = plan.networks[i];
    auto spec = spec_for(network_name(i), network.subnet.to_string());
    if (!spec) return spec.error();
    spec->gateway = network.gateway;
    spec->gateway_mac = network.gateway_mac;
    out.description.networks.push_back(*spec);
    out.description.stand_ins.insert(out.description.stand_ins.end(), network.stand_ins.begin(),
                                     network.stand_ins.end());
    out.notes.push_back(fmt::format("network {}: {}, gateway {} ({})", spec->name,
                                    network.subnet.to_string(), network.gateway.to_string(),
                                    network.reason));
  }
  return {};
}

const char* how(const control::EndpointRequest& request) {
  if (request.relay) return " (relays DHCP)";
  return request.dhcp ? " (asks by DHCP)" : "";
}

void add_clients(const Plan& plan, Adopted& out) {
  for (const ClientPlan& client : plan.clients) {
    CaseEndpoint endpoint;
    endpoint.request.name = client.name;
    endpoint.request.network = network_name(client.network);
    endpoint.request.ip = client.address;
    endpoint.request.mac = client.station->mac;
    endpoint.request.relay = client.station->relays;
    endpoint.request.dhcp = client.station->asks_dhcp && !client.station->relays;
    endpoint.senders = {client.station->mac};
    if (out.description.endpoints.size() < kClientNotes) {
      out.notes.push_back(fmt::format("{}: {}, {}{}", client.name, client.station->mac.to_string(),
                                      client.address.to_string(), how(endpoint.request)));
    }
    out.description.endpoints.push_back(std::move(endpoint));
  }
  if (plan.clients.size() > kClientNotes) {
    out.notes.push_back(fmt::format("... and {} more clients", plan.clients.size() - kClientNotes));
  }
}

void add_servers(const CaptureFile& capture, const Plan& plan, const Survey& survey, Adopted& out) {
  const auto is_outside = [&](Ipv4Address address) {
    return is_host_address(address) &&
           std::none_of(plan.networks.begin(), plan.networks.end(),
                        [&](const NetworkPlan& n) { return n.subnet.contains(address); });
  };
  AdoptedServices services = adopt_services(capture, is_outside);
  Case& description = out.description;
  description.tcp_services = std::move(services.tcp);
  description.udp_services = std::move(services.udp);
  description.echo_hosts = std::move(services.echo_hosts);
  description.responses = survey.responses;
  description.replaced.assign(plan.replaced.begin(), plan.replaced.end());
  if (!plan.replaced.empty()) {
    out.notes.push_back(fmt::format("stations replaced by our gateway: {}", plan.replaced.size()));
  }
  for (const auto& [address, count] : survey.dns_targets) {
    const bool ours =
        std::any_of(plan.networks.begin(), plan.networks.end(),
                    [asked = address](const NetworkPlan& n) { return n.gateway == asked; });
    if (!ours) {
      out.notes.push_back(fmt::format("DNS queries to {} are answered by our gateway in its name",
                                      address.to_string()));
    }
  }
}

Error nothing_usable(const CaptureFile& capture) {
  std::set<std::string> types;
  for (const capture::Interface& interface : capture.interfaces) {
    if (interface.link_type == capture::LinkType::ethernet) continue;
    types.insert(std::to_string(static_cast<unsigned>(interface.link_type)));
  }
  if (types.empty()) {
    return {ErrorCode::invalid_argument,
            fmt::format("the capture has no usable frame: all of its {} packets are cut short, or "
                        "no Ethernet frames; capture with a larger snap length",
                        capture.packets.size())};
  }
  return {ErrorCode::invalid_argument,
          fmt::format("the capture has no usable frame: its link type is {}; use one of Ethernet, "
                      "Linux cooked mode, raw IP or loopback (tcpdump -L shows an interface's)",
                      fmt::join(types, " and "))};
}

void add_callers(const CaptureFile& capture, const Plan& plan, Adopted& out) {
  adopt_callers(capture, plan, out.description);
  if (out.description.clients.empty()) return;
  std::size_t ports = 0;
  for (const CaseEndpoint& endpoint : out.description.endpoints)
    ports += endpoint.request.publish.size();
  out.notes.push_back(
      fmt::format("connections from outside to endpoints come through published ports: {} to {}",
                  out.description.clients.size(), ports == 1 ? "one" : fmt::format("{}", ports)));
}

}  // namespace

Result<Adopted> adopt(const CaptureFile& capture, const AdoptOptions& options) {
  const Survey seen = survey(capture);
  if (seen.usable == 0) return nothing_usable(capture);
  const auto chosen = chosen_stations(seen, options);
  if (!chosen) return chosen.error();
  const Plan plan = make_plan(seen, *chosen);
  Adopted out;
  out.description.title = "a stranger's capture";
  out.description.origin = "adopted";
  out.description.seed = options.seed;
  out.description.adapt = true;
  if (auto added = add_networks(plan, out); !added) return added.error();
  add_clients(plan, out);
  add_servers(capture, plan, seen, out);
  add_callers(capture, plan, out);
  out.notes.insert(out.notes.end(), plan.notes.begin(), plan.notes.end());
  if (plan.clients.empty()) {
    out.notes.push_back("nobody in the capture asks for anything: there is nothing to play");
  }
  if (seen.cut > 0) {
    out.notes.push_back(fmt::format(
        "{} packets were cut when they were captured and are not played; capture with a larger "
        "snap length (tcpdump -s 0)",
        seen.cut));
  }
  if (seen.overlooked > 0) {
    out.notes.push_back(fmt::format("{} packets are of stations beyond the first {}, not played",
                                    seen.overlooked, limits::kAdoptedStations));
  }
  return out;
}

}  // namespace pontoon::lab
