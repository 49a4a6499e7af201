// The networks that the stations of a stranger's capture stand in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/adopt/adopt_plan.h"
#include "lab/adopt/adopt_survey.h"

namespace pontoon::lab {

// At least one, at most limits::kNetworks; they do not overlap.
std::vector<NetworkPlan> find_networks(const Survey& survey,
                                       const std::map<MacAddress, std::string>& chosen);

std::optional<std::size_t> network_with(const std::vector<NetworkPlan>& networks,
                                        Ipv4Address address);

IpPrefix prefix_of(Ipv4Address address, unsigned length);
// In the subnet, and neither its network address nor its broadcast address.
bool is_usable(const IpPrefix& subnet, Ipv4Address address);

}  // namespace pontoon::lab
