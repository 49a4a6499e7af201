// A kernel UDP or ping socket as a Datagram. See kernel_network.h.
#pragma once

#include "core/base/unique_fd.h"
#include "core/host/poller.h"
#include "core/socket/datagram.h"

namespace pontoon::host {

class KernelDatagram final : public Datagram, private Pollable {
 public:
  KernelDatagram(UniqueFd fd, const SocketAddress& local, Poller& poller) noexcept;
  ~KernelDatagram() override;
  bool watch() noexcept;

  void set_handler(DatagramHandler* handler) noexcept override { handler_ = handler; }
  SocketAddress local() const noexcept override { return local_; }
  IoResult send(const SocketAddress& target, ByteView payload,
                const std::optional<IpAddress>& source) noexcept override;
  std::size_t receive(std::span<DatagramSlot> slots) noexcept override;
  std::optional<DatagramError> take_error() noexcept override;

 private:
  void on_events(std::uint32_t events) noexcept override;
  int receive_batch(std::span<DatagramSlot> slots, std::size_t& filled) noexcept;
  void watch_room(bool wanted) noexcept;

  UniqueFd fd_;
  SocketAddress local_;
  Poller& poller_;
  DatagramHandler* handler_ = nullptr;
  bool watched_ = false;
  bool room_watched_ = false;
};

}  // namespace pontoon::host
