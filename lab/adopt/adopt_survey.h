// What a stranger's capture shows: its stations with what they asked and answered, what its DHCP
// servers gave, which servers were spoken to. One pass, bounded by the limits kAdopted...
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lab/replay/frame_seen.h"
#include "lab/replay/replay.h"

namespace pontoon::lab {

// A MAC address that sent frames, or that DHCP spoke of.
struct Station {
  MacAddress mac;
  std::size_t frames = 0;  // that it sent, IPv4 and ARP
  std::size_t others = 0;  // that it sent, of other kinds
  std::string name;        // as it calls itself

  bool asks_dhcp = false;
  bool initiates = false;  // DNS queries, connections, pings
  bool answers = false;    // DHCP replies or DNS responses
  bool relays = false;     // DHCP messages of others
  bool heard = false;      // a capture of ours heard it only, at its endpoints: it is none of them

  std::map<Ipv4Address, std::size_t> addresses;  // it sent from, with how many frames
  std::set<Ipv4Address> claims;                  // its own by ARP
  // From and for DHCP, the latest of each.
  std::optional<Ipv4Address> leased;    // an ACK gave it
  std::optional<Ipv4Address> selected;  // requested of a named server
  std::optional<Ipv4Address> current;   // 'ciaddr'
  std::optional<Ipv4Address> offered;
  std::optional<Ipv4Address> wished;  // option 50 without a server
  std::optional<Ipv4Address> server;  // option 54 as it named it
  std::optional<Ipv4Address> giaddr;

  // The address that it speaks from, if it has one that a network could have given.
  std::optional<Ipv4Address> main_address() const;
  // Its address, the surest evidence first.
  std::vector<Ipv4Address> evidence() const;
  // As above, without mere wishes: what may found a network.
  std::optional<Ipv4Address> firm_address() const;
};

// What a DHCP server gave.
struct Grant {
  Ipv4Address address;
  std::optional<Ipv4Address> mask;
  std::optional<Ipv4Address> router;
  std::optional<Ipv4Address> server;
  std::optional<Ipv4Address> dns;
};

struct Survey {
  std::deque<Station> stations;  // in the order of their appearance
  std::map<MacAddress, std::size_t> index;
  std::vector<Grant> grants;
  std::set<MacAddress> targets;                      // unicast MACs that were spoken to
  std::map<Ipv4Address, MacAddress> owners;          // by ARP
  std::map<Ipv4Address, MacAddress> ways;            // where frames to the address went
  std::map<Ipv4Address, std::size_t> arp_targets;    // asked for
  std::map<Ipv4Address, std::size_t> dns_targets;    // queried
  std::map<Ipv4Address, std::size_t> dhcp_targets;   // unicast renewals
  std::vector<std::vector<std::uint8_t>> responses;  // of DNS servers, over UDP
  std::size_t usable = 0;                            // whole packets with an Ethernet header
  std::size_t cut = 0;
  std::size_t overlooked = 0;  // packets of stations beyond kAdoptedStations

  Station* station(const MacAddress& mac);
  const Station* find(const MacAddress& mac) const;
};

// `capture` is normalised (adopt.h).
Survey survey(const CaptureFile& capture);

}  // namespace pontoon::lab
