#include "control/local_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pontoon::control {
namespace {

constexpr int kBacklog = 128;

Result<sockaddr_un> local_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format(
            "{} is too long for a socket's path ({} bytes at most); set PONTOON_RUNTIME_DIR to a "
            "shorter place",
            path, sizeof address.sun_path - 1)};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Error failure(const std::string& path) {
  return {ErrorCode::internal, fmt::format("cannot listen on {}: {}", path, std::strerror(errno))};
}

}  // namespace

Result<UniqueFd> listen_local(const std::string& path, int type) {
  const auto address = local_address(path);
  if (!address) return address.error();
  UniqueFd fd(socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failure(path);
  unlink(path.c_str());
  const mode_t mask = umask(0177);
  const int bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  umask(mask);
  if (bound != 0 || listen(fd.get(), kBacklog) != 0) return failure(path);
  return fd;
}

Result<UniqueFd> connect_local(const std::string& path, int type) {
  const auto address = local_address(path);
  if (!address) return address.error();
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (fd && connect(fd.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0)
    return fd;
  return Error{
      ErrorCode::unavailable,
      fmt::format(
          "no daemon answers at {}: {}. Start one with `pontoon daemon`, or just `pontoon run`",
          path, std::strerror(errno))};
}

bool peer_allowed(int fd) noexcept {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  return peer.uid == geteuid() || peer.uid == 0;
}

}  // namespace pontoon::control
