// A client that wants what is another's: it releases, declines, renews and asks in another's name
// or for another's address, takes other servers' offers, and hoards. What the server may say to
// each of its messages is known in advance.
#pragma once

#include <set>
#include <vector>

#include "tests/sim/dhcp_client.h"

namespace pontoon::sim {

class DhcpHeckler {
 public:
  struct Victim {
    MacAddress mac;
    std::string identifier;
    Ipv4Address address;
  };
  struct Message {
    const char* what = "";
    Ipv4Address source;
    Ipv4Address target;
    std::vector<std::uint8_t> bytes;
    std::set<std::uint8_t> may;  // types of answers that are right
    bool must = false;           // one of them has to come at once
  };

  DhcpHeckler(Ipv4Address server, SeededRandom random)
      : server_(server), random_(std::move(random)) {}

  static MacAddress mac() { return MacAddress{{0x02, 0, 0, 0, 6, 6}}; }
  Message next(const Victim& victim);
  // Asks for an address under ever another identifier.
  Message hoard();

 private:
  DhcpText text(std::uint8_t type);
  Message in_its_own_name(const Victim& victim, unsigned kind);
  Message in_the_victims_name(const Victim& victim, unsigned kind);

  Ipv4Address server_;
  SeededRandom random_;
  unsigned hoarded_ = 0;
};

}  // namespace pontoon::sim
