// The port over a TAP device that open_tap() made: one system call per frame, in a super-frame's
// case per 64 KiB.
#pragma once

#include "bridge/ports/fd_port.h"
#include "bridge/ports/landing.h"
#include "core/link/virtio_header.h"

namespace pontoon::bridge {

class TapPort final : public FdPort {
 public:
  // `header_bytes`: what TUNSETVNETHDRSZ has set, 10 or 12.
  TapPort(LinkHandle&& link, std::uint16_t mtu, FramePool& pool, host::Poller& poller,
          std::size_t header_bytes = kVirtioHeaderSize);

  std::size_t receive(std::span<FrameRef> out, Instant now) noexcept override;

 private:
  Written write(const FrameQueue& queue) noexcept override;
  enum class Read : std::uint8_t { frame, nothing, end };
  Read read_one(FrameRef& out) noexcept;
  Read discard_one() noexcept;

  std::size_t header_bytes_;
  Landing landing_;
};

}  // namespace pontoon::bridge
