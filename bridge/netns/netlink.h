// Route netlink as this folder needs it: one request, one answer.
//
// The socket belongs to the network namespace in which open() was called; after setns() open anew.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/address.h"
#include "core/base/result.h"

namespace pontoon::bridge {

class Netlink {
 public:
  static Result<Netlink> open();
  ~Netlink();
  Netlink(Netlink&& other) noexcept;
  Netlink& operator=(Netlink&& other) noexcept;

  // not_found when there is no such interface.
  Result<int> link_index(const std::string& name);
  Status<> set_up(int index);
  Status<> set_mtu(int index, std::uint32_t mtu);
  Status<> set_mac(int index, const MacAddress& mac);
  // No ARP, no IPv6 addresses of its own: for an interface that only a packet socket uses.
  Status<> set_silent(int index);
  Status<> rename(int index, const std::string& name);
  // An IPv6 address is usable at once (no duplicate address detection).
  Status<> add_address(int index, const IpPrefix& address);
  // already_exists when the namespace has a default route of that family.
  Status<> add_default_route(int index, const IpAddress& gateway);
  // A veth pair: `name` here, `peer` in the namespace that the descriptor stands for.
  Status<> create_veth(const std::string& name, const std::string& peer, int peer_netns_fd);
  Status<> delete_link(int index);

 private:
  struct Socket;
  explicit Netlink(std::unique_ptr<Socket> socket) noexcept;
  std::unique_ptr<Socket> socket_;
};

}  // namespace pontoon::bridge
