#include "control/network_host.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "bridge/ports/link_check.h"
#include "bridge/ports/port_factory.h"
#include "core/base/log.h"

namespace pontoon::control {
namespace {

dns::CaresForwarderConfig forwarder_config(const NetworkSpec& spec) {
  dns::CaresForwarderConfig config;
  config.own_addresses = {spec.gateway};
  return config;
}

// RFC 2131 4.3.3: "The server SHOULD notify the network administrator".
void log_declined(const dhcp::Declined& declined) {
  const std::string who = declined.endpoint.empty() ? declined.mac.to_string()
                                                    : fmt::format("endpoint {}", declined.endpoint);
  const std::string now = declined.instead
                              ? fmt::format("; it has {} now", declined.instead->to_string())
                              : std::string();
  log::warning(fmt::format("{} found its address {} in use (DHCPDECLINE){}", who,
                           declined.address.to_string(), now));
}

}  // namespace

std::int64_t wall_ns() noexcept {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

NetworkHost::NetworkHost(const NetworkSpec& spec, std::uint32_t number, const HostShared& shared,
                         const std::vector<dhcp::Lease>& leases)
    : shared_(shared), kernel_(poller_), forwarder_(forwarder_config(spec), poller_) {
  const NetworkRim rim{pool_,      timers_,        shared_.random, kernel_,
                       forwarder_, shared_.leases, shared_.ports,  shared_.facts};
  network_ = std::make_unique<Network>(spec, number, rim, leases, shared_.clock.now());
  tap_ = std::make_unique<CaptureTap>(*network_, shared.recorder_bytes);
  driver_ = std::make_unique<host::Driver>(shared_.io, poller_, static_cast<host::Turnable&>(*this),
                                           shared_.clock);
  driver_->wake();
}

NetworkHost::~NetworkHost() = default;

Status<> NetworkHost::attach(std::string_view name, bridge::LinkHandle link) {
  if (auto checked = bridge::check_link(link); !checked) return checked;
  std::string kind = link.kind == bridge::LinkHandle::Kind::tap ? "tap" : "packet";
  auto port = bridge::make_port(std::move(link), pool_, poller_, network_->spec().mtu);
  if (!port) {
    return Error{ErrorCode::exhausted,
                 "the daemon cannot watch one more descriptor (fs.epoll.max_user_watches)"};
  }
  Status<> attached = network_->attach(name, std::move(port), std::move(kind), shared_.clock.now());
  wake();
  return attached;
}

bool NetworkHost::turn(Instant now) noexcept {
  if (forwarder_.next_deadline() <= now) forwarder_.on_timer(now);
  forwarder_.pump(now);
  const bool more = network_->turn(now);
  for (const dhcp::Declined& declined : network_->take_declined())
    log_declined(declined);
  tap_->end_turn(tap_->live() ? wall_offset_ns() : 0);
  return more || forwarder_.has_work();
}

// What the zero of the engines' clock is on the wall. It follows when somebody sets the wall's, and
// else stays, so that no frame seems older than the one before.
std::int64_t NetworkHost::wall_offset_ns() noexcept {
  constexpr std::int64_t set_by_hand_ns = 100'000'000;
  const std::int64_t offset = wall_ns() - shared_.clock.now().time_since_epoch().count();
  if (std::abs(offset - wall_offset_ns_) > set_by_hand_ns) wall_offset_ns_ = offset;
  return wall_offset_ns_;
}

void NetworkHost::dump(CaptureListener& listener, Duration duration) {
  tap_->dump(listener, shared_.clock.now() - duration, wall_offset_ns());
}

Instant NetworkHost::next_deadline() const noexcept {
  return std::min(network_->next_deadline(), forwarder_.next_deadline());
}

}  // namespace pontoon::control
