#include "core/host/kernel_stream.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/host/sockaddr.h"

namespace pontoon::host {
namespace {

constexpr std::size_t kPieces = 64;

template <class Piece>
std::size_t to_iovec(std::span<const Piece> pieces, std::span<iovec> out) noexcept {
  const std::size_t count = std::min(pieces.size(), out.size());
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = {const_cast<std::uint8_t*>(pieces[i].data()), pieces[i].size()};
  }
  return count;
}

}  // namespace

KernelStream::KernelStream(UniqueFd fd, State state, bool peek_offset, Poller& poller) noexcept
    : fd_(std::move(fd)), poller_(poller), state_(state), peek_offset_supported_(peek_offset) {}

KernelStream::~KernelStream() {
  close_fd();
}

bool KernelStream::watch() noexcept {
  watched_ = poller_.add(fd_.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP, *this);
  return watched_;
}

void KernelStream::close_fd() noexcept {
  if (!fd_) return;
  if (watched_) poller_.remove(fd_.get(), *this);
  watched_ = false;
  fd_.reset();
}

void KernelStream::on_events(std::uint32_t events) noexcept {
  if (state_ == State::connecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
    finish_connect();
  if ((events & EPOLLOUT) != 0) write_blocked_ = false;
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) ended_ = true;
  if (handler_ != nullptr) handler_->on_ready();
}

// What is pending on the socket; 0 when nothing is. Taking it clears it.
int KernelStream::take_socket_error() const noexcept {
  int number = 0;
  socklen_t length = sizeof number;
  if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &number, &length) != 0) number = errno;
  return number;
}

void KernelStream::finish_connect() noexcept {
  const int number = take_socket_error();
  if (number == 0) {
    state_ = State::open;
  } else {
    (void)fail(number);
  }
}

IoResult KernelStream::fail(int number) noexcept {
  state_ = State::failed;
  error_ = socket_error(number);
  return IoResult::failed(error_);
}

IoResult KernelStream::write(std::span<const ByteView> pieces) noexcept {
  if (state_ == State::failed) return IoResult::failed(error_);
  std::array<iovec, kPieces> vectors;
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = to_iovec(pieces, std::span(vectors));
  const ssize_t sent = sendmsg(fd_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return IoResult::done(static_cast<std::size_t>(sent));
  if (errno == EAGAIN) {
    write_blocked_ = true;
    return IoResult::would_block();
  }
  // No event follows these two, so the room stays as it was.
  if (errno == EINTR || errno == ENOBUFS) return IoResult::would_block();
  return fail(errno);
}

// SO_SNDBUF counts the kernel's own bookkeeping too, about as much again as the payload, hence the
// half. An estimate that is too high costs a retransmission inside, one that is too low throughput.
std::size_t KernelStream::write_room() const noexcept {
  if (state_ != State::open || write_blocked_) return 0;
  int buffer = 0;
  int queued = 0;
  socklen_t length = sizeof buffer;
  if (getsockopt(fd_.get(), SOL_SOCKET, SO_SNDBUF, &buffer, &length) != 0) return 0;
  if (ioctl(fd_.get(), SIOCOUTQ, &queued) != 0) return 0;
  return buffer / 2 > queued ? static_cast<std::size_t>(buffer / 2 - queued) : 0;
}

IoResult KernelStream::peek(std::size_t offset, std::span<const MutableBytes> pieces) noexcept {
  // The kernel tells an error once; after it the socket looks as if it had ended in order.
  if (state_ == State::failed) return IoResult::failed(error_);
  if (state_ == State::connecting) return IoResult::would_block();
  return peek_offset_supported_ ? peek_at_kernel_offset(offset, pieces)
                                : peek_past_scratch(offset, pieces);
}

IoResult KernelStream::peek_at_kernel_offset(std::size_t offset,
                                             std::span<const MutableBytes> pieces) noexcept {
  if (kernel_peek_offset_ != static_cast<std::int64_t>(offset)) {
    const int value = static_cast<int>(offset);
    if (setsockopt(fd_.get(), SOL_SOCKET, SO_PEEK_OFF, &value, sizeof value) != 0)
      return fail(errno);
    kernel_peek_offset_ = static_cast<std::int64_t>(offset);
  }
  std::array<iovec, kPieces> vectors;
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = to_iovec(pieces, std::span(vectors));
  const ssize_t got = recvmsg(fd_.get(), &message, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) {
    kernel_peek_offset_ += got;
    return IoResult::done(static_cast<std::size_t>(got));
  }
  if (got == 0) return IoResult::end();
  return errno == EAGAIN || errno == EINTR ? IoResult::would_block() : fail(errno);
}

// Without SO_PEEK_OFF the bytes before `offset` are copied as well: every scratch entry of the
// vector points to the same buffer, whose contents nobody reads.
IoResult KernelStream::peek_past_scratch(std::size_t offset,
                                         std::span<const MutableBytes> pieces) noexcept {
  static thread_local std::array<std::uint8_t, 65536> scratch;
  std::array<iovec, 2 * kPieces> vectors;
  std::size_t count = 0;
  for (std::size_t left = offset; left > 0; ++count) {
    if (count == kPieces) return IoResult::would_block();  // farther than any window that we offer
    const std::size_t run = std::min(left, scratch.size());
    vectors[count] = {scratch.data(), run};
    left -= run;
  }
  count += to_iovec(pieces, std::span(vectors).subspan(count));
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  const ssize_t got = recvmsg(fd_.get(), &message, MSG_PEEK | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR ? IoResult::would_block() : fail(errno);
  if (static_cast<std::size_t>(got) > offset)
    return IoResult::done(static_cast<std::size_t>(got) - offset);
  if (got > 0 && !ended_) return IoResult::would_block();
  // Bytes that wait in front of a reset hide it from recvmsg.
  const int number = take_socket_error();
  return number == 0 ? IoResult::end() : fail(number);
}

void KernelStream::consume(std::size_t count) noexcept {
  while (count > 0 && fd_) {
    const ssize_t got = recv(fd_.get(), nullptr, count, MSG_TRUNC | MSG_DONTWAIT);
    if (got <= 0) return;
    count -= static_cast<std::size_t>(got);
    // The kernel moves its offset back with the queue.
    if (kernel_peek_offset_ >= 0)
      kernel_peek_offset_ = std::max<std::int64_t>(0, kernel_peek_offset_ - got);
  }
}

void KernelStream::shutdown_write() noexcept {
  if (fd_) ::shutdown(fd_.get(), SHUT_WR);
}

void KernelStream::abort() noexcept {
  if (!fd_) return;
  const linger now{1, 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close_fd();
  state_ = State::failed;
  error_ = SocketError::reset;
}

}  // namespace pontoon::host
