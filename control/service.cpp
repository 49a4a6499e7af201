#include "control/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "control/address_plan.h"
#include "control/names.h"
#include "core/base/limits.h"
#include "core/base/log.h"

namespace pontoon::control {
namespace {

Error no_such_network(std::string_view name) {
  return {
      ErrorCode::not_found,
      fmt::format(
          "No such network: {}. See `pontoon network ls`, or make it: pontoon network create {}",
          name, name)};
}

Error no_such_endpoint(std::string_view name) {
  return {ErrorCode::not_found, fmt::format("No such endpoint: {}. See `pontoon ps`", name)};
}

Status<> check_subnet(const IpPrefix& subnet) {
  if (!subnet.address.is_v4() || subnet.length < 8 || subnet.length > 29) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format(
            "Invalid subnet {}: use an IPv4 prefix between /8 and /29, such as 172.20.0.0/16",
            subnet.to_string())};
  }
  if (subnet.address != subnet.network()) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("Invalid subnet {}: the bits after the prefix must be zero, as in {}/{}",
                    subnet.to_string(), subnet.network().to_string(), subnet.length)};
  }
  const IpAddress& address = subnet.address;
  if (address.is_loopback() || address.is_link_local() || address.is_multicast() ||
      address.v4().value >> 28 == 0xf || address.v4().value >> 24 == 0) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("Invalid subnet {}: it is not for unicast networks", subnet.to_string())};
  }
  return {};
}

std::int64_t seconds_until(Instant when, Instant now) {
  return std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::seconds>(when - now).count());
}

}  // namespace

Service::Service(const HostShared& shared, NetworkStore& store, std::vector<dhcp::Lease> leases)
    : shared_(shared), store_(store), restored_(std::move(leases)) {}

Result<std::unique_ptr<Service>> Service::create(const HostShared& shared, NetworkStore& store,
                                                 std::vector<dhcp::Lease> leases) {
  std::unique_ptr<Service> service(new Service(shared, store, std::move(leases)));
  if (auto started = service->start_networks(); !started) return started.error();
  return service;
}

Status<> Service::start_networks() {
  const auto stored = store_.load();
  if (!stored) return stored.error();
  for (const NetworkSpec& spec : *stored)
    start(spec);
  if (host(kDefaultNetwork) == nullptr) {
    NetworkRequest request;
    request.name = kDefaultNetwork;
    if (const auto made = create_network(request); !made) return made.error();
  }
  networks_changed();
  return {};
}

void Service::start(const NetworkSpec& spec) {
  const std::uint32_t number = next_number_++;
  hosts_.emplace(number, std::make_unique<NetworkHost>(spec, number, shared_, restored_));
  log::info(fmt::format("network {} is up: {} gateway {}", spec.name, spec.subnet.to_string(),
                        spec.gateway.to_string()));
}

Result<NetworkSpec> Service::plan(const NetworkRequest& request) const {
  std::vector<IpPrefix> ours;
  for (const auto& [_, host] : hosts_)
    ours.push_back(host->network().spec().subnet);
  NetworkSpec spec;
  spec.name = request.name;
  spec.mtu = request.mtu;
  spec.internal = request.internal;
  spec.allow_host_loopback = request.allow_host_loopback;
  if (request.subnet) {
    if (auto valid = check_subnet(*request.subnet); !valid) return valid.error();
    for (const auto& [_, host] : hosts_) {
      const NetworkSpec& other = host->network().spec();
      if (!other.subnet.overlaps(*request.subnet)) continue;
      return Error{ErrorCode::conflict,
                   fmt::format("Subnet {} overlaps network {} ({}); choose another one",
                               request.subnet->to_string(), other.name, other.subnet.to_string())};
    }
    spec.subnet = *request.subnet;
  } else {
    for (const IpPrefix& route : host_routes())
      ours.push_back(route);
    const auto chosen = choose_subnet(ours);
    if (!chosen) return chosen.error();
    spec.subnet = *chosen;
  }
  spec.gateway = request.gateway.value_or(Ipv4Address{spec.subnet.address.v4().value + 1});
  if (!spec.subnet.contains(spec.gateway) || IpAddress(spec.gateway) == spec.subnet.address ||
      IpAddress(spec.gateway) == spec.subnet.last()) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("Invalid gateway {}: it must be a host address within {}",
                             spec.gateway.to_string(), spec.subnet.to_string())};
  }
  return spec;
}

Result<NetworkSpec> Service::create_network(const NetworkRequest& request) {
  if (auto valid = check_name("network name", request.name); !valid) return valid.error();
  if (auto valid = dns::ZoneBuilder::check_network_name(request.name); !valid) return valid.error();
  if (host(request.name) != nullptr) {
    return Error{
        ErrorCode::already_exists,
        fmt::format("network with name {} already exists; see `pontoon network ls`", request.name)};
  }
  if (hosts_.size() >= limits::kNetworks) {
    return Error{ErrorCode::exhausted,
                 fmt::format("the daemon holds {} networks, which is its limit; remove one "
                             "with `pontoon network rm`",
                             limits::kNetworks)};
  }
  if (request.mtu < 1280 || request.mtu > 65520) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("Invalid MTU {}: use 1280 to 65520", request.mtu)};
  }
  auto spec = plan(request);
  if (!spec) return spec.error();
  spec->id = make_id(shared_.random);
  spec->created = shared_.clock.wall();
  if (auto stored = store_.put(*spec); !stored) return stored.error();
  start(*spec);
  networks_changed();
  return *spec;
}

Status<> Service::remove_network(std::string_view name) {
  NetworkHost* found = host(name);
  if (found == nullptr) return no_such_network(name);
  if (same_name(name, kDefaultNetwork)) {
    return Error{ErrorCode::conflict, "the default network cannot be removed"};
  }
  if (const auto endpoints = found->network().endpoints(); !endpoints.empty()) {
    return Error{ErrorCode::conflict,
                 fmt::format("network {} has active endpoints ({}{}); detach them first", name,
                             endpoints.front().name, endpoints.size() > 1 ? ", …" : "")};
  }
  if (auto erased = store_.erase(found->network().spec().name); !erased) return erased;
  // Its leases go with it: one last turn hands the erasures to the store.
  found->network().forget_leases();
  (void)found->network().turn(shared_.clock.now());
  std::erase_if(restored_,
                [&](const dhcp::Lease& lease) { return same_name(lease.network, name); });
  std::erase_if(hosts_, [found](const auto& entry) { return entry.second.get() == found; });
  networks_changed();
  return {};
}

void Service::networks_changed() {
  std::vector<NetworkSpec> all;
  for (const auto& [_, host] : hosts_)
    all.push_back(host->network().spec());
  for (const auto& [_, host] : hosts_)
    host->network().set_networks(all);
}

std::vector<NetworkInfo> Service::networks() const {
  std::vector<NetworkInfo> out;
  for (const auto& [_, host] : hosts_) {
    out.push_back({host->network().spec(), host->network().endpoint_count()});
  }
  return out;
}

Result<NetworkInfo> Service::network(std::string_view name) const {
  NetworkHost* found = host(name);
  if (found == nullptr) return no_such_network(name);
  return NetworkInfo{found->network().spec(), found->network().endpoint_count()};
}

Status<> Service::check(EndpointRequest& request) const {
  if (request.name.empty()) {
    do {
      request.name = make_up_name(shared_.random);
    } while (host_of(request.name) != nullptr);
  }
  if (auto valid = check_name("name", request.name); !valid) return valid;
  for (const std::string& alias : request.aliases) {
    if (auto valid = check_name("alias", alias); !valid) return valid;
  }
  if (!request.hostname.empty()) {
    if (auto valid = check_name("hostname", request.hostname); !valid) return valid;
  }
  if (NetworkHost* other = host_of(request.name)) {
    return Error{
        ErrorCode::already_exists,
        fmt::format(
            "The name {} is already in use on network {}. Detach it (pontoon detach {}) or choose "
            "another name",
            request.name, other->network().spec().name, request.name)};
  }
  const auto count = [](std::size_t sum, const auto& entry) {
    return sum + entry.second->network().endpoint_count();
  };
  if (std::accumulate(hosts_.begin(), hosts_.end(), std::size_t{0}, count) >= limits::kEndpoints) {
    return Error{
        ErrorCode::exhausted,
        fmt::format("the daemon holds {} endpoints, which is its limit", limits::kEndpoints)};
  }
  return {};
}

Result<EndpointSettings> Service::reserve(EndpointRequest request) {
  NetworkHost* found = host(request.network);
  if (found == nullptr) return no_such_network(request.network);
  if (auto valid = check(request); !valid) return valid.error();
  auto settings = found->network().reserve(request, make_id(shared_.random), shared_.clock.wall(),
                                           shared_.clock.now());
  found->wake();
  return settings;
}

bool Service::is_durable(std::string_view endpoint) const {
  NetworkHost* found = host_of(endpoint);
  return found == nullptr || found->network().is_durable(endpoint);
}

Status<> Service::attach(std::string_view endpoint, bridge::LinkHandle link) {
  NetworkHost* found = host_of(endpoint);
  if (found == nullptr) return no_such_endpoint(endpoint);
  return found->attach(endpoint, std::move(link));
}

void Service::release(std::string_view endpoint) {
  NetworkHost* found = host_of(endpoint);
  if (found == nullptr) return;
  found->network().remove(endpoint, shared_.clock.now());
  found->wake();
}

std::vector<EndpointInfo> Service::endpoints() const {
  std::vector<EndpointInfo> out;
  for (const auto& [_, host] : hosts_) {
    for (EndpointInfo& info : host->network().endpoints())
      out.push_back(std::move(info));
  }
  return out;
}

Result<EndpointInfo> Service::endpoint(std::string_view name) const {
  for (EndpointInfo& info : endpoints()) {
    if (same_name(info.name, name)) return std::move(info);
  }
  return no_such_endpoint(name);
}

std::vector<LeaseInfo> Service::leases() const {
  std::vector<LeaseInfo> out;
  const Instant now = shared_.clock.now();
  for (const auto& [_, host] : hosts_) {
    for (const dhcp::Lease& lease : host->network().leases()) {
      LeaseInfo info{lease.network,
                     lease.address,
                     lease.mac,
                     lease.endpoint.empty() ? lease.hostname : lease.endpoint,
                     std::string(to_string(lease.state)),
                     std::nullopt};
      const bool runs =
          lease.state == dhcp::LeaseState::bound || lease.state == dhcp::LeaseState::offered;
      if (runs && lease.expires != kNever) info.expires_in_s = seconds_until(lease.expires, now);
      out.push_back(std::move(info));
    }
  }
  return out;
}

std::vector<FlowInfo> Service::flows() {
  std::vector<FlowInfo> out;
  for (const auto& [_, host] : hosts_) {
    for (FlowInfo& flow : host->network().flows(shared_.clock.now()))
      out.push_back(std::move(flow));
  }
  return out;
}

Result<std::vector<DropInfo>> Service::drops(std::string_view network) const {
  NetworkHost* found = host(network);
  if (found == nullptr) return no_such_network(network);
  return found->network().drops();
}

Result<Service::CaptureScope> Service::capture_scope(std::string_view target) const {
  constexpr std::string_view network_prefix = "network:";
  constexpr std::string_view endpoint_prefix = "endpoint:";
  if (target.empty()) return CaptureScope{host(kDefaultNetwork), {}};
  const bool network_only = target.starts_with(network_prefix);
  const bool endpoint_only = target.starts_with(endpoint_prefix);
  const std::string_view name = target.substr(network_only    ? network_prefix.size()
                                              : endpoint_only ? endpoint_prefix.size()
                                                              : 0);
  if (NetworkHost* found = network_only ? nullptr : host_of(name))
    return CaptureScope{found, found->network().find(name)->name};
  if (NetworkHost* found = endpoint_only ? nullptr : host(name)) return CaptureScope{found, {}};
  if (network_only) return no_such_network(name);
  if (endpoint_only) return no_such_endpoint(name);
  return Error{ErrorCode::not_found,
               fmt::format("No such endpoint or network: {}. See `pontoon ps` and `pontoon network "
                           "ls`; filters are told in pontoon(1)",
                           name)};
}

void Service::on_leases_written() {
  for (const dhcp::Completion& completion : shared_.leases.poll()) {
    if (!completion.ok)
      log::error(fmt::format("leases could not be written: {}", completion.error));
    const auto found = hosts_.find(completion.ticket.book);
    if (found == hosts_.end()) continue;
    found->second->network().on_lease_written(completion, shared_.clock.now());
    found->second->wake();
  }
}

std::vector<std::string> Service::take_gone() {
  std::vector<std::string> out;
  for (const auto& [_, host] : hosts_) {
    for (std::string& name : host->network().take_gone())
      out.push_back(std::move(name));
  }
  return out;
}

void Service::release_unclaimed_leases() {
  for (const auto& [_, host] : hosts_) {
    host->network().release_unclaimed_leases(shared_.clock.now());
    host->wake();
  }
}

bool Service::echo_unavailable() const noexcept {
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [](const auto& entry) { return entry.second->network().echo_unavailable(); });
}

bool Service::save_leases() {
  bool unsaved = false;
  for (const auto& [_, host] : hosts_) {
    (void)host->network().turn(shared_.clock.now());
    on_leases_written();
    unsaved = unsaved || host->network().has_unsaved_leases();
  }
  return unsaved;
}

NetworkHost* Service::host(std::string_view network) const {
  for (const auto& [_, host] : hosts_) {
    if (same_name(host->network().spec().name, network)) return host.get();
  }
  return nullptr;
}

NetworkHost* Service::host_of(std::string_view endpoint) const {
  for (const auto& [_, host] : hosts_) {
    if (host->network().find(endpoint) != nullptr) return host.get();
  }
  return nullptr;
}

}  // namespace pontoon::control
