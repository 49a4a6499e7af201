#include "control/network.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/names.h"
#include "core/stack/tcp/engine.h"

namespace pontoon::control {
namespace {

constexpr Duration kAgeInterval = std::chrono::seconds(30);
constexpr std::uint16_t kDnsPort = 53;

stack::GatewayConfig gateway_config(const NetworkSpec& spec) {
  stack::GatewayConfig config;
  config.mac = spec.gateway_mac.value_or(mac_for(spec.name, "gateway", 0));
  config.ipv4 = IpPrefix{spec.gateway, spec.subnet.length};
  config.mtu = spec.mtu;
  return config;
}

std::string zone_of(const NetworkSpec& spec) {
  return fmt::format("{}.{}", spec.name, kDomain);
}

dhcp::ServerConfig dhcp_config(const NetworkSpec& spec) {
  dhcp::ServerConfig config;
  config.gateway = spec.gateway;
  config.prefix = IpPrefix{spec.gateway, spec.subnet.length};
  // An internal network still has its gateway as a router: what is refused there is refused with a
  // reason.
  config.router = spec.gateway;
  config.dns_servers = {spec.gateway};
  config.domain = zone_of(spec);
  config.mtu = spec.mtu;
  return config;
}

dhcp::LeaseBookConfig book_config(const NetworkSpec& spec, std::uint32_t number) {
  return {number, spec.name, IpPrefix{spec.gateway, spec.subnet.length}, spec.gateway, {}};
}

proxy::PolicyConfig policy_config(const NetworkSpec& spec) {
  proxy::PolicyConfig config;
  config.gateway = {spec.gateway};
  config.networks = {spec.subnet};
  config.host_v4 = spec.gateway;
  config.allow_host_loopback = spec.allow_host_loopback;
  config.internal = spec.internal;
  return config;
}

proxy::PublisherConfig publisher_config(const NetworkSpec& spec) {
  return {IpPrefix{spec.gateway, spec.subnet.length}, std::nullopt};
}

dns::NetworkZoneSpec zone_spec(const NetworkSpec& spec) {
  return {spec.name, {spec.subnet}, {spec.gateway}, {spec.gateway}};
}

std::shared_ptr<const dns::ZoneSet> no_names(const NetworkSpec& spec) {
  return dns::ZoneBuilder(zone_spec(spec), 0).build();
}

stack::StackContext stack_context(const NetworkRim& rim) {
  return {rim.pool, rim.timers, rim.random};
}

}  // namespace

Network::Network(const NetworkSpec& spec, std::uint32_t number, const NetworkRim& rim,
                 const std::vector<dhcp::Lease>& leases, Instant now)
    : spec_(spec),
      rim_(rim),
      switch_(rim.pool),
      gateway_(gateway_config(spec), stack_context(rim)),
      inside_(gateway_),
      leases_(book_config(spec, number), rim.timers),
      dhcp_(dhcp_config(spec), leases_, gateway_, service_drops_),
      names_(dns::ServerConfig{spec.internal}, no_names(spec), rim.forwarder, rim.timers,
             rim.random),
      dns_(names_, gateway_, rim.timers),
      egress_(policy_config(spec), rim.host, inside_, rim.timers),
      publisher_(publisher_config(spec), rim.host, inside_, rim.timers, rim.ports, rim.facts),
      impairments_(spec.name, gateway_.config().mac, rim.timers),
      age_timer_(Timer::bind<&Network::age>(*this)) {
  leases_.restore(leases, now);
  const auto port = switch_.add(gateway_, {true, std::nullopt, kGatewayTag}, now);
  gateway_port_ = *port;
  switch_.pin(gateway_.config().mac, gateway_port_);
  gateway_.watch_drops(service_drops_);
  gateway_.watch_drops(names_.counters().drops);
  gateway_.watch_drops(egress_.drops());
  gateway_.tcp().set_forwarder(&egress_);
  gateway_.set_udp_forwarder(&egress_);
  gateway_.set_echo_forwarder(&egress_);
  egress_.set_udp_replies(&publisher_);
  egress_.register_tcp_service(kDnsPort, dns_);
  rim_.timers.arm(age_timer_, now + kAgeInterval);
  rebuild_names();
}

Network::~Network() {
  for (Endpoint& endpoint : endpoints_)
    publisher_.withdraw(endpoint.info.name);
}

bool Network::turn(Instant now) noexcept {
  switch_.pull(now);
  gateway_.run(now);
  follow_declined();
  const bool all_timers = rim_.timers.run_due(now, limits::kTurnTimers) < limits::kTurnTimers;
  publisher_.pump(now);
  dns_.pump(now);
  egress_.pump(now);
  gateway_.pump(now);
  switch_.drain(gateway_port_, now);
  switch_.flush(now);
  dhcp_.server().flush(rim_.leases);
  take_closed_ports();
  return !all_timers || switch_.has_work() || gateway_.has_work() || publisher_.has_work() ||
         egress_.has_work() || dns_.has_work();
}

Instant Network::next_deadline() const noexcept {
  return rim_.timers.next_deadline();
}

Result<EndpointInfo> Network::claim_address(const EndpointRequest& request, Instant now) {
  EndpointInfo info;
  info.name = request.name;
  info.network = spec_.name;
  info.hostname = request.hostname.empty() ? request.name : request.hostname;
  info.aliases = request.aliases;
  info.command = request.command;
  info.pid = request.pid;
  info.dhcp = request.dhcp;
  info.relay = request.relay;
  const auto taken = [this](const MacAddress& mac) {
    return mac == gateway_.config().mac ||
           std::any_of(endpoints_.begin(), endpoints_.end(),
                       [&](const Endpoint& e) { return e.info.mac == mac; });
  };
  if (request.mac && (request.mac->is_multicast() || request.mac->is_zero())) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("Invalid MAC address {}: it must be unicast, such as 02:42:ac:11:00:02",
                    request.mac->to_string())};
  }
  if (request.mac && taken(*request.mac)) {
    return Error{ErrorCode::conflict,
                 fmt::format("MAC address {} is in use on network {}; choose another one",
                             request.mac->to_string(), spec_.name)};
  }
  unsigned salt = 0;
  info.mac = request.mac.value_or(mac_for(spec_.name, request.name, salt));
  while (!request.mac && taken(info.mac))
    info.mac = mac_for(spec_.name, request.name, ++salt);
  const auto lease = leases_.claim({request.name, info.mac, request.ip, request.dhcp}, now);
  if (!lease) return lease.error();
  info.ipv4 = IpPrefix{lease->address, spec_.subnet.length};
  return info;
}

Result<std::vector<proxy::ExposedPort>> Network::publish(const EndpointRequest& request,
                                                         EndpointInfo& info) {
  auto specs = proxy::parse_publications(request.publish);
  if (!specs) return specs.error();
  auto exposed = proxy::parse_exposed(request.expose);
  if (!exposed) return exposed.error();
  if (spec_.internal && !(specs->empty() && !request.publish_all)) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format(
            "network {} is internal: its endpoints publish no ports; leave -p and -P out, or use "
            "another network",
            spec_.name)};
  }
  // -P publishes what is exposed and not published already, each on a port of the kernel's choice.
  for (const proxy::ExposedPort& port :
       request.publish_all ? *exposed : std::vector<proxy::ExposedPort>{}) {
    const bool published =
        std::any_of(specs->begin(), specs->end(), [&](const proxy::PortSpec& spec) {
          return spec.container_port == port.port && spec.protocol == port.protocol;
        });
    if (!published) specs->push_back({std::nullopt, std::nullopt, port.port, port.protocol});
  }
  const auto bindings = publisher_.publish(info.name, {info.ipv4.address, std::nullopt}, *specs);
  if (!bindings) return bindings.error();
  for (const proxy::PortBinding& binding : *bindings) {
    info.ports.push_back(
        {binding.host.protocol, binding.container_port, {binding.host.ip, binding.host.port}});
  }
  info.ports_text = proxy::format_ports(*bindings, *exposed);
  return *exposed;
}

// What DNS would not take must not be reserved: a name that nobody finds is no name.
Status<> Network::check_names(const EndpointRequest& request) const {
  const IpAddress any[] = {spec_.gateway};
  return dns::ZoneBuilder(zone_spec(spec_), 0).add_endpoint(request.name, request.aliases, any);
}

Result<EndpointSettings> Network::reserve(const EndpointRequest& request, std::string id,
                                          WallTime created, Instant now) {
  if (auto valid = check_names(request); !valid) return valid.error();
  const bool remembered = leases_.find_endpoint(request.name) != nullptr;
  auto info = claim_address(request, now);
  if (!info) return info.error();
  info->id = std::move(id);
  info->tag = ++last_tag_;
  info->created = created;
  auto exposed = publish(request, *info);
  if (!exposed) {
    if (remembered) {
      leases_.release(info->name, now);
    } else {
      leases_.forget(info->name);
    }
    return exposed.error();
  }
  endpoints_.push_back({*info, nullptr, nullptr, std::nullopt, *exposed});
  rebuild_names();
  return EndpointSettings{*info, spec_.gateway, spec_.mtu, {zone_of(spec_)}};
}

Status<> Network::attach(std::string_view name, std::unique_ptr<Port> port, std::string kind,
                         Instant now) {
  Endpoint* found = endpoint(name);
  if (found == nullptr)
    return Error{ErrorCode::not_found, fmt::format("No such endpoint: {}", name)};
  unplug(*found);
  if (found->info.relay) dhcp_.server().trust_relay(found->info.mac);
  auto observed = std::make_unique<ObservedPort>(std::move(port), found->info.tag);
  observed->set_observer(observer_);
  ObservedPort* const seen = observed.get();
  auto wire = std::make_unique<ImpairedPort>(std::move(observed), rim_.pool, rim_.timers);
  wire->set_observer(observer_, found->info.tag);
  const auto id = switch_.add(*wire, {false, guard_of(*found), found->info.tag}, now);
  if (!id) {
    return Error{ErrorCode::exhausted, fmt::format("Network {} is full: a switch has {} ports",
                                                   spec_.name, limits::kPortsPerNetwork)};
  }
  found->port = std::move(wire);
  found->observed = seen;
  found->port_id = *id;
  found->info.link = std::move(kind);
  found->info.status = EndpointStatus::up;
  switch_.pin(found->info.mac, *id);
  if (!found->info.dhcp) gateway_.learn_neighbour(found->info.ipv4.address, found->info.mac, now);
  impairments_.attached(found->info.name, links(), now);
  return {};
}

bridge::GuardPolicy Network::guard_of(const Endpoint& endpoint) const {
  const EndpointInfo& info = endpoint.info;
  return {info.mac, info.ipv4.address, std::nullopt, info.relay};
}

void Network::drop_flows(const Endpoint& endpoint) noexcept {
  const IpAddress address = endpoint.info.ipv4.address;
  gateway_.tcp().drop_endpoint(address);
  egress_.drop_endpoint(address);
  gateway_.forget_neighbour(address);
}

void Network::follow_declined() {
  for (dhcp::Declined& declined : leases_.take_declined()) {
    Endpoint* const moved = declined.instead ? endpoint(declined.endpoint) : nullptr;
    if (moved != nullptr) move_endpoint(*moved, *declined.instead);
    if (declined_.size() < limits::kDhcpQuarantined) declined_.push_back(std::move(declined));
  }
}

// The lease is bound already; all that knows the endpoint by its address learns the new one.
void Network::move_endpoint(Endpoint& endpoint, Ipv4Address address) {
  drop_flows(endpoint);
  endpoint.info.ipv4.address = address;
  publisher_.retarget(endpoint.info.name, {endpoint.info.ipv4.address, std::nullopt});
  if (endpoint.port_id) switch_.set_guard(*endpoint.port_id, guard_of(endpoint));
  rebuild_names();
}

void Network::unplug(Endpoint& endpoint) {
  if (!endpoint.port_id) return;
  impairments_.detaching({endpoint.info.name, endpoint.info.mac, endpoint.port.get()});
  departed_drops_.add(endpoint.port->counters().drops);
  departed_drops_.add(endpoint.port->drops());
  departed_drops_.add(switch_.drops(*endpoint.port_id));
  switch_.remove(*endpoint.port_id);
  endpoint.port_id.reset();
  endpoint.port.reset();
  endpoint.observed = nullptr;
  endpoint.info.status = EndpointStatus::reserved;
}

bool Network::remove(std::string_view name, Instant now) {
  const auto found = std::find_if(endpoints_.begin(), endpoints_.end(),
                                  [&](const Endpoint& e) { return same_name(e.info.name, name); });
  if (found == endpoints_.end()) return false;
  publisher_.withdraw(found->info.name);
  drop_flows(*found);
  if (found->info.relay) dhcp_.server().distrust_relay(found->info.mac);
  unplug(*found);
  leases_.release(found->info.name, now);
  // The next endpoint of this name must not be taken for one whose link has closed.
  std::erase(gone_, found->info.name);
  endpoints_.erase(found);
  rebuild_names();
  return true;
}

bool Network::is_durable(std::string_view name) const {
  const EndpointInfo* info = find(name);
  return info != nullptr && leases_.is_durable(info->ipv4.address.v4());
}

void Network::on_lease_written(const dhcp::Completion& completion, Instant now) {
  dhcp_.server().on_durable(completion, now);
}

std::vector<std::string> Network::take_gone() {
  return std::exchange(gone_, {});
}

void Network::take_closed_ports() {
  for (const bridge::PortId id : switch_.take_closed()) {
    for (const Endpoint& endpoint : endpoints_) {
      if (endpoint.port_id == id) gone_.push_back(endpoint.info.name);
    }
  }
}

void Network::set_networks(const std::vector<NetworkSpec>& all) {
  std::vector<IpPrefix> prefixes;
  other_networks_.clear();
  for (const NetworkSpec& network : all) {
    prefixes.push_back(network.subnet);
    if (network.name != spec_.name) other_networks_.push_back(zone_of(network));
  }
  egress_.policy().set_networks(std::move(prefixes));
  rebuild_names();
}

void Network::rebuild_names() {
  dns::ZoneBuilder builder(zone_spec(spec_), ++names_serial_);
  for (const Endpoint& endpoint : endpoints_) {
    const IpAddress addresses[] = {endpoint.info.ipv4.address};
    // Names were checked when the endpoint was reserved.
    (void)builder.add_endpoint(endpoint.info.name, endpoint.info.aliases, addresses);
  }
  for (const std::string& zone : other_networks_)
    (void)builder.add_empty_zone(zone);
  names_.set_zones(std::move(builder).build());
}

void Network::age(Instant now) {
  switch_.age(now);
  rim_.timers.arm(age_timer_, now + kAgeInterval);
}

Network::Endpoint* Network::endpoint(std::string_view name) {
  for (Endpoint& endpoint : endpoints_) {
    if (same_name(endpoint.info.name, name)) return &endpoint;
  }
  return nullptr;
}

void Network::set_observer(FrameObserver* observer) noexcept {
  observer_ = observer;
  switch_.set_drop_observer(observer);
  gateway_.set_drop_observer(observer, kGatewayTag);
  for (Endpoint& endpoint : endpoints_) {
    if (endpoint.observed != nullptr) endpoint.observed->set_observer(observer);
    if (endpoint.port != nullptr) endpoint.port->set_observer(observer, endpoint.info.tag);
  }
}

}  // namespace pontoon::control
