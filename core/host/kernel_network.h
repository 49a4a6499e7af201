// HostNetwork over the kernel's sockets. Everything is non-blocking and reports readiness through
// one Poller.
//
// TCP streams are read with MSG_PEEK at an offset. Linux >= 6.9 keeps that offset in the kernel
// (SO_PEEK_OFF on TCP); elsewhere the bytes before it are copied into a scratch buffer and thrown
// away. Which one is in use is probed once per family, at construction.
//
// Flows never take the process's last descriptors: an eighth of what RLIMIT_NOFILE allows (at most
// kReservedDescriptors) is left to attachments, the API, name servers and listeners. connect(),
// open_datagram(), open_echo() and accept() say no_resources when they would reach into it.
#pragma once

#include <memory>

#include "core/host/poller.h"
#include "core/socket/host_network.h"

namespace pontoon::host {

struct PeekSupport {
  bool offset_v4 = false;
  bool offset_v6 = false;
};
PeekSupport probe_peek_offset() noexcept;

class KernelNetwork final : public HostNetwork {
 public:
  explicit KernelNetwork(Poller& poller, PeekSupport peek = probe_peek_offset());

  Result<std::unique_ptr<Stream>, SocketError> connect(const SocketAddress& target) override;
  Result<std::unique_ptr<Listener>, SocketError> listen(const SocketAddress& local) override;
  Result<std::unique_ptr<Datagram>, SocketError> open_datagram(const SocketAddress& local) override;
  Result<std::unique_ptr<EchoSocket>, SocketError> open_echo(IpFamily family) override;

 private:
  Poller& poller_;
  PeekSupport peek_;
  int flow_descriptors_;  // those of flows are below
};

}  // namespace pontoon::host
