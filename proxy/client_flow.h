// How a client outside appears inside: as itself where an endpoint's answer would find the way back
// through the gateway, else as the gateway.
#pragma once

#include <optional>

#include "core/base/limits.h"
#include "core/stack/types.h"

namespace pontoon::proxy {

struct PublisherConfig {
  std::optional<IpPrefix> ipv4;  // the gateway's address with the network's length
  std::optional<IpPrefix> ipv6;
};

// Where published traffic goes: at least one of the two.
struct PublishTarget {
  std::optional<IpAddress> ipv4;
  std::optional<IpAddress> ipv6;
};

// The flow as it should be; its initiator has port 0 when the client's port cannot be kept. Nothing
// when the endpoint has no address to which the gateway could speak.
std::optional<stack::FlowKey> preferred_flow(const PublisherConfig& config,
                                             const PublishTarget& target,
                                             std::uint16_t container_port,
                                             const SocketAddress& client) noexcept;

// Gives out source ports in a circle, so that one that was just used rests longest.
class SourcePorts {
 public:
  // Makes the initiator's port unique: keeps it when it is free, else takes another one. False when
  // none was found within limits::kSourcePortProbes.
  template <class InUse>
  bool make_unique(stack::FlowKey& flow, InUse&& in_use) noexcept {
    if (flow.initiator.port != 0 && !in_use(flow)) return true;
    for (unsigned probe = 0; probe < limits::kSourcePortProbes; ++probe) {
      flow.initiator.port = next_;
      next_ = next_ == kLast ? kFirst : static_cast<std::uint16_t>(next_ + 1);
      if (!in_use(flow)) return true;
    }
    return false;
  }

 private:
  static constexpr std::uint16_t kFirst = 32768;
  static constexpr std::uint16_t kLast = 60999;
  std::uint16_t next_ = kFirst;
};

}  // namespace pontoon::proxy
