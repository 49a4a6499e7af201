// Opens an AF_PACKET socket for a PacketPort.
#pragma once

#include "bridge/ports/link_handle.h"
#include "core/base/result.h"

namespace pontoon::bridge {

// A raw packet socket on the interface with this index in the CURRENT network namespace (the caller
// has entered it, and holds CAP_NET_RAW there): virtio-net headers on, own frames not echoed,
// VLAN tags reported, non-blocking. It receives every frame that comes in on the interface. The
// interface may still be down; its namespace lives at least as long as the descriptor.
//
// Errors: `not_found` when there is no such interface, `permission_denied` without CAP_NET_RAW,
// `unsupported` when the kernel lacks an option that we cannot do without (Linux 4.20).
Result<LinkHandle> open_packet_socket(unsigned interface_index);

}  // namespace pontoon::bridge
