// A hostile endpoint: forges addresses, plays the server, sends garbage, floods. What it forges
// must reach nobody; what else it does must harm nobody.
#pragma once

#include <string>

#include "tests/sim/frame_ledger.h"
#include "tests/sim/station.h"

namespace pontoon::sim {

class Intruder {
 public:
  Intruder(Station& station, FrameLedger& ledger, Ipv4Address gateway,
           const MacAddress& gateway_mac, SeededRandom random)
      : station_(station),
        ledger_(ledger),
        gateway_(gateway),
        gateway_mac_(gateway_mac),
        random_(std::move(random)) {}

  // One trick, at the expense of another station. Straight at the port, without a cable.
  void act(lab::World& world, Station& victim);

 private:
  void send(lab::World& world, FrameLedger::Intent intent, const Bytes& frame);
  Bytes forged_mac(Station& victim);
  Bytes forged_ip(Station& victim, const std::string& target);
  Bytes forged_arp(Station& victim);
  Bytes forged_service(Station& victim);
  Bytes forged_sender(Station& victim);
  Bytes forged_fragment(Station& victim);
  Bytes redirect(Station& victim);
  Bytes foreign_protocol(Station& victim);
  Bytes forbidden();
  Bytes broken();
  Bytes garbage(Station& victim);
  Bytes wild_tcp();

  Station& station_;
  FrameLedger& ledger_;
  Ipv4Address gateway_;
  MacAddress gateway_mac_;
  SeededRandom random_;
};

}  // namespace pontoon::sim
