#include "core/host/kernel_stream.h"

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/host/sockaddr.h"

// Room. The kernel takes bytes until what it has queued, bookkeeping included, reaches SO_SNDBUF;
// SO_MEMINFO tells both in one call. What was asked for once, less what was written since, is never
// too much, because the kernel only frees; so the question is repeated only when little is left.
//
// The kernel tells of room, and lets SO_SNDBUF grow with the path, only on sockets that somebody
// was seen waiting for. We avoid blocked writes, so nobody ever is. Touching the epoll entry has
// the kernel look at the socket: above two thirds it notes that somebody waits and reports EPOLLOUT
// when a third is free; below, it reports at once. So neither wake-up nor growth is lost.
namespace pontoon::host {
namespace {

constexpr std::size_t kPieces = 64;
constexpr std::uint32_t kWatched = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
// What the kernel's bookkeeping may cost: per write, and of a buffer that large writes fill.
constexpr std::size_t kBufferCost = 1280;
constexpr std::size_t kBookkeepingShare = 8;

template <class Piece>
std::size_t to_iovec(std::span<const Piece> pieces, std::span<iovec> out) noexcept {
  const std::size_t count = std::min(pieces.size(), out.size());
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = {const_cast<std::uint8_t*>(pieces[i].data()), pieces[i].size()};
  }
  return count;
}

std::size_t bytes_in(std::span<const iovec> pieces) noexcept {
  std::size_t sum = 0;
  for (const iovec& piece : pieces)
    sum += piece.iov_len;
  return sum;
}

}  // namespace

KernelStream::KernelStream(UniqueFd fd, State state, bool peek_offset, Poller& poller) noexcept
    : fd_(std::move(fd)), poller_(poller), state_(state), peek_offset_supported_(peek_offset) {}

KernelStream::~KernelStream() {
  close_fd();
}

bool KernelStream::watch() noexcept {
  watched_ = poller_.add(fd_.get(), kWatched, *this);
  if (state_ == State::open) ask_room();
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
  if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0 && waits_for_room_) {
    waits_for_room_ = false;
    ask_room();
  }
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
    ask_room();
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
  if (sent >= 0) {
    wrote(static_cast<std::size_t>(sent), bytes_in(std::span(vectors).first(message.msg_iovlen)));
    return IoResult::done(static_cast<std::size_t>(sent));
  }
  if (errno == EAGAIN) {
    wrote(0, 1);
    return IoResult::would_block();
  }
  // No event follows these two, so the room stays as it was.
  if (errno == EINTR || errno == ENOBUFS) return IoResult::would_block();
  return fail(errno);
}

void KernelStream::wrote(std::size_t taken, std::size_t given) noexcept {
  room_ -= std::min(taken + kBufferCost, room_);
  if (taken < given) {
    // The kernel has noted that we wait, as it does for every write that it cuts short.
    waits_for_room_ = true;
    room_ = 0;
  } else if (room_ <= buffer_ / 2 && !waits_for_room_) {
    ask_room();
  }
}

void KernelStream::ask_room() noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t length = sizeof memory;
  if (getsockopt(fd_.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &length) != 0) return;
  buffer_ = memory[SK_MEMINFO_SNDBUF];
  const std::size_t queued = std::min<std::size_t>(memory[SK_MEMINFO_WMEM_QUEUED], buffer_);
  room_ = buffer_ - queued;
  room_ -= room_ / kBookkeepingShare;
  if (queued > buffer_ / 3 * 2) waits_for_room_ = poller_.modify(fd_.get(), kWatched, *this);
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
