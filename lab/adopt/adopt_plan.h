// Which networks a stranger's capture is played into, and who stands where in them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lab/adopt/adopt_survey.h"

namespace pontoon::lab {

struct NetworkPlan {
  IpPrefix subnet;
  bool given = false;  // by a captured server's subnet mask, so that it cannot be widened
  Ipv4Address gateway;
  std::string reason;  // why this is the gateway, for people
  std::optional<MacAddress> gateway_mac;
  std::set<Ipv4Address> stand_ins;
};

struct ClientPlan {
  const Station* station = nullptr;
  std::string name;
  std::size_t network = 0;
  Ipv4Address address;
};

struct Plan {
  std::vector<NetworkPlan> networks;
  std::vector<ClientPlan> clients;  // in the order of their appearance
  std::set<MacAddress> replaced;    // everybody else who was spoken to
  std::vector<std::string> notes;
};

// `chosen`: names given by the user; when there are any only those become clients.
Plan make_plan(const Survey& survey, const std::map<MacAddress, std::string>& chosen);

// A name out of what a client calls itself: letters, digits and '-', the part before the first dot;
// empty when nothing is left.
std::string sanitised(std::string_view claimed);

}  // namespace pontoon::lab
