// A lease: who holds which address of which network, and until when.
//
//           DISCOVER           REQUEST        RELEASE, control
//   (none) ----------> offered ---------> bound --------------> released --+
//     ^                   |              | | | end of the lease,           | rest: remembered, and
//     +-- lapses unused --+              | | +------------------> expired -+ offered or bound again
//     |                                  | |   or it can't be written      |
//     |                                  | +-- renewed                     |
//     +-- quarantine ends -- declined <--+ DECLINE                         |
//     +-- the address is needed for somebody else -------------------------+
//
// An offer to a client that is remembered lapses to expired. From every state but declined control/
// may bind an endpoint.
//
// An endpoint's lease (one that control/ claimed by name) is bound until control/ releases it: its
// `expires` is kNever and neither time nor a DHCP client inside the endpoint ends it. The
// DHCPDECLINE of an endpoint that takes its address by DHCP moves it: another lease of its name is
// bound, and the declined address is nobody's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.h"
#include "core/base/time.h"

namespace pontoon::dhcp {

enum class LeaseState : std::uint8_t { offered, bound, released, expired, declined };

std::string_view to_string(LeaseState state) noexcept;  // "offered", "bound", …

struct Lease {
  std::string network;
  Ipv4Address address;
  MacAddress mac;
  std::vector<std::uint8_t> client_id;  // option 61; empty when the client sent none
  std::string endpoint;                 // the endpoint's name; empty for an unknown client
  std::string hostname;                 // what option 12 claimed; for display only, never for DNS
  LeaseState state = LeaseState::offered;
  // offered, bound, declined: when that ends (kNever: a claimed endpoint). released, expired: when
  // it had ended, which orders their reuse.
  Instant expires = kNever;

  friend bool operator==(const Lease&, const Lease&) = default;
};

// Whether a lease may go from one state to the other; the one place that knows.
bool may_follow(LeaseState from, LeaseState to) noexcept;
// Moves a lease, and asserts that it may.
void move_to(Lease& lease, LeaseState state, Instant expires) noexcept;

}  // namespace pontoon::dhcp
