// What ports over a descriptor share: registration with the poller, the outgoing queue and what
// becomes of it when the kernel does not take a frame.
//
//   EAGAIN            the queue waits for EPOLLOUT
//   ENOBUFS, ENOMEM   one retry in the next turn (no event will come); then each frame that is
//                     refused again is dropped, so a turn ends and nothing spins
//   interface down    what is queued is dropped; the port stays open, it may come up again
//   interface gone    the port closes
//   anything else     the one frame is dropped
#pragma once

#include "bridge/ports/frame_queue.h"
#include "bridge/ports/link_handle.h"
#include "core/base/unique_fd.h"
#include "core/frame/offload.h"
#include "core/host/poller.h"
#include "core/link/port.h"
#include "core/link/port_edge.h"

namespace pontoon::bridge {

class FdPort : public Port, public host::Pollable, private FrameSink {
 public:
  ~FdPort() override;
  FdPort(const FdPort&) = delete;
  FdPort& operator=(const FdPort&) = delete;

  // False when the poller cannot watch one more descriptor.
  bool watch() noexcept;

  void send(FrameRef frame, Instant now) noexcept final;
  void flush(Instant now) noexcept final;
  PortFeatures features() const noexcept final { return features_; }
  bool open() const noexcept final { return static_cast<bool>(fd_); }
  const PortCounters& counters() const noexcept final { return counters_; }
  void set_ready_sink(ReadySink* sink) noexcept final { ready_sink_ = sink; }
  void on_events(std::uint32_t events) noexcept final;

 protected:
  FdPort(LinkHandle&& link, std::uint16_t mtu, FramePool& pool, host::Poller& poller);

  // How many frames of the queue, from its front, the kernel took, and why not more.
  struct Written {
    std::size_t frames = 0;
    int error = 0;  // errno, 0 for none
  };
  // Called with a queue that is not empty.
  virtual Written write(const FrameQueue& queue) noexcept = 0;
  // Asked when the interface is down: has it gone for good?
  virtual bool gone() const noexcept { return false; }

  // What a failed read means; true when another may succeed now.
  bool settle_read(int error) noexcept;
  void drop(DropReason reason, std::uint64_t frames = 1) noexcept {
    counters_.drops.count(reason, frames);
  }
  // Takes the offload from the virtio-net header and counts the frame; null when it was dropped.
  FrameRef accept_received(FrameRef frame, ByteView header) noexcept;
  // More frames are there, though fewer came than were asked for.
  void call_again() noexcept;

  int fd() const noexcept { return fd_.get(); }
  FramePool& pool() noexcept { return pool_; }

 private:
  bool accept(FrameRef frame) noexcept final;  // behind the edge
  bool settle_write(int error, bool retried) noexcept;
  void wait_for_room() noexcept;
  void drop_first(DropReason reason) noexcept;
  void drop_queue() noexcept;
  void close() noexcept;

  UniqueFd fd_;
  FramePool& pool_;
  host::Poller& poller_;
  PortFeatures features_;
  PortCounters counters_;
  PortEdge edge_;
  FrameQueue queue_;
  ReadySink* ready_sink_ = nullptr;
  bool blocked_ = false;    // until EPOLLOUT
  bool congested_ = false;  // the next flush is the one retry
};

}  // namespace pontoon::bridge
