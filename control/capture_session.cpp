#include "control/capture_session.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "control/local_socket.h"
#include "control/message_socket.h"

namespace pontoon::control {
namespace {

constexpr int kAnswerTimeoutMs = 10'000;

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
  auto answer =
      exchange(session->socket_.get(), message, theirs.get(), kAnswerTimeoutMs, paths.log_file());
  if (!answer) return answer.error();
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
