// What the namespace side hands to the daemon for one endpoint: an open link into the endpoint's
// network namespace. The descriptor crosses the control socket (SCM_RIGHTS); the other fields go
// along in the message.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/unique_fd.h"

namespace pontoon::bridge {

struct LinkHandle {
  // tap: /dev/net/tun attached to an interface inside the endpoint's namespace.
  // packet: an AF_PACKET socket on the far end of a veth pair.
  enum class Kind : std::uint8_t { tap, packet };

  Kind kind = Kind::tap;
  UniqueFd fd;            // non-blocking, configured by open_tap() or open_packet_socket()
  std::string interface;  // the name of what fd is attached to, in the namespace where it lies
  bool checksum = true;   // partial checksums may be sent
  bool tso = false;       // TCP super-frames may be sent, IPv4 and IPv6
  bool uso = false;       // UDP super-frames likewise (Linux 6.2)
};

}  // namespace pontoon::bridge
