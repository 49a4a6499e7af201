// How the host's errors are told to endpoints.
#pragma once

#include <optional>

#include "core/socket/datagram.h"
#include "core/stack/tcp/engine.h"
#include "core/stack/types.h"

namespace pontoon::proxy {

// Nothing when ICMP has no word for it: the datagram is simply lost.
std::optional<stack::Unreachable> unreachable_for(SocketError error) noexcept;

// The same for what a router or host outside complained about; fills in reason, mtu and, where it
// can be shown inside, the reporter. False when there is nothing to tell.
bool describe(const DatagramError& error, stack::IcmpErrorSpec& spec) noexcept;

// Why a connection that failed at once is refused.
stack::TcpRefusal refusal_for(SocketError error) noexcept;

}  // namespace pontoon::proxy
