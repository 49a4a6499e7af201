#include "bridge/ports/link_check.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "core/link/virtio_header.h"

namespace pontoon::bridge {
namespace {

Error wrong(const char* what) {
  return {ErrorCode::invalid_argument, std::string("the descriptor of the link is not ") + what};
}

// A value that no socket option has when the call fails.
int option(const LinkHandle& link, int level, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(link.fd.get(), level, name, &value, &size) == 0 ? value : -1;
}

Status<> check_tap(const LinkHandle& link) {
  constexpr int wanted = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  ifreq interface {};
  int header = 0;
  if (::ioctl(link.fd.get(), TUNGETIFF, &interface) != 0) return wrong("a TAP interface");
  if ((interface.ifr_flags & wanted) != wanted ||
      ::ioctl(link.fd.get(), TUNGETVNETHDRSZ, &header) != 0 ||
      header != static_cast<int>(kVirtioHeaderSize)) {
    return wrong("a TAP interface with a virtio-net header of 10 bytes");
  }
  return {};
}

Status<> check_packet(const LinkHandle& link) {
  const int domain = option(link, SOL_SOCKET, SO_DOMAIN);
  const int type = option(link, SOL_SOCKET, SO_TYPE);
  if (domain == AF_UNIX && type == SOCK_DGRAM) return {};
  if (domain != AF_PACKET || type != SOCK_RAW) return wrong("a packet socket");
  if (option(link, SOL_PACKET, PACKET_VNET_HDR) != 1) {
    return wrong("a packet socket with virtio-net headers");
  }
  return {};
}

Status<> check_kind(const LinkHandle& link) {
  switch (link.kind) {
    case LinkHandle::Kind::tap:
      return check_tap(link);
    case LinkHandle::Kind::packet:
      return check_packet(link);
  }
  return wrong("of a kind that there is");
}

}  // namespace

Status<> check_link(const LinkHandle& link) {
  if (auto kind = check_kind(link); !kind) return kind;
  const int flags = ::fcntl(link.fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(link.fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return Error{
        ErrorCode::internal,
        std::string("cannot make the link's descriptor non-blocking: ") + std::strerror(errno)};
  }
  return {};
}

}  // namespace pontoon::bridge
