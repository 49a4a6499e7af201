// Finding goes from what is sure to what is guessed:
//
//   1. networks that a captured DHCP server gave out, with its subnet mask
//   2. networks of the addresses that clients hold or use; those that overlap become one
//   3. failing these, networks of the addresses that clients wish for, or ask for by ARP
//   4. failing these, the default network
#include "lab/adopt/adopt_networks.h"

#include <algorithm>

#include "core/base/limits.h"

namespace pontoon::lab {
namespace {

constexpr std::uint8_t kUsualLength = 24;
constexpr std::uint8_t kWidestGuess = 16;

// Nullopt when it is no mask, or one that leaves no room for us and a client.
std::optional<std::uint8_t> mask_length(std::optional<Ipv4Address> mask) {
  if (!mask) return std::nullopt;
  unsigned length = 0;
  while (length < 32 && (mask->value << length & 0x80000000U) != 0)
    ++length;
  const bool contiguous = length == 32 || (mask->value << length) == 0;
  if (!contiguous || length < 8 || length > 30) return std::nullopt;
  return static_cast<std::uint8_t>(length);
}

// A /24, or as much more as it takes to have the other address in it too.
IpPrefix guess(Ipv4Address address, std::optional<Ipv4Address> other) {
  const bool docker = (address.value >> 20) == 0xac1;  // 172.16.0.0/12: networks of /16
  unsigned length = docker ? kWidestGuess : kUsualLength;
  while (length > 8 && !is_usable(prefix_of(address, length), address))
    --length;
  if (!other || prefix_of(address, kWidestGuess) != prefix_of(*other, kWidestGuess)) {
    return prefix_of(address, length);
  }
  while (length > kWidestGuess && !is_usable(prefix_of(address, length), *other))
    --length;
  return prefix_of(address, length);
}

class NetworkFinder {
 public:
  NetworkFinder(const Survey& survey, const std::map<MacAddress, std::string>& chosen)
      : survey_(survey), chosen_(chosen) {}
  std::vector<NetworkPlan> run() {
    find_networks();
    return std::move(networks_);
  }

 private:
  void find_networks();
  void find_wished_networks();
  void merge();
  void add_network(const IpPrefix& subnet, bool given);
  bool founds_network(const Station& station) const;
  bool known(Ipv4Address address) const { return network_with(networks_, address).has_value(); }

  const Survey& survey_;
  const std::map<MacAddress, std::string>& chosen_;
  std::vector<NetworkPlan> networks_;
};

void NetworkFinder::add_network(const IpPrefix& subnet, bool given) {
  for (NetworkPlan& known : networks_) {
    if (!known.subnet.overlaps(subnet)) continue;
    if (subnet.length < known.subnet.length) known.subnet = subnet;
    known.given = known.given || given;
    return;
  }
  if (networks_.size() < limits::kNetworks) networks_.push_back({subnet, given, {}, {}, {}, {}});
}

// Whoever only answers may be a router with half the Internet behind it.
bool NetworkFinder::founds_network(const Station& station) const {
  if (chosen_.contains(station.mac)) return true;
  return !station.answers && !station.heard && !station.relays &&
         (station.asks_dhcp || station.initiates);
}

void NetworkFinder::find_networks() {
  for (const Grant& grant : survey_.grants) {
    const auto length = mask_length(grant.mask);
    const auto other = grant.router ? grant.router : grant.server;
    const bool fits = length && is_usable(prefix_of(grant.address, *length), grant.address);
    add_network(fits ? prefix_of(grant.address, *length) : guess(grant.address, other), fits);
  }
  for (const Station& station : survey_.stations) {
    if (station.relays && station.giaddr && is_host_address(*station.giaddr) &&
        !known(*station.giaddr)) {
      add_network(guess(*station.giaddr, std::nullopt), false);
    }
    const auto address = station.firm_address();
    if (founds_network(station) && address && !known(*address)) {
      add_network(guess(*address, station.server), false);
    }
  }
  if (networks_.empty()) find_wished_networks();
  if (networks_.empty()) add_network({Ipv4Address::of(172, 17, 0, 0), 16}, true);
  merge();
}

void NetworkFinder::merge() {
  // Networks that were found apart may overlap once one of them has grown.
  std::vector<NetworkPlan> found = std::move(networks_);
  networks_.clear();
  std::stable_sort(found.begin(), found.end(), [](const NetworkPlan& a, const NetworkPlan& b) {
    return a.subnet.length < b.subnet.length;
  });
  for (const NetworkPlan& network : found)
    add_network(network.subnet, network.given);
}

void NetworkFinder::find_wished_networks() {
  for (const Station& station : survey_.stations) {
    if (station.asks_dhcp && station.wished && !known(*station.wished)) {
      add_network(guess(*station.wished, std::nullopt), false);
    }
  }
  if (!networks_.empty()) return;
  for (const Station& station : survey_.stations) {
    const auto address = station.main_address();
    if (address && !known(*address)) add_network(guess(*address, std::nullopt), false);
  }
  if (!networks_.empty() || survey_.arp_targets.empty()) return;
  add_network(guess(survey_.arp_targets.begin()->first, std::nullopt), false);
}

}  // namespace

IpPrefix prefix_of(Ipv4Address address, unsigned length) {
  const IpPrefix prefix{address, static_cast<std::uint8_t>(length)};
  return {prefix.network(), prefix.length};
}

bool is_usable(const IpPrefix& subnet, Ipv4Address address) {
  return subnet.contains(address) && IpAddress(address) != subnet.network() &&
         IpAddress(address) != subnet.last();
}

std::optional<std::size_t> network_with(const std::vector<NetworkPlan>& networks,
                                        Ipv4Address address) {
  for (std::size_t i = 0; i < networks.size(); ++i) {
    if (is_usable(networks[i].subnet, address)) return i;
  }
  return std::nullopt;
}

std::vector<NetworkPlan> find_networks(const Survey& survey,
                                       const std::map<MacAddress, std::string>& chosen) {
  return NetworkFinder(survey, chosen).run();
}

}  // namespace pontoon::lab
