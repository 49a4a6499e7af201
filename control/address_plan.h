// Which subnet a new network gets: 172.17.0.0/16 first, then 172.18-31, then 192.168.x/20, skipping
// whatever overlaps another network of ours or a route of the host.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/base/address.h"
#include "core/base/result.h"

namespace pontoon::control {

// The error is `exhausted` when nothing is left.
Result<IpPrefix> choose_subnet(std::span<const IpPrefix> taken);

// IPv4 destinations that the host has routes to, the default route left out. Empty when /proc
// cannot be read.
std::vector<IpPrefix> host_routes();

}  // namespace pontoon::control
