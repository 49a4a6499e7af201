#include "bridge/ports/fd_port.h"

#include <cerrno>

#include "core/link/virtio_header.h"
#include "core/wire/ethernet.h"

namespace pontoon::bridge {
namespace {

PortFeatures features_of(const LinkHandle& link, std::uint16_t mtu) noexcept {
  return {
      .checksum = link.checksum, .tso4 = link.tso, .tso6 = link.tso, .uso = link.uso, .mtu = mtu};
}

// A TAP says EIO when it is down and EBADFD when it was deleted; a packet socket says ENETDOWN and
// ENXIO.
bool means_down(int error) noexcept {
  return error == EIO || error == ENETDOWN;
}
bool means_gone(int error) noexcept {
  return error == EBADFD || error == EBADF || error == ENXIO || error == ENODEV;
}

}  // namespace

FdPort::FdPort(LinkHandle&& link, std::uint16_t mtu, FramePool& pool, host::Poller& poller)
    : fd_(std::move(link.fd)),
      pool_(pool),
      poller_(poller),
      features_(features_of(link, mtu)),
      edge_(pool, features_, *this, counters_.drops) {}

FdPort::~FdPort() {
  if (fd_) poller_.remove(fd_.get(), *this);
}

bool FdPort::watch() noexcept {
  return poller_.add(fd_.get(), EPOLLIN, *this);
}

void FdPort::on_events(std::uint32_t events) noexcept {
  if (blocked_ && (events & EPOLLOUT) != 0) {
    blocked_ = false;
    if (!poller_.modify(fd_.get(), EPOLLIN, *this)) close();
  }
  call_again();
}

void FdPort::call_again() noexcept {
  if (ready_sink_ != nullptr) ready_sink_->on_ready();
}

void FdPort::send(FrameRef frame, Instant) noexcept {
  if (!fd_) return drop(DropReason::port_closed);
  edge_.deliver(std::move(frame));
}

bool FdPort::accept(FrameRef frame) noexcept {
  if (queue_.push(std::move(frame))) return true;
  drop(DropReason::port_queue_full);
  return false;
}

void FdPort::flush(Instant) noexcept {
  if (blocked_) return;
  const bool retried = std::exchange(congested_, false);
  while (fd_ && !queue_.empty()) {
    const Written written = write(queue_);
    for (std::size_t i = 0; i < written.frames; ++i) {
      ++counters_.sent_frames;
      counters_.sent_bytes += queue_[0].size();
      queue_.pop();
    }
    if (written.error != 0 && !settle_write(written.error, retried)) return;
  }
}

// True when the next frame may be tried now.
bool FdPort::settle_write(int error, bool retried) noexcept {
  if (error == EINTR) return true;
  if (error == EAGAIN) {
    wait_for_room();
    return false;
  }
  if (means_gone(error) || (means_down(error) && gone())) {
    close();
    return false;
  }
  if (means_down(error)) {
    drop_queue();
    return false;
  }
  if ((error == ENOBUFS || error == ENOMEM) && !retried) {
    congested_ = true;
    call_again();
    return false;
  }
  drop_first(error == EMSGSIZE ? DropReason::too_big : DropReason::host_refused);
  return true;
}

void FdPort::wait_for_room() noexcept {
  blocked_ = true;
  if (!poller_.modify(fd_.get(), EPOLLIN | EPOLLOUT, *this)) close();
}

bool FdPort::settle_read(int error) noexcept {
  if (error == EINTR) return true;
  if (error == EAGAIN) return false;
  if (means_gone(error) || (means_down(error) && gone())) {
    close();
    return false;
  }
  // The kernel had a frame that it could not put into words (a kind of segmentation that the
  // virtio-net header does not know); it has thrown that one away. Any other error says nothing of
  // a frame, and trying on would spin.
  if (error != EINVAL) return false;
  drop(DropReason::malformed_offload);
  return true;
}

FrameRef FdPort::accept_received(FrameRef frame, ByteView header) noexcept {
  if (frame->size() < wire::EthernetView::kHeaderSize) {
    drop(DropReason::malformed_ethernet);
    return {};
  }
  const auto offload = read_virtio_header(header, frame->size());
  if (!offload) {
    drop(DropReason::malformed_offload);
    return {};
  }
  frame->offload = *offload;
  ++counters_.received_frames;
  counters_.received_bytes += frame->size();
  return frame;
}

void FdPort::drop_first(DropReason reason) noexcept {
  drop(reason);
  queue_.pop();
}

void FdPort::drop_queue() noexcept {
  while (!queue_.empty())
    drop_first(DropReason::port_closed);
}

void FdPort::close() noexcept {
  poller_.remove(fd_.get(), *this);
  fd_.reset();
  blocked_ = false;
  drop_queue();
  call_again();
}

}  // namespace pontoon::bridge
