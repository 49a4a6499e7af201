// UDP of one network on its way out: endpoint-independent mapping (RFC 4787 REQ-1). Everything that
// an endpoint sends from one of its ports leaves through one wildcard-bound socket of the host, to
// whomever it goes, for as long as the mapping lives.
//
// Filtering is address-dependent (RFC 4787 5): a datagram from outside is let in when the endpoint
// has sent something to that address from that port; the last kUdpPeersPerFlow addresses are
// remembered. A mapping dies kUdpIdle after the endpoint last used it (REQ-5, REQ-6: inbound
// traffic does not keep it alive), kUdpDnsIdle when it was used for port 53 only. Source ports are
// the kernel's choice: neither the port (REQ-3) nor its parity (REQ-4) is preserved.
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

class UdpEgress {
 public:
  UdpEgress(HostNetwork& host, EndpointSide& inside, TimerQueue& timers, const Policy& policy,
            DatagramBatch& batch, DropCounters& drops) noexcept;
  ~UdpEgress();

  // `host_target` is what the policy made of datagram.target.ip.
  void forward(const stack::UdpDatagram& datagram, const IpAddress& host_target,
               Instant now) noexcept;
  void pump(Instant now) noexcept;
  bool has_work() const noexcept { return !ready_.empty(); }
  void drop_endpoint(const IpAddress& endpoint) noexcept;

  std::size_t size() const noexcept { return flows_.size(); }
  std::uint64_t evicted() const noexcept { return flows_.evicted(); }
  void list(std::vector<FlowInfo>& out, Instant now) const;

 private:
  struct Flow;

  Flow* find_or_open(const stack::UdpDatagram& datagram, Instant now) noexcept;
  void refresh(Flow& flow, const SocketAddress& target, Instant now) noexcept;
  void send_train(Flow& flow, const stack::UdpDatagram& datagram, const SocketAddress& host_target,
                  Instant now) noexcept;
  void send_one(Flow& flow, const stack::UdpDatagram& datagram, const SocketAddress& host_target,
                ByteView payload, Instant now) noexcept;
  std::size_t report_errors(Flow& flow, Instant now) noexcept;
  void refuse(const stack::UdpDatagram& datagram, SocketError error, Instant now) noexcept;
  bool receive(Flow& flow, Instant now) noexcept;

  HostNetwork& host_;
  EndpointSide& inside_;
  TimerQueue& timers_;
  const Policy& policy_;
  DatagramBatch& batch_;
  DropCounters& drops_;
  IntrusiveList<Flow> ready_;
  FlowTable<SocketAddress, Flow> flows_;
};

}  // namespace pontoon::proxy
