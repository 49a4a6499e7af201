#include "bridge/netns/link.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "bridge/netns/namespaces.h"
#include "bridge/netns/netlink.h"
#include "bridge/ports/packet_socket.h"
#include "bridge/ports/tap_device.h"
#include "core/base/limits.h"
#include "core/base/log.h"

namespace pontoon::bridge {
namespace {

constexpr const char* kPeerName = "pontoon0";

Error failure(const char* what) {
  const int error = errno;
  const bool denied = error == EPERM || error == EACCES;
  return {denied ? ErrorCode::permission_denied : ErrorCode::internal,
          std::string(what) + ": " + std::strerror(error)};
}

UniqueFd current_network_namespace() noexcept {
  return UniqueFd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
}

// The network namespace in which the far half of a veth pair lives. Making it enters it; the caller
// is brought home at the latest by the destructor.
class FarNamespace {
 public:
  FarNamespace() : home_(current_network_namespace()) {}
  ~FarNamespace() {
    if (away_) (void)go(home_);
  }
  FarNamespace(const FarNamespace&) = delete;
  FarNamespace& operator=(const FarNamespace&) = delete;

  Status<> make() {
    if (!home_) return failure("cannot open the network namespace");
    if (::unshare(CLONE_NEWNET) != 0)
      return failure("cannot make the network namespace for the far end of the link");
    away_ = current_network_namespace();
    if (!away_) return failure("cannot open the network namespace");
    // Its stack must answer nothing. Where /proc/sys is read-only, having no addresses has to do.
    (void)write_sysctl("net/ipv6/conf/all/disable_ipv6", "1");
    (void)write_sysctl("net/ipv6/conf/default/disable_ipv6", "1");
    (void)write_sysctl("net/ipv4/conf/all/arp_ignore", "8");
    return {};
  }
  Status<> enter_home() { return go(home_); }
  Status<> enter_far() { return go(away_); }
  int fd() const noexcept { return away_.get(); }

 private:
  static Status<> go(const UniqueFd& network) {
    if (::setns(network.get(), CLONE_NEWNET) != 0) return failure("cannot change the namespace");
    return {};
  }

  UniqueFd home_;
  UniqueFd away_;
};

Result<LinkHandle> open_far_end(std::uint16_t mtu) {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  const auto index = netlink->link_index(kPeerName);
  if (!index) return index.error();
  if (auto done = netlink->set_silent(*index); !done) return done.error();
  if (auto done = netlink->set_mtu(*index, mtu); !done) return done.error();
  if (auto done = netlink->set_up(*index); !done) return done.error();
  return open_packet_socket(static_cast<unsigned>(*index));
}

Result<LinkHandle> create_packet_link(const std::string& name, std::uint16_t mtu) {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  FarNamespace far;
  if (auto made = far.make(); !made) return made.error();
  // The near socket stays in the namespace where it was opened, wherever this process is.
  if (auto done = netlink->create_veth(name, kPeerName, far.fd()); !done) return done.error();
  Result<LinkHandle> link = open_far_end(mtu);
  if (auto back = far.enter_home(); !back) return back.error();
  if (!link) remove_link(name);
  return link;
}

Result<LinkHandle> create_any_link(const std::string& name, std::uint16_t mtu) {
  Result<LinkHandle> tap = open_tap(name);
  if (tap) return tap;
  log::debug("no TAP here (" + tap.error().message + "), trying a packet socket");
  Result<LinkHandle> packet = create_packet_link(name, mtu);
  if (packet) return packet;
  return Error{packet.error().code, "no kind of link can be had: tap: " + tap.error().message +
                                        "; packet: " + packet.error().message};
}

// IPv6 may be switched off on the host; that must not cost the command its IPv4.
bool configure_ipv6(Netlink& netlink, int index, const EndpointConfig& endpoint) {
  if (!endpoint.ipv6) return false;
  const auto added = netlink.add_address(index, *endpoint.ipv6);
  if (!added) log::warning("no IPv6 on this link: " + added.error().message);
  return added.ok();
}

Status<> add_route(Netlink& netlink, int index, const IpAddress& gateway, DefaultRoute policy) {
  auto added = netlink.add_default_route(index, gateway);
  if (!added && added.error().code == ErrorCode::already_exists &&
      policy == DefaultRoute::unless_present)
    return {};
  return added;
}

void set_ipv6_sysctls(const std::string& name, bool dhcp) {
  const std::string directory = "net/ipv6/conf/" + name + "/";
  // The daemon gives each address to one endpoint only: detection would just delay the start.
  (void)write_sysctl(directory + "accept_dad", "0");
  // Addresses and routes are those of the endpoint; a router advertisement would add others.
  if (!dhcp) (void)write_sysctl(directory + "accept_ra", "0");
}

bool valid_interface_name(const std::string& name) noexcept {
  const auto bad = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7f || c == '/' || c == ':' || c == '%';
  };
  return !name.empty() && name.size() < IFNAMSIZ && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), bad);
}

Status<> set_loopback_up(Netlink& netlink) {
  const auto loopback = netlink.link_index("lo");
  if (!loopback) return loopback.error();
  return netlink.set_up(*loopback);
}

}  // namespace

Result<LinkHandle> create_link(LinkChoice choice, const std::string& name, std::uint16_t mtu) {
  switch (choice) {
    case LinkChoice::automatic:
      return create_any_link(name, mtu);
    case LinkChoice::tap:
      return open_tap(name);
    case LinkChoice::packet:
      return create_packet_link(name, mtu);
  }
  return Error{ErrorCode::invalid_argument, "unknown kind of link"};
}

Status<> configure_link(const std::string& name, const EndpointConfig& endpoint,
                        DefaultRoute route) {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  const auto index = netlink->link_index(name);
  if (!index) return index.error();
  if (auto done = netlink->set_mac(*index, endpoint.mac); !done) return done;
  if (auto done = netlink->set_mtu(*index, endpoint.mtu); !done) return done;
  set_ipv6_sysctls(name, endpoint.dhcp);
  bool ipv6 = false;
  if (!endpoint.dhcp) {
    if (auto done = netlink->add_address(*index, endpoint.ipv4); !done) return done;
    ipv6 = configure_ipv6(*netlink, *index, endpoint);
  }
  if (auto done = netlink->set_up(*index); !done) return done;
  if (!endpoint.dhcp) {
    if (auto done = add_route(*netlink, *index, endpoint.gateway, route); !done) return done;
    if (ipv6 && endpoint.gateway6) {
      if (auto done = add_route(*netlink, *index, *endpoint.gateway6, route); !done) return done;
    }
  }
  return set_loopback_up(*netlink);
}

void remove_link(const std::string& name) noexcept {
  auto netlink = Netlink::open();
  if (!netlink) return;
  const auto index = netlink->link_index(name);
  if (index) (void)netlink->delete_link(*index);
}

Result<std::string> choose_interface(const std::string& wanted) {
  auto netlink = Netlink::open();
  if (!netlink) return netlink.error();
  if (!wanted.empty()) {
    if (!valid_interface_name(wanted))
      return Error{ErrorCode::invalid_argument, "'" + wanted + "' is not an interface name"};
    if (netlink->link_index(wanted))
      return Error{ErrorCode::already_exists,
                   "the interface name " + wanted + " is in use there; choose another or none"};
    return wanted;
  }
  for (unsigned number = 0; number < limits::kInterfaceNames; ++number) {
    const std::string name = "eth" + std::to_string(number);
    if (!netlink->link_index(name)) return name;
  }
  return Error{ErrorCode::exhausted, "no free interface name"};
}

}  // namespace pontoon::bridge
