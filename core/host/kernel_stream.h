// A kernel TCP socket as a Stream. See kernel_network.h.
#pragma once

#include <memory>

#include "core/base/unique_fd.h"
#include "core/host/poller.h"
#include "core/socket/stream.h"

namespace pontoon::host {

class KernelStream final : public Stream, private Pollable {
 public:
  KernelStream(UniqueFd fd, State state, bool peek_offset, Poller& poller) noexcept;
  ~KernelStream() override;

  // False when the poller has no room; the stream is useless then.
  bool watch() noexcept;

  void set_handler(StreamHandler* handler) noexcept override { handler_ = handler; }
  State state() const noexcept override { return state_; }
  SocketError error() const noexcept override { return error_; }
  IoResult write(std::span<const ByteView> pieces) noexcept override;
  std::size_t write_room() const noexcept override { return state_ == State::open ? room_ : 0; }
  IoResult peek(std::size_t offset, std::span<const MutableBytes> pieces) noexcept override;
  void consume(std::size_t count) noexcept override;
  void shutdown_write() noexcept override;
  void abort() noexcept override;

 private:
  void on_events(std::uint32_t events) noexcept override;
  void finish_connect() noexcept;
  int take_socket_error() const noexcept;
  void ask_room() noexcept;
  void wrote(std::size_t taken, std::size_t given) noexcept;
  IoResult fail(int number) noexcept;
  IoResult peek_at_kernel_offset(std::size_t offset, std::span<const MutableBytes> pieces) noexcept;
  IoResult peek_past_scratch(std::size_t offset, std::span<const MutableBytes> pieces) noexcept;
  void close_fd() noexcept;

  UniqueFd fd_;
  Poller& poller_;
  StreamHandler* handler_ = nullptr;
  State state_;
  SocketError error_ = SocketError::other;
  bool peek_offset_supported_;
  std::size_t buffer_ = 0;       // SO_SNDBUF when last asked
  std::size_t room_ = 0;         // what was free then, less what was written since
  bool waits_for_room_ = false;  // an EPOLLOUT is sure to come
  bool watched_ = false;
  bool ended_ = false;  // the peer has shut down: nothing comes after what is queued
  std::int64_t kernel_peek_offset_ = -1;  // what SO_PEEK_OFF stands at; -1: never set
};

}  // namespace pontoon::host
