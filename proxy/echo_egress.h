// Echo requests of one network on their way out: one ping socket of the host per endpoint and
// identifier (RFC 5508 REQ-1). The kernel puts its own identifier into the requests; replies are
// matched by sequence and peer against the last kEchoPending requests and go back under the
// endpoint's identifier. Duplicated replies pass, as ping wants to see them.
//
// Deviation: the request leaves with the host's hop limit, not with the endpoint's minus one (RFC
// 1812 5.3.1), so traceroute -I sees one hop to the target; Datagram has no hop limit to set.
#pragma once

#include <memory>
#include <vector>

#include "core/base/drop.h"
#include "core/socket/host_network.h"
#include "proxy/datagram_batch.h"
#include "proxy/endpoint_side.h"
#include "proxy/flow_info.h"
#include "proxy/flow_table.h"
#include "proxy/policy.h"

namespace pontoon::proxy {

class EchoEgress {
 public:
  EchoEgress(HostNetwork& host, EndpointSide& inside, TimerQueue& timers, const Policy& policy,
             DatagramBatch& batch, DropCounters& drops) noexcept;
  ~EchoEgress();

  // `host_target` is what the policy made of request.target.
  void forward(const stack::EchoRequest& request, const IpAddress& host_target,
               Instant now) noexcept;
  void pump(Instant now) noexcept;
  bool has_work() const noexcept { return !ready_.empty(); }
  void drop_endpoint(const IpAddress& endpoint) noexcept;

  // The last attempt to get a ping socket failed for lack of permission.
  bool unavailable() const noexcept { return unavailable_; }
  std::size_t size() const noexcept { return flows_.size(); }
  void list(std::vector<FlowInfo>& out, Instant now) const;

 private:
  struct Flow;

  Flow* find_or_open(const stack::EchoRequest& request, Instant now) noexcept;
  void refuse(const stack::EchoRequest& request, SocketError error, Instant now) noexcept;
  std::size_t report_errors(Flow& flow, Instant now) noexcept;
  bool receive(Flow& flow, Instant now) noexcept;
  void pass_reply(Flow& flow, const DatagramSlot& slot, Instant now) noexcept;

  HostNetwork& host_;
  EndpointSide& inside_;
  TimerQueue& timers_;
  const Policy& policy_;
  DatagramBatch& batch_;
  DropCounters& drops_;
  bool unavailable_ = false;
  IntrusiveList<Flow> ready_;
  FlowTable<SocketAddress, Flow> flows_;  // keyed by endpoint and identifier
};

}  // namespace pontoon::proxy
