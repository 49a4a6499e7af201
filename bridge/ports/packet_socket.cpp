#include "bridge/ports/packet_socket.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "core/base/limits.h"

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23  // Linux 4.20
#endif

namespace pontoon::bridge {
namespace {

Error failure(ErrorCode code, const std::string& what) {
  return {code, what + ": " + std::strerror(errno)};
}

Status<> require(const UniqueFd& fd, int option, const char* name) {
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_PACKET, option, &on, sizeof on) == 0) return {};
  return failure(ErrorCode::unsupported, std::string("the kernel refuses ") + name);
}

// As large as the host lets us: FORCE needs CAP_NET_ADMIN over the host itself. An ordinary user
// gets what net.core.rmem_max and wmem_max say, by default six super-frames each way.
void enlarge_buffers(const UniqueFd& fd) noexcept {
  const int bytes = limits::kPacketBufferBytes;
  for (const auto& [forced, asked] :
       {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}}) {
    if (::setsockopt(fd.get(), SOL_SOCKET, forced, &bytes, sizeof bytes) == 0) continue;
    (void)::setsockopt(fd.get(), SOL_SOCKET, asked, &bytes, sizeof bytes);
  }
}

// UDP segmentation came into the virtio-net header with Linux 6.2; there is no way to ask.
bool kernel_has_uso() noexcept {
  utsname system{};
  unsigned major = 0;
  unsigned minor = 0;
  if (::uname(&system) != 0) return false;
  if (std::sscanf(system.release, "%u.%u", &major, &minor) != 2) return false;
  return major > 6 || (major == 6 && minor >= 2);
}

Status<> set_options(const UniqueFd& fd) {
  if (auto done = require(fd, PACKET_VNET_HDR, "PACKET_VNET_HDR"); !done) return done;
  // Without it each frame that we send would come back as one that the endpoint had sent.
  if (auto done = require(fd, PACKET_IGNORE_OUTGOING, "PACKET_IGNORE_OUTGOING (Linux 4.20)");
      !done) {
    return done;
  }
  // A veth gets its real queueing discipline, which is none, up to a second after its other end
  // came up. Until then one stands in that swallows frames and reports success: the answer to an
  // endpoint's first ARP request would be lost, and its first connection wait for the next.
  if (auto done = require(fd, PACKET_QDISC_BYPASS, "PACKET_QDISC_BYPASS"); !done) return done;
  return require(fd, PACKET_AUXDATA, "PACKET_AUXDATA");
}

// Binding begins the reception: the socket was made without a protocol, so nothing of other
// interfaces is in its queue.
Status<> bind_to(const UniqueFd& fd, unsigned interface_index) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(interface_index);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
  const bool missing = errno == ENODEV || errno == ENXIO;
  // An interface that is down takes the binding and leaves ENETDOWN for the first read.
  return failure(missing ? ErrorCode::not_found : ErrorCode::internal,
                 "cannot bind the packet socket");
}

}  // namespace

Result<LinkHandle> open_packet_socket(unsigned interface_index) {
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(interface_index, name.data()) == nullptr) {
    return Error{ErrorCode::not_found,
                 "there is no interface with index " + std::to_string(interface_index)};
  }
  LinkHandle link;
  link.kind = LinkHandle::Kind::packet;
  link.interface = name.data();
  link.checksum = true;
  link.tso = true;
  link.uso = kernel_has_uso();
  link.fd = UniqueFd(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!link.fd) {
    const bool denied = errno == EPERM || errno == EACCES;
    return failure(denied ? ErrorCode::permission_denied : ErrorCode::internal,
                   "cannot open a packet socket (CAP_NET_RAW in this network namespace is needed)");
  }
  if (auto done = set_options(link.fd); !done) return done.error();
  enlarge_buffers(link.fd);
  if (auto done = bind_to(link.fd, interface_index); !done) return done.error();
  return link;
}

}  // namespace pontoon::bridge
