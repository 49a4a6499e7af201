// Whether a descriptor that came over the control socket is what its message says. A pipe in the
// place of a TAP would block the daemon in its first read, a stream that has ended would be ready
// for ever.
#pragma once

#include "bridge/ports/link_handle.h"
#include "core/base/result.h"

namespace pontoon::bridge {

// invalid_argument says what the descriptor is not:
//   tap      a TAP interface with the 10-byte virtio-net header and no packet information
//   packet   a raw packet socket that sends and takes the virtio-net header, or one end of a pair
//            of UNIX datagram sockets (a virtual machine, a test)
// From here on it does not block, for whoever else holds it neither.
Status<> check_link(const LinkHandle& link);

}  // namespace pontoon::bridge
