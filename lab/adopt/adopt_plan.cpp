// Who stands where. A client stands in the network of its surest address, else in the one that most
// stand in. The gateway takes the address of the captured DHCP server, so that what clients say to
// it needs no change; without one that of the DNS server, or of the router.
#include "lab/adopt/adopt_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/base/limits.h"
#include "lab/adopt/adopt_networks.h"

namespace pontoon::lab {
namespace {

class Planner {
 public:
  Planner(const Survey& survey, const std::map<MacAddress, std::string>& chosen)
      : survey_(survey), chosen_(chosen) {}
  Plan run();

 private:
  struct Vote {
    std::size_t weight = 0;
    std::string reason;
  };
  using Votes = std::map<Ipv4Address, Vote>;

  std::optional<std::size_t> network_with(Ipv4Address address) const;
  bool is_server(const Station& station) const;
  bool is_router(const Station& station) const;
  bool is_client(const Station& station) const;
  void find_clients();
  void place_clients();
  void drop_empty_networks();
  void make_room();
  void choose_gateway(std::size_t number);
  Votes votes_for(std::size_t number) const;
  std::set<Ipv4Address> client_addresses() const;
  void choose_gateway_mac(NetworkPlan& network);
  void find_stand_ins(NetworkPlan& network);
  void give_addresses();
  std::optional<Ipv4Address> free_address(std::size_t number);
  void find_replaced();
  std::string unique_name(const Station& station);

  const Survey& survey_;
  const std::map<MacAddress, std::string>& chosen_;
  Plan plan_;
  std::set<MacAddress> clients_;
  std::set<std::string> names_;
  unsigned nameless_ = 0;
  std::set<Ipv4Address> taken_;
};

std::optional<std::size_t> Planner::network_with(Ipv4Address address) const {
  return lab::network_with(plan_.networks, address);
}

// Its own address is one that it claims by ARP; what else it sends from is somebody behind it.
bool Planner::is_router(const Station& station) const {
  for (const Grant& grant : survey_.grants) {
    if (grant.router && station.claims.contains(*grant.router)) return true;
  }
  const auto foreign = [&](const auto& used) {
    const bool own = station.claims.contains(used.first) || station.firm_address() == used.first;
    return !own && !network_with(used.first);
  };
  if (std::any_of(station.addresses.begin(), station.addresses.end(), foreign)) {
    return !station.asks_dhcp;
  }
  const auto address = station.main_address();
  return !station.initiates && !station.asks_dhcp && address && !network_with(*address);
}

bool Planner::is_server(const Station& station) const {
  return station.answers || station.heard || (is_router(station) && !station.relays);
}

bool Planner::is_client(const Station& station) const {
  if (!chosen_.empty()) return chosen_.contains(station.mac);
  return station.frames > 0 && !is_server(station);
}

void Planner::find_clients() {
  std::size_t left = 0;
  std::size_t silent = 0;
  for (const Station& station : survey_.stations) {
    if (station.frames == 0 && station.others > 0) ++silent;
    if (!is_client(station)) continue;
    if (plan_.clients.size() >= limits::kAdoptedEndpoints) {
      ++left;
      continue;
    }
    clients_.insert(station.mac);
    plan_.clients.push_back({&station, unique_name(station), 0, {}});
  }
  if (left > 0) {
    plan_.notes.push_back(fmt::format("{} more clients are not played: a capture has at most {}",
                                      left, limits::kAdoptedEndpoints));
  }
  if (silent > 0) {
    plan_.notes.push_back(fmt::format(
        "stations that speak neither ARP nor IPv4 are not played, networks are IPv4 only: {}",
        silent));
  }
}

std::string Planner::unique_name(const Station& station) {
  const auto given = chosen_.find(station.mac);
  std::string base = given != chosen_.end() ? given->second : sanitised(station.name);
  if (base.empty() && station.relays) base = "relay";
  if (base.empty()) base = fmt::format("client-{}", ++nameless_);
  std::string name = base;
  for (unsigned number = 2; !names_.insert(name).second; ++number) {
    const std::string suffix = fmt::format("-{}", number);
    name = base.substr(0, limits::kNameBytes - suffix.size()) + suffix;
  }
  return name;
}

void Planner::place_clients() {
  std::vector<std::size_t> population(plan_.networks.size());
  std::vector<ClientPlan*> homeless;
  for (ClientPlan& client : plan_.clients) {
    std::optional<std::size_t> home;
    if (client.station->giaddr) home = network_with(*client.station->giaddr);
    for (const Ipv4Address address : client.station->evidence()) {
      if (!home) home = network_with(address);
    }
    if (home) {
      client.network = *home;
      ++population[*home];
    } else {
      homeless.push_back(&client);
    }
  }
  const auto most = std::max_element(population.begin(), population.end());
  for (ClientPlan* client : homeless)
    client->network = static_cast<std::size_t>(most - population.begin());
}

void Planner::drop_empty_networks() {
  std::vector<NetworkPlan> kept;
  std::vector<std::size_t> number(plan_.networks.size());
  for (std::size_t i = 0; i < plan_.networks.size(); ++i) {
    const bool inhabited =
        std::any_of(plan_.clients.begin(), plan_.clients.end(),
                    [&](const ClientPlan& client) { return client.network == i; });
    number[i] = kept.size();
    if (inhabited) kept.push_back(plan_.networks[i]);
  }
  if (kept.empty()) return;
  plan_.networks = std::move(kept);
  for (ClientPlan& client : plan_.clients)
    client.network = number[client.network];
}

// A guessed network that is too small for its clients grows, as far as it meets no other one.
void Planner::make_room() {
  for (std::size_t i = 0; i < plan_.networks.size(); ++i) {
    NetworkPlan& network = plan_.networks[i];
    const auto clients = static_cast<std::size_t>(
        std::count_if(plan_.clients.begin(), plan_.clients.end(),
                      [&](const ClientPlan& client) { return client.network == i; }));
    constexpr std::size_t kOthers = 8;  // network, broadcast, gateway, what stands in
    while (!network.given && network.subnet.length > 8 &&
           (std::size_t{1} << (32 - network.subnet.length)) < clients + kOthers) {
      const IpPrefix wider = prefix_of(network.subnet.address.v4(), network.subnet.length - 1U);
      const bool meets =
          std::any_of(plan_.networks.begin(), plan_.networks.end(), [&](const NetworkPlan& other) {
            return &other != &network && other.subnet.overlaps(wider);
          });
      if (meets) break;
      network.subnet = wider;
    }
  }
}

std::set<Ipv4Address> Planner::client_addresses() const {
  std::set<Ipv4Address> out;
  for (const ClientPlan& client : plan_.clients) {
    if (const auto address = client.station->firm_address()) out.insert(*address);
  }
  return out;
}

Planner::Votes Planner::votes_for(std::size_t number) const {
  const NetworkPlan& network = plan_.networks[number];
  Votes votes;
  const auto vote = [&](std::optional<Ipv4Address> address, std::size_t weight, const char* why) {
    if (!address || !is_usable(network.subnet, *address)) return;
    Vote& given = votes[*address];
    given.weight += weight;
    if (given.reason.empty()) given.reason = why;
  };
  bool dhcp = false;
  for (const Grant& grant : survey_.grants) {
    if (!is_usable(network.subnet, grant.address)) continue;
    dhcp = true;
    vote(grant.server, 100'000, "the captured DHCP server's address");
    vote(grant.router, 100, "the captured router's address");
  }
  for (const ClientPlan& client : plan_.clients) {
    if (client.network != number) continue;
    dhcp = dhcp || client.station->server;
    vote(client.station->server, 10'000, "the DHCP server that clients name");
  }
  for (const auto& [address, count] : survey_.dhcp_targets)
    vote(address, 10'000, "where clients renew");
  for (const auto& [address, count] : survey_.dns_targets)
    vote(address, dhcp ? 10 : 1'000, "the DNS server that clients ask");
  for (const auto& [address, count] : survey_.arp_targets)
    vote(address, 1, "the station that clients look for");
  return votes;
}

void Planner::choose_gateway(std::size_t number) {
  NetworkPlan& network = plan_.networks[number];
  const std::set<Ipv4Address> occupied = client_addresses();
  std::size_t best = 0;
  for (const auto& [address, vote] : votes_for(number)) {
    if (vote.weight <= best || occupied.contains(address)) continue;
    best = vote.weight;
    network.gateway = address;
    network.reason = vote.reason;
  }
  if (best == 0) {
    network.gateway = {network.subnet.network().v4().value + 1};
    while (occupied.contains(network.gateway))
      ++network.gateway.value;
    network.reason = "the first free address";
  }
  choose_gateway_mac(network);
}

void Planner::choose_gateway_mac(NetworkPlan& network) {
  for (const auto* stations : {&survey_.owners, &survey_.ways}) {
    const auto found = stations->find(network.gateway);
    if (found == stations->end() || clients_.contains(found->second)) continue;
    network.gateway_mac = found->second;
    return;
  }
}

void Planner::find_stand_ins(NetworkPlan& network) {
  const std::set<Ipv4Address> occupied = client_addresses();
  const auto add = [&](std::optional<Ipv4Address> address) {
    if (address && is_usable(network.subnet, *address) && *address != network.gateway &&
        !occupied.contains(*address)) {
      network.stand_ins.insert(*address);
    }
  };
  for (const Grant& grant : survey_.grants) {
    add(grant.router);
    add(grant.dns);
    add(grant.server);
  }
  for (const Station& station : survey_.stations) {
    if (clients_.contains(station.mac) || station.frames == 0) continue;
    for (const auto& [address, count] : station.addresses)
      add(address);
  }
}

std::optional<Ipv4Address> Planner::free_address(std::size_t number) {
  const IpPrefix& subnet = plan_.networks[number].subnet;
  for (Ipv4Address address{subnet.network().v4().value + 1}; is_usable(subnet, address);
       ++address.value) {
    if (!taken_.contains(address)) return address;
  }
  return std::nullopt;
}

void Planner::give_addresses() {
  for (const NetworkPlan& network : plan_.networks) {
    taken_.insert(network.gateway);
    taken_.insert(network.stand_ins.begin(), network.stand_ins.end());
  }
  for (ClientPlan& client : plan_.clients) {
    for (const Ipv4Address address : client.station->evidence()) {
      if (!is_usable(plan_.networks[client.network].subnet, address)) continue;
      if (!taken_.insert(address).second) continue;
      client.address = address;
      break;
    }
  }
  std::size_t without = 0;
  for (ClientPlan& client : plan_.clients) {
    if (!client.address.is_any()) continue;
    const auto address = free_address(client.network);
    if (!address) {
      ++without;
      continue;
    }
    taken_.insert(*address);
    client.address = *address;
  }
  std::erase_if(plan_.clients, [](const ClientPlan& client) { return client.address.is_any(); });
  if (without > 0) {
    plan_.notes.push_back(fmt::format(
        "{} clients are not played: their network has no address left for them", without));
  }
}

void Planner::find_replaced() {
  clients_.clear();
  for (const ClientPlan& client : plan_.clients)
    clients_.insert(client.station->mac);
  for (const MacAddress& mac : survey_.targets) {
    if (!clients_.contains(mac)) plan_.replaced.insert(mac);
  }
}

Plan Planner::run() {
  plan_.networks = find_networks(survey_, chosen_);
  find_clients();
  place_clients();
  drop_empty_networks();
  make_room();
  for (std::size_t i = 0; i < plan_.networks.size(); ++i) {
    choose_gateway(i);
    find_stand_ins(plan_.networks[i]);
  }
  give_addresses();
  find_replaced();
  return std::move(plan_);
}

}  // namespace

Plan make_plan(const Survey& survey, const std::map<MacAddress, std::string>& chosen) {
  return Planner(survey, chosen).run();
}

std::string sanitised(std::string_view claimed) {
  std::string name;
  for (const char c : claimed.substr(0, claimed.find('.'))) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    name += plain ? static_cast<char>(std::tolower(static_cast<unsigned char>(c))) : '-';
    if (name.size() == limits::kNameBytes) break;
  }
  const auto begin = name.find_first_not_of('-');
  if (begin == std::string::npos) return {};
  name = name.substr(begin, name.find_last_not_of('-') - begin + 1);
  // Words that mean something else in names or in listings.
  for (const char* reserved : {"localhost", "invalid", "onion", "gateway", "host"}) {
    if (name == reserved) return name + "-1";
  }
  return name;
}

}  // namespace pontoon::lab
