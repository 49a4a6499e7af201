#include "core/host/poller.h"

#include <cerrno>
#include <system_error>

namespace pontoon::host {

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

bool Poller::control(int operation, int fd, std::uint32_t events, Pollable& pollable) noexcept {
  epoll_event wanted{};
  wanted.events = events | EPOLLET;
  wanted.data.ptr = &pollable;
  return ::epoll_ctl(epoll_.get(), operation, fd, &wanted) == 0;
}

bool Poller::add(int fd, std::uint32_t events, Pollable& pollable) noexcept {
  return control(EPOLL_CTL_ADD, fd, events, pollable);
}

bool Poller::modify(int fd, std::uint32_t events, Pollable& pollable) noexcept {
  return control(EPOLL_CTL_MOD, fd, events, pollable);
}

void Poller::remove(int fd, Pollable& pollable) noexcept {
  // Fails only when fd was never added; then there is nothing to undo.
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  for (std::size_t i = pending_begin_; i < pending_end_; ++i) {
    if (events_[i].data.ptr == &pollable) events_[i].data.ptr = nullptr;
  }
}

bool Poller::collect() noexcept {
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0);
  if (count < 0) return errno == EINTR;
  pending_begin_ = 0;
  pending_end_ = static_cast<std::size_t>(count);
  while (pending_begin_ < pending_end_) {
    const epoll_event event = events_[pending_begin_++];
    // Null: its pollable was removed by an earlier event of this batch.
    if (event.data.ptr != nullptr) static_cast<Pollable*>(event.data.ptr)->on_events(event.events);
  }
  return static_cast<std::size_t>(count) == events_.size();
}

}  // namespace pontoon::host
