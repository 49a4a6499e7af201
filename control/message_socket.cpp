#include "control/message_socket.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "control/json.h"
#include "core/base/limits.h"

namespace pontoon::control {
namespace {

// The first descriptor of a message; any further ones are closed.
UniqueFd take_descriptor(msghdr& header) noexcept {
  UniqueFd out;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      UniqueFd owned(fd);
      if (!out) out = std::move(owned);
    }
  }
  return out;
}

}  // namespace

Status<> send_message(int socket, const AttachMessage& message, int fd) {
  std::string text = encode(message);
  iovec vector{text.data(), text.size()};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  if (fd >= 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
  }
  while (sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    return Error{ErrorCode::unavailable,
                 fmt::format("the other side has gone: {}", std::strerror(errno))};
  }
  return {};
}

Result<Received, ReceiveError> receive_message(int socket) {
  std::vector<char> text(limits::kAttachMessageBytes);
  iovec vector{text.data(), text.size()};
  alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = -1;
  do {
    got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN ? ReceiveError::nothing : ReceiveError::closed;
  UniqueFd fd = take_descriptor(header);
  if (got == 0) return ReceiveError::closed;
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return ReceiveError::malformed;
  auto message = decode<AttachMessage>({text.data(), static_cast<std::size_t>(got)});
  if (!message || message->version != kAttachVersion) return ReceiveError::malformed;
  return Received{std::move(*message), std::move(fd)};
}

bool readable(int socket, int timeout_ms) noexcept {
  pollfd wait{socket, POLLIN, 0};
  int count = 0;
  do {
    count = poll(&wait, 1, timeout_ms);
  } while (count < 0 && errno == EINTR);
  return count > 0;
}

Result<AttachMessage> exchange(int socket, const AttachMessage& message, int fd, int timeout_ms,
                               const std::string& log_file) {
  if (auto sent = send_message(socket, message, fd); !sent) return sent.error();
  if (!readable(socket, timeout_ms)) {
    return Error{ErrorCode::unavailable,
                 fmt::format("the daemon does not answer; see {}", log_file)};
  }
  auto received = receive_message(socket);
  if (!received) {
    return Error{ErrorCode::unavailable, fmt::format("the daemon has gone; see {}", log_file)};
  }
  AttachMessage& answer = received->message;
  if (answer.op == AttachOp::error) return Error{error_code(answer.code), answer.message};
  return std::move(answer);
}

}  // namespace pontoon::control
