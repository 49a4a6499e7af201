#include "core/host/kernel_network.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "core/base/limits.h"
#include "core/base/unique_fd.h"
#include "core/host/kernel_datagram.h"
#include "core/host/kernel_stream.h"
#include "core/host/sockaddr.h"

namespace pontoon::host {
namespace {

constexpr int kBacklog = 1024;

int native(IpFamily family) noexcept {
  return family == IpFamily::v4 ? AF_INET : AF_INET6;
}

void set(int fd, int level, int option, int value = 1) noexcept {
  setsockopt(fd, level, option, &value, sizeof value);
}

// The kernel gives out the lowest number that is free, so a number tells how many are in use.
int end_of_flow_descriptors() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX) return INT_MAX;
  const rlim_t reserved = std::min<rlim_t>(limits::kReservedDescriptors, limit.rlim_cur / 8);
  return static_cast<int>(limit.rlim_cur - reserved);
}

bool probe(int family) noexcept {
  const UniqueFd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int zero = 0;
  return fd && setsockopt(fd.get(), SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof zero) == 0;
}

SocketAddress local_of(int fd) noexcept {
  SockAddr local;
  if (getsockname(fd, local.raw(), &local.length) != 0) return {};
  return local.address();
}

class KernelListener final : public Listener, private Pollable {
 public:
  KernelListener(UniqueFd fd, bool peek_offset, int flow_descriptors, Poller& poller) noexcept
      : fd_(std::move(fd)),
        local_(local_of(fd_.get())),
        peek_offset_(peek_offset),
        flow_descriptors_(flow_descriptors),
        poller_(poller) {}
  ~KernelListener() override {
    if (watched_) poller_.remove(fd_.get(), *this);
  }
  bool watch() noexcept {
    watched_ = poller_.add(fd_.get(), EPOLLIN, *this);
    return watched_;
  }

  void set_handler(ListenerHandler* handler) noexcept override { handler_ = handler; }
  SocketAddress local() const noexcept override { return local_; }

  Result<AcceptedStream, SocketError> accept() noexcept override {
    SockAddr peer;
    UniqueFd fd(accept4(fd_.get(), peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      // A client that gave up while it waited is nobody's error.
      const bool nothing = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
      return nothing ? Result<AcceptedStream, SocketError>(AcceptedStream{}) : socket_error(errno);
    }
    if (fd.get() >= flow_descriptors_) return SocketError::no_resources;
    set(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    const SocketAddress local = local_of(fd.get());
    auto stream =
        std::make_unique<KernelStream>(std::move(fd), Stream::State::open, peek_offset_, poller_);
    if (!stream->watch()) return SocketError::no_resources;
    return AcceptedStream{std::move(stream), peer.address(), local};
  }

 private:
  void on_events(std::uint32_t) noexcept override {
    if (handler_ != nullptr) handler_->on_ready();
  }

  UniqueFd fd_;
  SocketAddress local_;
  bool peek_offset_;
  int flow_descriptors_;
  Poller& poller_;
  ListenerHandler* handler_ = nullptr;
  bool watched_ = false;
};

// Errors of what was sent come back through the error queue; on a wildcard, the address that a
// datagram was sent to.
void report_errors_and_addresses(int fd, const SocketAddress& local) noexcept {
  if (local.ip.is_v4()) {
    set(fd, IPPROTO_IP, IP_RECVERR);
    if (local.ip.is_any()) set(fd, IPPROTO_IP, IP_PKTINFO);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    set(fd, IPPROTO_IPV6, IPV6_RECVERR);
    if (local.ip.is_any()) set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
  }
}

}  // namespace

PeekSupport probe_peek_offset() noexcept {
  return {probe(AF_INET), probe(AF_INET6)};
}

KernelNetwork::KernelNetwork(Poller& poller, PeekSupport peek)
    : poller_(poller), peek_(peek), flow_descriptors_(end_of_flow_descriptors()) {}

Result<std::unique_ptr<Stream>, SocketError> KernelNetwork::connect(const SocketAddress& target) {
  const IpFamily family = target.ip.family();
  UniqueFd fd(socket(native(family), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return socket_error(errno);
  if (fd.get() >= flow_descriptors_) return SocketError::no_resources;
  // An inner sender that waits for our acknowledgement must not wait for the outer one's delays.
  set(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  const SockAddr to(target);
  Stream::State state = Stream::State::open;
  if (::connect(fd.get(), to.raw(), to.length) != 0) {
    if (errno != EINPROGRESS) return socket_error(errno);
    state = Stream::State::connecting;
  }
  const bool peek = family == IpFamily::v4 ? peek_.offset_v4 : peek_.offset_v6;
  auto stream = std::make_unique<KernelStream>(std::move(fd), state, peek, poller_);
  if (!stream->watch()) return SocketError::no_resources;
  return std::unique_ptr<Stream>(std::move(stream));
}

Result<std::unique_ptr<Listener>, SocketError> KernelNetwork::listen(const SocketAddress& local) {
  const IpFamily family = local.ip.family();
  UniqueFd fd(socket(native(family), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return socket_error(errno);
  set(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (family == IpFamily::v6) set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  const SockAddr at(local);
  if (bind(fd.get(), at.raw(), at.length) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return socket_error(errno);
  }
  const bool peek = family == IpFamily::v4 ? peek_.offset_v4 : peek_.offset_v6;
  auto listener = std::make_unique<KernelListener>(std::move(fd), peek, flow_descriptors_, poller_);
  if (!listener->watch()) return SocketError::no_resources;
  return std::unique_ptr<Listener>(std::move(listener));
}

Result<std::unique_ptr<Datagram>, SocketError> KernelNetwork::open_datagram(
    const SocketAddress& local) {
  UniqueFd fd(socket(native(local.ip.family()), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return socket_error(errno);
  if (fd.get() >= flow_descriptors_) return SocketError::no_resources;
  report_errors_and_addresses(fd.get(), local);
  const SockAddr at(local);
  if (bind(fd.get(), at.raw(), at.length) != 0) return socket_error(errno);
  const SocketAddress bound = local_of(fd.get());
  auto datagram = std::make_unique<KernelDatagram>(std::move(fd), bound, poller_);
  if (!datagram->watch()) return SocketError::no_resources;
  return std::unique_ptr<Datagram>(std::move(datagram));
}

Result<std::unique_ptr<EchoSocket>, SocketError> KernelNetwork::open_echo(IpFamily family) {
  const int protocol = family == IpFamily::v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
  UniqueFd fd(socket(native(family), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd) return socket_error(errno);
  if (fd.get() >= flow_descriptors_) return SocketError::no_resources;
  const SocketAddress any{family == IpFamily::v4 ? IpAddress(Ipv4Address::any()) : IpAddress(), 0};
  report_errors_and_addresses(fd.get(), any);
  auto echo = std::make_unique<KernelDatagram>(std::move(fd), any, poller_);
  if (!echo->watch()) return SocketError::no_resources;
  return std::unique_ptr<EchoSocket>(std::move(echo));
}

}  // namespace pontoon::host
