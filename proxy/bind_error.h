// Why a port could not be had, in words that say what to do.
#pragma once

#include "core/base/result.h"
#include "core/socket/socket_error.h"
#include "proxy/host_facts.h"

namespace pontoon::proxy {

Error bind_error(const HostPort& port, SocketError error, const HostFacts& facts);

}  // namespace pontoon::proxy
