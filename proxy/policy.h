// Where containers may connect to, decided by destination alone. Isolation is the default: the
// host's loopback, link-local addresses (cloud metadata lives there), other networks of ours, and
// whatever is no unicast address of the outside world are closed. A forbidden IPv4 address stays
// forbidden when it is dressed up as IPv6 (RFC 6052 NAT64, RFC 3056 6to4, RFC 4380 Teredo, RFC 4291
// 2.5.5).
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "core/base/address.h"

namespace pontoon::proxy {

struct PolicyConfig {
  std::vector<IpAddress> gateway;    // the gateway's own addresses
  std::vector<IpPrefix> networks;    // every pontoon network, this one included
  std::optional<IpAddress> host_v4;  // host.pontoon.internal; may be the gateway's own address
  std::optional<IpAddress> host_v6;
  bool allow_host_loopback = false;  // those two lead to 127.0.0.1 and ::1
  bool internal = false;             // no way out at all (`network create --internal`)
};

enum class Verdict : std::uint8_t {
  allowed,
  gateway,  // the gateway itself: only its services answer
  denied,
};

struct Decision {
  Verdict verdict = Verdict::denied;
  IpAddress host_target;  // with `allowed`: the address to use on the host side
};

class Policy {
 public:
  explicit Policy(PolicyConfig config) : config_(std::move(config)) {}

  Decision decide(const IpAddress& target) const noexcept;

  bool is_gateway(const IpAddress& target) const noexcept;
  // Multicast, limited broadcast, or the directed broadcast of a network of ours.
  bool is_group(const IpAddress& target) const noexcept;

  // How a host-side peer is called inside: the inverse of decide() for the loopback addresses.
  IpAddress inside_name(const IpAddress& host_peer) const noexcept;

  // Networks come and go at run time.
  void set_networks(std::vector<IpPrefix> networks) { config_.networks = std::move(networks); }
  const PolicyConfig& config() const noexcept { return config_; }

 private:
  PolicyConfig config_;
};

// Closed to everybody, whatever the configuration: see the list in policy.cpp.
bool never_allowed(const IpAddress& target) noexcept;

}  // namespace pontoon::proxy
