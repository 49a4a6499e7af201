// The servers outside that a captured client spoke to, as actors that say what the captured ones
// said.
#pragma once

#include <functional>
#include <vector>

#include "lab/replay/replay.h"
#include "lab/world/actors.h"

namespace pontoon::lab {

struct AdoptedServices {
  std::vector<TcpService> tcp;
  std::vector<UdpService> udp;
  std::vector<IpAddress> echo_hosts;
};

// `is_outside`: whether packets to the address leave the networks. A TCP server accepts or refuses
// as the captured one did, and sends what that sent in the flow in which it sent most: as greeting
// when it spoke first, else as reply to the first bytes. Where the capture has no server's frames
// at all (somebody has filtered them out), servers accept and read, and hosts answer pings.
AdoptedServices adopt_services(const CaptureFile& capture,
                               const std::function<bool(Ipv4Address)>& is_outside);

}  // namespace pontoon::lab
