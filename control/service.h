// What the daemon can be asked to do, whatever the protocol: the API and the attach protocol both
// end here. Owns the networks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/impair_target.h"
#include "control/model.h"
#include "control/network_host.h"
#include "control/state.h"
#include "core/base/result.h"

namespace pontoon::control {

class Service {
 public:
  // `leases` is what the lease store had at start. Brings the stored networks up, and the default
  // one.
  static Result<std::unique_ptr<Service>> create(const HostShared& shared, NetworkStore& store,
                                                 std::vector<dhcp::Lease> leases);

  Result<NetworkSpec> create_network(const NetworkRequest& request);
  Status<> remove_network(std::string_view name);
  std::vector<NetworkInfo> networks() const;
  Result<NetworkInfo> network(std::string_view name) const;

  // Name, address and host ports of a new endpoint. Its link follows with attach(); release() gives
  // everything back.
  Result<EndpointSettings> reserve(EndpointRequest request);
  // The lease is on disk, or never will be.
  bool is_durable(std::string_view endpoint) const;
  Status<> attach(std::string_view endpoint, bridge::LinkHandle link);
  void release(std::string_view endpoint);

  std::vector<EndpointInfo> endpoints() const;
  Result<EndpointInfo> endpoint(std::string_view name) const;
  std::vector<LeaseInfo> leases() const;
  std::vector<FlowInfo> flows();
  Result<std::vector<DropInfo>> drops(std::string_view network) const;

  // The target says which network it is about.
  Result<ImpairmentInfo> impair(const ImpairmentRequest& request);
  // How many went. An empty target: all, of every network.
  Result<std::size_t> clear_impairments(std::string_view target);
  std::vector<ImpairmentInfo> impairments() const;

  // What a capture is of: "", "web", "endpoint:web", "default", "network:default". An endpoint goes
  // before a network of the same name.
  struct CaptureScope {
    NetworkHost* host = nullptr;
    std::string endpoint;  // empty: the whole network
  };
  Result<CaptureScope> capture_scope(std::string_view target) const;

  // The lease store's completions, and what turns have left for the control plane: called after
  // wake-ups.
  void on_leases_written();
  // Endpoints whose link has closed by itself.
  std::vector<std::string> take_gone();
  void release_unclaimed_leases();
  // An endpoint's ping to the outside failed because the host gives us no ping sockets.
  bool echo_unavailable() const noexcept;
  // Hands what the disk does not know yet to the store; true while something is still under way.
  bool save_leases();

 private:
  Service(const HostShared& shared, NetworkStore& store, std::vector<dhcp::Lease> leases);
  Status<> start_networks();
  void start(const NetworkSpec& spec);
  Result<NetworkSpec> plan(const NetworkRequest& request) const;
  void networks_changed();
  NetworkHost* host(std::string_view network) const;
  NetworkHost* host_of(std::string_view endpoint) const;
  Result<NetworkHost*> host_of_pair(const ImpairTarget& target) const;
  Result<NetworkHost*> host_of_target(const ImpairTarget& target) const;
  Status<> check(EndpointRequest& request) const;

  HostShared shared_;
  NetworkStore& store_;
  std::vector<dhcp::Lease> restored_;
  std::uint32_t next_number_ = 1;
  std::map<std::uint32_t, std::unique_ptr<NetworkHost>>
      hosts_;  // by number, which is their order of creation
};

}  // namespace pontoon::control
