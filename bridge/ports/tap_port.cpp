#include "bridge/ports/tap_port.h"

#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "core/base/check.h"

namespace pontoon::bridge {

TapPort::TapPort(LinkHandle&& link, std::uint16_t mtu, FramePool& pool, host::Poller& poller,
                 std::size_t header_bytes)
    : FdPort(std::move(link), mtu, pool, poller), header_bytes_(header_bytes) {
  INVARIANT(header_bytes == kVirtioHeaderSize || header_bytes == kVirtioMergeableHeaderSize);
}

std::size_t TapPort::receive(std::span<FrameRef> out, Instant) noexcept {
  std::size_t count = 0;
  bool more = true;
  for (std::size_t tries = 0; tries < out.size() && more; ++tries) {
    FrameRef frame;
    more = open() && read_one(frame) != Read::end;
    if (frame) out[count++] = std::move(frame);
  }
  landing_.release();
  // Some of what was read came to nothing; the kernel will not report what is behind it.
  if (more && count < out.size()) call_again();
  return count;
}

TapPort::Read TapPort::read_one(FrameRef& out) noexcept {
  if (!landing_.prepare(pool())) return discard_one();
  std::array<std::uint8_t, kVirtioMergeableHeaderSize> header;
  const auto landing = landing_.pieces();
  const std::array<iovec, 3> pieces{iovec{header.data(), header_bytes_}, landing[0], landing[1]};
  const ssize_t size = ::readv(fd(), pieces.data(), static_cast<int>(pieces.size()));
  if (size < 0) return settle_read(errno) ? Read::nothing : Read::end;
  const auto length = static_cast<std::size_t>(size);
  if (length < header_bytes_) {
    drop(DropReason::malformed_ethernet);
    return Read::nothing;
  }
  // The kernel cuts off what does not fit, and does not say so.
  if (length - header_bytes_ == landing_.capacity()) {
    drop(DropReason::too_big);
    return Read::nothing;
  }
  out =
      accept_received(landing_.take(length - header_bytes_), ByteView(header).first(header_bytes_));
  return out ? Read::frame : Read::nothing;
}

// A read that has room for the header alone takes the whole frame off the device's queue. Left
// there, it would never be reported again.
TapPort::Read TapPort::discard_one() noexcept {
  std::array<std::uint8_t, kVirtioMergeableHeaderSize> header;
  const iovec piece{header.data(), header_bytes_};
  if (::readv(fd(), &piece, 1) < 0) return settle_read(errno) ? Read::nothing : Read::end;
  drop(DropReason::pool_exhausted);
  return Read::nothing;
}

FdPort::Written TapPort::write(const FrameQueue& queue) noexcept {
  const Frame& frame = queue[0];
  std::array<std::uint8_t, kVirtioMergeableHeaderSize> header;
  write_virtio_header(MutableBytes(header).first(header_bytes_), frame.offload);
  const ByteView bytes = frame.bytes();
  const std::array<iovec, 2> pieces{iovec{header.data(), header_bytes_},
                                    // writev() does not write here.
                                    iovec{const_cast<std::uint8_t*>(bytes.data()), bytes.size()}};
  const ssize_t size = ::writev(fd(), pieces.data(), static_cast<int>(pieces.size()));
  return size < 0 ? Written{0, errno} : Written{1, 0};
}

}  // namespace pontoon::bridge
