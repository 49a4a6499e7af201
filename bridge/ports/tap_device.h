// Opens a TAP interface for a TapPort.
#pragma once

#include <string>

#include "bridge/ports/link_handle.h"
#include "core/base/result.h"

namespace pontoon::bridge {

// Makes a TAP interface in the CURRENT network namespace (the caller has entered it, and holds
// CAP_NET_ADMIN there) with IFF_NO_PI | IFF_VNET_HDR, the 10-byte virtio-net header and as many
// offloads as the kernel grants. `name` may hold a "%d" for the kernel to number, or be empty. The
// interface is down, has no address, and vanishes with the last descriptor.
//
// Errors: `unavailable` when /dev/net/tun is missing or has no driver behind it,
// `permission_denied` when the device is closed to this user or the namespace is not ours,
// `invalid_argument` for a name that no interface can have, `already_exists` when it is taken.
Result<LinkHandle> open_tap(const std::string& name);

}  // namespace pontoon::bridge
