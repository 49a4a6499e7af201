#include "bridge/ports/tap_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "core/link/virtio_header.h"

// Linux 6.2; older headers do not have them.
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

namespace pontoon::bridge {
namespace {

constexpr const char* kDevice = "/dev/net/tun";

Error device_error(int error) {
  const std::string device(kDevice);
  const std::string reason = std::strerror(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return {ErrorCode::unavailable,
              device + " is missing: load the tun module, or use --link packet"};
    case ENODEV:
    case ENXIO:
      return {ErrorCode::unavailable, device + " has no driver behind it (" + reason +
                                          "): load the tun module, or use --link packet"};
    case EACCES:
    case EPERM:
      return {ErrorCode::permission_denied,
              device + " is closed to this user (" + reason +
                  "): have its mode changed to 0666, or use --link packet"};
    default:
      return {ErrorCode::internal, "cannot open " + device + ": " + reason};
  }
}

Error interface_error(int error, const std::string& name) {
  const std::string what = "cannot make the TAP interface '" + name + "': ";
  const std::string reason = std::strerror(error);
  switch (error) {
    case EPERM:
    case EACCES:
      return {ErrorCode::permission_denied,
              what + "CAP_NET_ADMIN in this network namespace is needed"};
    case EBUSY:
    case EEXIST:
      return {ErrorCode::already_exists, what + "the name is taken"};
    case EINVAL:
      return {ErrorCode::invalid_argument, what + "not a valid name, or taken by something else"};
    case ENFILE:
      return {ErrorCode::exhausted, what + reason};
    default:
      return {ErrorCode::internal, what + reason};
  }
}

// What the kernel may hand us. The most it grants; a kernel that does not know USO refuses all of a
// set that has it.
Status<> set_offloads(LinkHandle& link) {
  constexpr unsigned checksum = TUN_F_CSUM;
  constexpr unsigned tso = checksum | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
  constexpr unsigned uso = tso | TUN_F_USO4 | TUN_F_USO6;
  const auto grant = [&link](unsigned wanted) {
    return ::ioctl(link.fd.get(), TUNSETOFFLOAD, static_cast<unsigned long>(wanted)) == 0;
  };
  link.checksum = true;
  link.uso = grant(uso);
  link.tso = link.uso || grant(tso);
  if (link.tso || grant(checksum)) return {};
  return Error{ErrorCode::unsupported,
               std::string("the TAP driver grants no offloads: ") + std::strerror(errno)};
}

}  // namespace

Result<LinkHandle> open_tap(const std::string& name) {
  if (name.size() >= IFNAMSIZ) return interface_error(EINVAL, name);
  LinkHandle link;
  link.kind = LinkHandle::Kind::tap;
  link.fd = UniqueFd(::open(kDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!link.fd) return device_error(errno);

  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
  if (::ioctl(link.fd.get(), TUNSETIFF, &request) != 0) return interface_error(errno, name);
  link.interface = request.ifr_name;

  const int header_bytes = static_cast<int>(kVirtioHeaderSize);
  if (::ioctl(link.fd.get(), TUNSETVNETHDRSZ, &header_bytes) != 0) {
    return Error{ErrorCode::unsupported,
                 std::string("the TAP driver has no virtio-net header: ") + std::strerror(errno)};
  }
  if (auto done = set_offloads(link); !done) return done.error();
  return link;
}

}  // namespace pontoon::bridge
