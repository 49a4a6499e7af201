// The interface inside a namespace: made there as a TAP or, where TAP cannot be had, as one half of
// a veth pair whose other half is read and written through a packet socket.
#pragma once

#include <cstdint>
#include <string>

#include "bridge/netns/session.h"
#include "bridge/ports/link_handle.h"
#include "core/base/result.h"

namespace pontoon::bridge {

enum class LinkChoice : std::uint8_t {
  automatic,  // TAP, else packet
  tap,
  packet,
};

// Makes the interface in the current network namespace, down and unconfigured. It lives as long as
// a descriptor of the handle is open anywhere.
//
// packet: the other half of the pair sits in a namespace of its own, owned by the current user
// namespace, which only the socket in the handle keeps alive. That namespace's own stack stays
// silent: no address, no IPv6, no ARP.
Result<LinkHandle> create_link(LinkChoice choice, const std::string& name, std::uint16_t mtu);

// Gives the interface its MAC, MTU, addresses and default routes and sets it up; `lo` too. With
// endpoint.dhcp no address and no route.
enum class DefaultRoute : std::uint8_t { required, unless_present };
Status<> configure_link(const std::string& name, const EndpointConfig& endpoint,
                        DefaultRoute route);

// Removes the interface from the current network namespace; it is no error when it is gone.
void remove_link(const std::string& name) noexcept;

// `wanted` when it is a valid, free name; the first free ethN when it is empty.
Result<std::string> choose_interface(const std::string& wanted);

}  // namespace pontoon::bridge
