#include "bridge/netns/netlink.h"

#include <linux/if_addr.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <cstdlib>
#include <utility>

namespace pontoon::bridge {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using Link = std::unique_ptr<rtnl_link, Freed<rtnl_link_put>>;
using Address = std::unique_ptr<nl_addr, Freed<nl_addr_put>>;
using InterfaceAddress = std::unique_ptr<rtnl_addr, Freed<rtnl_addr_put>>;
using Route = std::unique_ptr<rtnl_route, Freed<rtnl_route_put>>;

ErrorCode code_of(int nl_error) noexcept {
  switch (std::abs(nl_error)) {
    case NLE_EXIST:
      return ErrorCode::already_exists;
    case NLE_OBJ_NOTFOUND:
    case NLE_NODEV:
      return ErrorCode::not_found;
    case NLE_PERM:
    case NLE_NOACCESS:
      return ErrorCode::permission_denied;
    case NLE_OPNOTSUPP:
    case NLE_AF_NOSUPPORT:
      return ErrorCode::unsupported;
    default:
      return ErrorCode::internal;
  }
}

Status<> status_of(int nl_error, const std::string& what) {
  if (nl_error >= 0) return {};
  return Error{code_of(nl_error), what + ": " + nl_geterror(nl_error)};
}

Error no_memory() {
  return {ErrorCode::exhausted, "out of memory"};
}

Address to_nl(const IpAddress& address, int prefix_length) {
  Address built;
  if (address.is_v4()) {
    const auto bytes = address.v4().bytes();
    built.reset(nl_addr_build(AF_INET, bytes.data(), bytes.size()));
  } else {
    const auto& bytes = address.octets();
    built.reset(nl_addr_build(AF_INET6, bytes.data(), bytes.size()));
  }
  if (built) nl_addr_set_prefixlen(built.get(), prefix_length);
  return built;
}

Address host_address(const IpAddress& address) {
  return to_nl(address, address.is_v4() ? 32 : 128);
}

IpAddress any_of(IpFamily family) {
  return family == IpFamily::v4 ? IpAddress(Ipv4Address::any()) : IpAddress(Ipv6Address::any());
}

}  // namespace

struct Netlink::Socket {
  Socket() : nl(nl_socket_alloc()) {}
  ~Socket() {
    if (nl != nullptr) nl_socket_free(nl);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // Applies `changes` to the interface `index`.
  int change(int index, rtnl_link* changes) const {
    const Link original(rtnl_link_alloc());
    if (!original) return -NLE_NOMEM;
    rtnl_link_set_ifindex(original.get(), index);
    return rtnl_link_change(nl, original.get(), changes, 0);
  }

  nl_sock* nl;
};

Netlink::Netlink(std::unique_ptr<Socket> socket) noexcept : socket_(std::move(socket)) {}
Netlink::~Netlink() = default;
Netlink::Netlink(Netlink&& other) noexcept = default;
Netlink& Netlink::operator=(Netlink&& other) noexcept = default;

Result<Netlink> Netlink::open() {
  auto socket = std::make_unique<Socket>();
  if (socket->nl == nullptr) return no_memory();
  // libnl opens its descriptor close-on-exec.
  if (const int error = nl_connect(socket->nl, NETLINK_ROUTE); error < 0)
    return status_of(error, "cannot open a netlink socket").error();
  return Netlink(std::move(socket));
}

Result<int> Netlink::link_index(const std::string& name) {
  rtnl_link* found = nullptr;
  const int error = rtnl_link_get_kernel(socket_->nl, 0, name.c_str(), &found);
  const Link link(found);
  if (error < 0) return status_of(error, "interface " + name).error();
  return rtnl_link_get_ifindex(link.get());
}

Status<> Netlink::set_up(int index) {
  const Link changes(rtnl_link_alloc());
  if (!changes) return no_memory();
  rtnl_link_set_flags(changes.get(), IFF_UP);
  return status_of(socket_->change(index, changes.get()), "cannot set the interface up");
}

Status<> Netlink::set_mtu(int index, std::uint32_t mtu) {
  const Link changes(rtnl_link_alloc());
  if (!changes) return no_memory();
  rtnl_link_set_mtu(changes.get(), mtu);
  return status_of(socket_->change(index, changes.get()),
                   "cannot set the MTU to " + std::to_string(mtu));
}

Status<> Netlink::set_mac(int index, const MacAddress& mac) {
  const Link changes(rtnl_link_alloc());
  const Address address(nl_addr_build(AF_LLC, mac.octets.data(), mac.octets.size()));
  if (!changes || !address) return no_memory();
  rtnl_link_set_addr(changes.get(), address.get());
  return status_of(socket_->change(index, changes.get()),
                   "cannot set the MAC address to " + mac.to_string());
}

Status<> Netlink::set_silent(int index) {
  const Link flags(rtnl_link_alloc());
  const Link generation(rtnl_link_alloc());
  if (!flags || !generation) return no_memory();
  rtnl_link_set_flags(flags.get(), IFF_NOARP);
  const int error = socket_->change(index, flags.get());
  if (error < 0) return status_of(error, "cannot switch ARP off");
  // A kernel without IPv6 refuses this, and needs it not.
  if (rtnl_link_inet6_set_addr_gen_mode(generation.get(),
                                        rtnl_link_inet6_str2addrgenmode("none")) >= 0)
    (void)socket_->change(index, generation.get());
  return {};
}

Status<> Netlink::rename(int index, const std::string& name) {
  const Link changes(rtnl_link_alloc());
  if (!changes) return no_memory();
  rtnl_link_set_name(changes.get(), name.c_str());
  return status_of(socket_->change(index, changes.get()), "cannot rename the interface to " + name);
}

Status<> Netlink::add_address(int index, const IpPrefix& address) {
  const InterfaceAddress added(rtnl_addr_alloc());
  const Address local = to_nl(address.address, address.length);
  if (!added || !local) return no_memory();
  rtnl_addr_set_ifindex(added.get(), index);
  rtnl_addr_set_local(added.get(), local.get());
  if (address.address.is_v4() && address.length < 31) {
    const Address broadcast = host_address(address.last());
    if (!broadcast) return no_memory();
    rtnl_addr_set_broadcast(added.get(), broadcast.get());
  }
  // Detection would hold back the first connections by a second; the daemon gave this address to
  // nobody else.
  if (!address.address.is_v4()) rtnl_addr_set_flags(added.get(), IFA_F_NODAD);
  return status_of(rtnl_addr_add(socket_->nl, added.get(), 0),
                   "cannot add the address " + address.to_string());
}

Status<> Netlink::add_default_route(int index, const IpAddress& gateway) {
  const Route route(rtnl_route_alloc());
  const Address destination = to_nl(any_of(gateway.family()), 0);
  const Address via = host_address(gateway);
  rtnl_nexthop* hop = rtnl_route_nh_alloc();
  if (!route || !destination || !via || hop == nullptr) {
    if (hop != nullptr) rtnl_route_nh_free(hop);
    return no_memory();
  }
  rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(nl_addr_get_family(via.get())));
  rtnl_route_set_dst(route.get(), destination.get());
  rtnl_route_nh_set_ifindex(hop, index);
  rtnl_route_nh_set_gateway(hop, via.get());
  rtnl_route_add_nexthop(route.get(), hop);  // takes it over
  return status_of(rtnl_route_add(socket_->nl, route.get(), NLM_F_EXCL),
                   "cannot add a default route via " + gateway.to_string());
}

Status<> Netlink::create_veth(const std::string& name, const std::string& peer, int peer_netns_fd) {
  const Link link(rtnl_link_veth_alloc());
  if (!link) return no_memory();
  const Link other(rtnl_link_veth_get_peer(link.get()));  // a reference of our own
  rtnl_link_set_name(link.get(), name.c_str());
  rtnl_link_set_name(other.get(), peer.c_str());
  rtnl_link_set_ns_fd(other.get(), peer_netns_fd);
  return status_of(rtnl_link_add(socket_->nl, link.get(), NLM_F_CREATE | NLM_F_EXCL),
                   "cannot create a veth pair");
}

Status<> Netlink::delete_link(int index) {
  const Link link(rtnl_link_alloc());
  if (!link) return no_memory();
  rtnl_link_set_ifindex(link.get(), index);
  return status_of(rtnl_link_delete(socket_->nl, link.get()), "cannot delete the interface");
}

}  // namespace pontoon::bridge
