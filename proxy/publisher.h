// The published ports of one network: listeners and UDP sockets on the host, whose clients appear
// inside as themselves where that is possible and as the gateway otherwise (clients on the host's
// loopback, of a family that the endpoint does not have, or with an address that is on-link
// inside).
//
// Sockets only take note of readiness; pump() does the work, a bounded amount per call.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/drop.h"
#include "core/base/result.h"
#include "core/socket/host_network.h"
#include "proxy/client_flow.h"
#include "proxy/endpoint_side.h"
#include "proxy/flow_info.h"
#include "proxy/host_facts.h"
#include "proxy/port_table.h"
#include "proxy/published_port.h"
#include "proxy/udp_replies.h"

namespace pontoon::proxy {

class Publisher final : public UdpReplies {
 public:
  // Everything by reference must outlive the publisher.
  Publisher(const PublisherConfig& config, HostNetwork& host, EndpointSide& inside,
            TimerQueue& timers, PortTable& ports, const HostFacts& facts);
  ~Publisher() override;

  // Opens all of them or none; gives the bindings in the order of `specs`, IPv4 before IPv6. More
  // may be added later under the same owner. Errors: conflict, permission_denied,
  // invalid_argument (no such address on this host), exhausted, unsupported.
  Result<std::vector<PortBinding>> publish(std::string_view owner, const PublishTarget& target,
                                           std::span<const PortSpec> specs);
  // Closes at once what `owner` has published, all of it or one binding. Established TCP
  // connections are the engine's and live on.
  void withdraw(std::string_view owner) noexcept;
  bool withdraw(std::string_view owner, const PortBinding& binding) noexcept;

  // What `owner` has published leads to `target` from now on. UDP flows end; established TCP
  // connections are the engine's.
  void retarget(std::string_view owner, const PublishTarget& target) noexcept;

  std::vector<PortBinding> bindings(std::string_view owner) const;

  void pump(Instant now) noexcept;
  bool has_work() const noexcept;

  // A datagram from an endpoint; true when it answers a published flow and was taken.
  bool on_reply(const stack::UdpDatagram& datagram, Instant now) noexcept override;

  std::vector<FlowInfo> flows(Instant now) const;
  const PublisherCounters& counters() const noexcept;
  const DropCounters& drops() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::proxy
