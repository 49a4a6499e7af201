// The port over a packet socket that open_packet_socket() made: frames go in and out in batches of
// kPacketBatch.
#pragma once

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>

#include "bridge/ports/fd_port.h"
#include "bridge/ports/landing.h"
#include "core/base/limits.h"
#include "core/link/virtio_header.h"

namespace pontoon::bridge {

class PacketPort final : public FdPort {
 public:
  PacketPort(LinkHandle&& link, std::uint16_t mtu, FramePool& pool, host::Poller& poller);

  std::size_t receive(std::span<FrameRef> out, Instant now) noexcept override;

 private:
  static constexpr std::size_t kBatch = limits::kPacketBatch;
  using Header = std::array<std::uint8_t, kVirtioHeaderSize>;

  // One message of a batch on its way in.
  struct Incoming {
    Header header{};
    std::array<iovec, 3> pieces{};
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(tpacket_auxdata))> control{};
    Landing landing;
  };

  Written write(const FrameQueue& queue) noexcept override;
  bool gone() const noexcept override;
  std::size_t prepare(std::size_t wanted) noexcept;
  bool receive_batch(std::span<FrameRef> out, std::size_t& tries, std::size_t& count) noexcept;
  bool discard_one() noexcept;
  FrameRef take(std::size_t index) noexcept;

  std::array<Incoming, kBatch> incoming_;
  std::array<mmsghdr, kBatch> messages_{};
};

}  // namespace pontoon::bridge
