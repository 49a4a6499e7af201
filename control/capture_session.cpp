#include "control/capture_session.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "control/local_socket.h"
#include "control/message_socket.h"

namespace pontoon::control {
namespace {

constexpr int kAnswerTimeoutMs = 10'000;

bool readable(int fd, int timeout_ms) noexcept {
  pollfd wait{fd, POLLIN, 0};
  int count = 0;
  do {
    count = poll(&wait, 1, timeout_ms);
  } while (count < 0 && errno == EINTR);
  return count > 0;
}

}  // namespace

Result<std::unique_ptr<CaptureSession>> CaptureSession::open(const Paths& paths,
                                                             const CaptureRequest& request) {
  std::unique_ptr<CaptureSession> session(new CaptureSession);
  auto connected = connect_local(paths.attach_socket(), SOCK_SEQPACKET);
  if (!connected) return connected.error();
  session->socket_ = std::move(*connected);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{ErrorCode::exhausted,
                 fmt::format("cannot make a pair of sockets: {}", std::strerror(errno))};
  }
  session->stream_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  AttachMessage message;
  message.op = AttachOp::capture;
  message.capture = request;
  if (auto sent = send_message(session->socket_.get(), message, theirs.get()); !sent)
    return sent.error();
  if (!readable(session->socket_.get(), kAnswerTimeoutMs)) {
    return Error{ErrorCode::unavailable,
                 fmt::format("the daemon does not answer; see {}", paths.log_file())};
  }
  auto answer = receive_message(session->socket_.get());
  if (!answer) {
    return Error{ErrorCode::unavailable,
                 fmt::format("the daemon has gone; see {}", paths.log_file())};
  }
  if (answer->message.op == AttachOp::error)
    return Error{error_code(answer->message.code), answer->message.message};
  return session;
}

CaptureSession::Event CaptureSession::next_event() {
  if (!readable(socket_.get(), 0)) return Event::none;
  auto received = receive_message(socket_.get());
  if (!received) {
    text_ = "the daemon has gone";
    return Event::lost;
  }
  text_ = received->message.message;
  if (received->message.op == AttachOp::note) return Event::note;
  if (received->message.op == AttachOp::stopping) return Event::stopped;
  if (received->message.op != AttachOp::captured) return Event::none;
  counts_ = received->message.counts;
  return Event::captured;
}

void CaptureSession::finish() noexcept {
  shutdown(stream_.get(), SHUT_WR);
}

}  // namespace pontoon::control
