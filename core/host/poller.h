// Readiness of the data path's file descriptors: one epoll instance per network, edge-triggered,
// itself watched by Asio (an epoll descriptor is readable while it has events). One wake-up
// collects the events of every port and socket, then one turn works them off: batching needs no
// timer.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/unique_fd.h"

namespace pontoon::host {

// Stands for one descriptor: remove() takes back whatever is waiting for the pollable.
class Pollable {
 public:
  virtual ~Pollable() = default;
  // EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP as they came. Take note only; work later
  // in the turn.
  virtual void on_events(std::uint32_t events) noexcept = 0;
};

class Poller {
 public:
  Poller();  // throws std::system_error when no epoll instance can be had
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  int fd() const noexcept { return epoll_.get(); }

  // Watches fd edge-triggered (EPOLLET is added). False when the kernel refuses (ENOSPC, ENOMEM).
  bool add(int fd, std::uint32_t events, Pollable& pollable) noexcept;
  // Changes what is watched. Reports at once what holds already, so no edge is lost. A socket whose
  // sends are not blocked had better not watch EPOLLOUT: each buffer that the kernel frees would be
  // an event.
  bool modify(int fd, std::uint32_t events, Pollable& pollable) noexcept;
  // Must precede the close of fd. Safe from within on_events(), also for another pollable whose
  // event is waiting in the same batch.
  void remove(int fd, Pollable& pollable) noexcept;

  // Dispatches what is ready now, without blocking; true when there may be more.
  bool collect() noexcept;

 private:
  bool control(int operation, int fd, std::uint32_t events, Pollable& pollable) noexcept;

  static constexpr std::size_t kBatch = 256;
  UniqueFd epoll_;
  std::array<epoll_event, kBatch> events_{};
  std::size_t pending_begin_ = 0;
  std::size_t pending_end_ = 0;
};

}  // namespace pontoon::host
