// The forwarder over c-ares. Single-threaded: it works in forward(), pump() and on_timer() only.
//
// Upstreams come from a resolv.conf (re-read when its modification time changes; looked at no more
// than once a second, when a question is forwarded) or from a fixed list. Our own addresses are
// left out, so that a question never comes back to us.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/host/poller.h"
#include "dns/forwarder.h"

namespace pontoon::dns {

struct CaresForwarderConfig {
  std::string resolv_conf = "/etc/resolv.conf";
  std::vector<SocketAddress> upstreams;  // when not empty, resolv_conf is not looked at
  std::vector<IpAddress> own_addresses;  // of the gateway: never forwarded to
  Duration total_timeout = std::chrono::milliseconds(4500);  // below limits::kDnsForwardTimeout
};

class CaresForwarder final : public Forwarder {
 public:
  // Throws std::runtime_error when c-ares or epoll can't be set up.
  CaresForwarder(CaresForwarderConfig config, host::Poller& poller);
  ~CaresForwarder() override;

  void set_handler(ForwardHandler* handler) noexcept override;
  Status<ForwardError> forward(ForwardTicket ticket, ByteView query, Instant now) noexcept override;
  void cancel(ForwardTicket ticket) noexcept override;

  // Reads what arrived and calls the handler. has_work() says that another call is due at once.
  void pump(Instant now) noexcept;
  bool has_work() const noexcept;
  // When on_timer() is due; kNever when nothing is in flight.
  Instant next_deadline() const noexcept;
  void on_timer(Instant now) noexcept;

  std::vector<SocketAddress> upstreams(Instant now) const;
  std::size_t in_flight() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::dns
