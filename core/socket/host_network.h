// The host's network as the engines see it: a factory of sockets. core/host implements it with the
// kernel, tests and the simulator with memory.
#pragma once

#include <memory>

#include "core/base/address.h"
#include "core/base/result.h"
#include "core/socket/datagram.h"
#include "core/socket/stream.h"

namespace pontoon {

class ListenerHandler {
 public:
  virtual ~ListenerHandler() = default;
  virtual void on_ready() noexcept = 0;
};

struct AcceptedStream {
  std::unique_ptr<Stream> stream;
  SocketAddress peer;   // the client
  SocketAddress local;  // what the client connected to
};

class Listener {
 public:
  virtual ~Listener() = default;
  virtual void set_handler(ListenerHandler* handler) noexcept = 0;
  virtual SocketAddress local() const noexcept = 0;
  // The next waiting connection. `would_block` is spelled as an AcceptedStream without a stream.
  virtual Result<AcceptedStream, SocketError> accept() noexcept = 0;
};

class HostNetwork {
 public:
  virtual ~HostNetwork() = default;
  // A stream in `connecting` (or already open or failed). An error means that there is none: no
  // socket could be had, or the host refused at once (no route, no free port).
  virtual Result<std::unique_ptr<Stream>, SocketError> connect(const SocketAddress& target) = 0;
  // An IPv6 listener takes IPv6 only (IPV6_V6ONLY). Port 0 is the kernel's choice; see local().
  virtual Result<std::unique_ptr<Listener>, SocketError> listen(const SocketAddress& local) = 0;
  virtual Result<std::unique_ptr<Datagram>, SocketError> open_datagram(
      const SocketAddress& local) = 0;
  virtual Result<std::unique_ptr<EchoSocket>, SocketError> open_echo(IpFamily family) = 0;
};

}  // namespace pontoon
