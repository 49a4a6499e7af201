#include "bridge/ports/packet_port.h"

#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace pontoon::bridge {
namespace {

// The kernel takes a VLAN tag out of the frame and reports it beside it.
bool was_tagged(msghdr& message) noexcept {
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr;
       item = CMSG_NXTHDR(&message, item)) {
    if (item->cmsg_level != SOL_PACKET || item->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata data{};
    std::memcpy(&data, CMSG_DATA(item), sizeof data);
    return (data.tp_status & TP_STATUS_VLAN_VALID) != 0;
  }
  return false;
}

}  // namespace

PacketPort::PacketPort(LinkHandle&& link, std::uint16_t mtu, FramePool& pool, host::Poller& poller)
    : FdPort(std::move(link), mtu, pool, poller) {}

std::size_t PacketPort::receive(std::span<FrameRef> out, Instant) noexcept {
  std::size_t count = 0;
  std::size_t tries = out.size();
  bool more = true;
  while (more && tries > 0)
    more = open() && receive_batch(out, tries, count);
  for (Incoming& incoming : incoming_)
    incoming.landing.release();
  // Some of what was read came to nothing; the kernel will not report what is behind it.
  if (more && count < out.size()) call_again();
  return count;
}

// One recvmmsg(). True when there may be more.
bool PacketPort::receive_batch(std::span<FrameRef> out, std::size_t& tries,
                               std::size_t& count) noexcept {
  const std::size_t wanted = prepare(std::min(tries, kBatch));
  if (wanted == 0) {
    --tries;
    return discard_one();
  }
  const int received =
      ::recvmmsg(fd(), messages_.data(), static_cast<unsigned>(wanted), MSG_DONTWAIT, nullptr);
  if (received < 0) {
    --tries;
    return settle_read(errno);
  }
  const auto frames = static_cast<std::size_t>(received);
  tries -= frames;
  for (std::size_t i = 0; i < frames; ++i) {
    if (FrameRef frame = take(i)) out[count++] = std::move(frame);
  }
  // Fewer: the queue is empty, so whatever comes now is reported. (An error ends a batch as well;
  // the next call returns it, and at the latest the next frame brings that call about.)
  return frames == wanted;
}

// How many messages have buffers.
std::size_t PacketPort::prepare(std::size_t wanted) noexcept {
  std::size_t ready = 0;
  while (ready < wanted && incoming_[ready].landing.prepare(pool())) {
    Incoming& incoming = incoming_[ready];
    const auto landing = incoming.landing.pieces();
    incoming.pieces = {iovec{incoming.header.data(), incoming.header.size()}, landing[0],
                       landing[1]};
    msghdr& message = messages_[ready].msg_hdr;
    message = {};
    message.msg_iov = incoming.pieces.data();
    message.msg_iovlen = incoming.pieces.size();
    message.msg_control = incoming.control.data();
    message.msg_controllen = incoming.control.size();
    ++ready;
  }
  return ready;
}

FrameRef PacketPort::take(std::size_t index) noexcept {
  msghdr& message = messages_[index].msg_hdr;
  Incoming& incoming = incoming_[index];
  const std::size_t length = messages_[index].msg_len;
  if (length < incoming.header.size()) {
    drop(DropReason::malformed_ethernet);
    return {};
  }
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    drop(DropReason::too_big);
    return {};
  }
  if (was_tagged(message)) {
    drop(DropReason::guard_ethertype);
    return {};
  }
  return accept_received(incoming.landing.take(length - incoming.header.size()), incoming.header);
}

// A message that is received into too little room is gone from the queue all the same. Left there,
// it would never be reported again.
bool PacketPort::discard_one() noexcept {
  Header header;
  if (::recv(fd(), header.data(), header.size(), MSG_DONTWAIT) < 0) return settle_read(errno);
  drop(DropReason::pool_exhausted);
  return true;
}

FdPort::Written PacketPort::write(const FrameQueue& queue) noexcept {
  const std::size_t count = std::min(queue.size(), kBatch);
  std::array<mmsghdr, kBatch> messages{};
  std::array<std::array<iovec, 2>, kBatch> pieces;
  std::array<Header, kBatch> headers;
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView bytes = queue[i].bytes();
    write_virtio_header(headers[i], queue[i].offload);
    // sendmmsg() does not write here.
    pieces[i] = {iovec{headers[i].data(), headers[i].size()},
                 iovec{const_cast<std::uint8_t*>(bytes.data()), bytes.size()}};
    messages[i].msg_hdr.msg_iov = pieces[i].data();
    messages[i].msg_hdr.msg_iovlen = pieces[i].size();
  }
  const int sent = ::sendmmsg(fd(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
  // An error behind the first message shows in the next call.
  return sent < 0 ? Written{0, errno} : Written{static_cast<std::size_t>(sent), 0};
}

// The socket forgets an interface that is deleted, without an event of its own: that came when the
// interface went down, a moment before.
bool PacketPort::gone() const noexcept {
  sockaddr_ll bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return true;
  return bound.sll_ifindex <= 0;
}

}  // namespace pontoon::bridge
