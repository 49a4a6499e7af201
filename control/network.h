// One network, wired from its parts; the composition root. Everything in here is sans-IO: what it
// needs of the host comes in through NetworkRim, so the same object runs over the kernel
// (network_host.h), in a test and in a simulation.
//
//            endpoints' ports                    the gateway's port
//                  |                                    |
//   frames --> [ Switch + guard ] <------------> [ Gateway: ARP ND IP ICMP UDP TCP ]
//                                                 |67     |53        |everything else
//                                              DHCP     DNS       Egress  <-- Publisher
//                                                 |       |          |           |
//                                            LeaseStore Forwarder  HostNetwork sockets
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bridge/switch.h"
#include "control/impairments.h"
#include "control/model.h"
#include "control/network_services.h"
#include "core/base/result.h"
#include "core/host/turnable.h"
#include "core/link/observed_port.h"
#include "core/stack/gateway.h"
#include "dhcp/lease_book.h"
#include "dhcp/server.h"
#include "dns/server.h"
#include "proxy/egress.h"
#include "proxy/gateway_side.h"
#include "proxy/publisher.h"

namespace pontoon::control {

// What a network needs of its host. Everything must outlive the network.
struct NetworkRim {
  FramePool& pool;
  TimerQueue& timers;
  Random& random;
  HostNetwork& host;
  dns::Forwarder& forwarder;
  dhcp::LeaseStore& leases;
  proxy::PortTable& ports;
  const proxy::HostFacts& facts;
};

class Network final : public host::Turnable {
 public:
  // `number` is unique among the daemon's networks (it goes into lease tickets). `leases` are all
  // that the store had at start; those of other networks are passed over.
  Network(const NetworkSpec& spec, std::uint32_t number, const NetworkRim& rim,
          const std::vector<dhcp::Lease>& leases, Instant now);
  ~Network() override;

  const NetworkSpec& spec() const noexcept { return spec_; }

  // The turn (DESIGN 4). True when another one is due at once.
  bool turn(Instant now) noexcept override;
  Instant next_deadline() const noexcept override;

  // Control plane. An endpoint is reserved first (name, address, host ports), its link comes later.
  // `request.name` is set and unique. Errors are the user's: they say what was wrong and what to
  // do.
  Result<EndpointSettings> reserve(const EndpointRequest& request, std::string id, WallTime created,
                                   Instant now);
  // The link's port. `kind` is shown in listings.
  Status<> attach(std::string_view name, std::unique_ptr<Port> port, std::string kind, Instant now);
  // Everything of the endpoint goes: ports, flows, names, its link. False when there is none.
  bool remove(std::string_view name, Instant now);
  // Whether the disk has the endpoint's lease: the answer to a reservation waits for it.
  bool is_durable(std::string_view name) const;
  void on_lease_written(const dhcp::Completion& completion, Instant now);
  void release_unclaimed_leases(Instant now) { leases_.release_unclaimed(now); }
  // Endpoints whose link has closed by itself since the last call.
  std::vector<std::string> take_gone();
  // Addresses that a DHCP client found in use since the last call, for the administrator (RFC 2131
  // 4.3.3); at most kDhcpQuarantined. An endpoint's names, ports and guard have followed it
  // already.
  std::vector<dhcp::Declined> take_declined() { return std::exchange(declined_, {}); }

  // Every network of the daemon, this one included: none of them is reachable through the gateway,
  // and the others' names don't exist here.
  void set_networks(const std::vector<NetworkSpec>& all);
  void forget_leases() { leases_.forget_all(); }
  bool has_unsaved_leases() const noexcept { return leases_.has_unsaved(); }

  // Told of every frame at every endpoint's link, and of what the switch, a link's queue or the
  // gateway drops. Tags: kGatewayTag, and one per endpoint that is never used again. Null: nobody
  // watches.
  static constexpr std::uint32_t kGatewayTag = 0;
  void set_observer(FrameObserver* observer) noexcept;
  // The endpoint that has this tag; null for the gateway's, or once the endpoint has gone.
  const EndpointInfo* find_tag(std::uint32_t tag) const;
  MacAddress gateway_mac() const noexcept { return gateway_.config().mac; }
  // Grows whenever an endpoint comes or goes.
  std::uint32_t names_serial() const noexcept { return names_serial_; }

  // What `pontoon impair` says: target and words as in impair_target.h and impairment.h. Without a
  // seed one is drawn; what is told back has it.
  Result<ImpairmentInfo> impair(std::string_view target, const std::vector<std::string>& words,
                                std::optional<std::uint64_t> seed, Instant now);
  // How many impairments went. An empty target: all of them.
  Result<std::size_t> clear_impairments(std::string_view target, Instant now);
  std::vector<ImpairmentInfo> impairments(Instant now) const;

  const EndpointInfo* find(std::string_view name) const;
  std::vector<EndpointInfo> endpoints() const;
  std::size_t endpoint_count() const noexcept { return endpoints_.size(); }
  std::vector<dhcp::Lease> leases() const { return leases_.list(); }
  std::vector<FlowInfo> flows(Instant now);
  std::vector<DropInfo> drops() const;
  bool echo_unavailable() const noexcept { return egress_.echo_unavailable(); }

 private:
  struct Endpoint {
    EndpointInfo info;
    std::unique_ptr<ImpairedPort> port;
    ObservedPort* observed = nullptr;  // within `port`
    std::optional<bridge::PortId> port_id;
    std::vector<proxy::ExposedPort> exposed;
  };

  Endpoint* endpoint(std::string_view name);
  Status<> check_names(const EndpointRequest& request) const;
  Result<EndpointInfo> claim_address(const EndpointRequest& request, Instant now);
  Result<std::vector<proxy::ExposedPort>> publish(const EndpointRequest& request,
                                                  EndpointInfo& info);
  void unplug(Endpoint& endpoint);
  bridge::GuardPolicy guard_of(const Endpoint& endpoint) const;
  void drop_flows(const Endpoint& endpoint) noexcept;
  void follow_declined();
  void move_endpoint(Endpoint& endpoint, Ipv4Address address);
  std::vector<ImpairableLink> links() const;
  void rebuild_names();
  void take_closed_ports();
  void age(Instant now);

  NetworkSpec spec_;
  NetworkRim rim_;
  std::vector<std::string> other_networks_;
  std::uint32_t names_serial_ = 0;
  std::uint32_t last_tag_ = kGatewayTag;
  FrameObserver* observer_ = nullptr;
  std::vector<Endpoint> endpoints_;
  DropCounters departed_drops_;  // of endpoints that have gone: what was counted stays counted
  std::vector<std::string> gone_;
  std::vector<dhcp::Declined> declined_;

  bridge::Switch switch_;
  stack::Gateway gateway_;
  bridge::PortId gateway_port_{};
  proxy::GatewaySide inside_;
  dhcp::LeaseBook leases_;
  DropCounters service_drops_;
  DhcpService dhcp_;
  dns::Server names_;
  DnsService dns_;
  proxy::Egress egress_;
  proxy::Publisher publisher_;
  Impairments impairments_;
  Timer age_timer_;
};

}  // namespace pontoon::control
