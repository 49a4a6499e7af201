// A network on a real host: its poller, kernel sockets, upstream resolver and driver.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <vector>

#include "bridge/ports/link_handle.h"
#include "control/capture_tap.h"
#include "control/network.h"
#include "core/host/driver.h"
#include "core/host/kernel_network.h"
#include "core/host/poller.h"
#include "dns/cares_forwarder.h"

namespace pontoon::control {

// What all networks of one daemon share.
struct HostShared {
  boost::asio::io_context& io;
  const Clock& clock;
  Random& random;
  dhcp::LeaseStore& leases;
  proxy::PortTable& ports;
  const proxy::HostFacts& facts;
  std::size_t recorder_bytes = 0;  // of each network's flight recorder; 0: none
};

// Nanoseconds since 1970.
std::int64_t wall_ns() noexcept;

class NetworkHost final : private host::Turnable {
 public:
  NetworkHost(const NetworkSpec& spec, std::uint32_t number, const HostShared& shared,
              const std::vector<dhcp::Lease>& leases);
  ~NetworkHost() override;

  Network& network() noexcept { return *network_; }
  // After any change through network(): its effects (timers, writes, frames) wait for a turn.
  void wake() { driver_->wake(); }
  // Makes the port of a link that a client handed over, and plugs it in.
  Status<> attach(std::string_view name, bridge::LinkHandle link);
  CaptureTap& tap() noexcept { return *tap_; }
  // What the flight recorder holds of the last `duration`, into the listener's encoder.
  void dump(CaptureListener& listener, Duration duration);

 private:
  bool turn(Instant now) noexcept override;
  Instant next_deadline() const noexcept override;
  std::int64_t wall_offset_ns() noexcept;

  HostShared shared_;
  FramePool pool_;
  TimerQueue timers_;
  host::Poller poller_;
  host::KernelNetwork kernel_;
  dns::CaresForwarder forwarder_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<CaptureTap> tap_;
  std::int64_t wall_offset_ns_ = 0;
  std::unique_ptr<host::Driver> driver_;
};

}  // namespace pontoon::control
