// A case for a capture that comes without one: who in it is a client becomes an endpoint, the
// servers (DHCP, DNS, the router) are replaced by ours. What the capture's servers gave decides the
// subnet, the gateway and the clients' addresses where it can; else the default network is used.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lab/replay/case.h"
#include "lab/replay/replay.h"

namespace pontoon::lab {

struct AdoptOptions {
  // --map ADDRESS|MAC=NAME; when any is given only those become endpoints.
  std::vector<std::pair<std::string, std::string>> map;
  std::uint64_t seed = 1;
};

struct Adopted {
  Case description;
  std::vector<std::string> notes;  // what was decided, one line each, for the user
};

// To be called first, before adopt() and replay(), on a capture without a case file: every packet
// becomes a plain Ethernet frame that says who sent it. Cooked and raw captures get headers (the
// addresses made from the IP addresses, or from chaddr), VLAN tags go, so does the loopback network
// (127.a.b.c becomes 10.127.b.c). Packets that cannot be made one stay as they are. Returns what
// was changed, one line each, for the user.
std::vector<std::string> normalise(CaptureFile& capture);

// Error: a mapping that names nobody in the capture, or a capture without any usable frame.
Result<Adopted> adopt(const CaptureFile& capture, const AdoptOptions& options);

}  // namespace pontoon::lab
