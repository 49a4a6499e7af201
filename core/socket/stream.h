// A byte stream on the host side of a TCP flow: non-blocking, connecting or connected. The TCP
// engine sees the host only through this, so it runs over kernel sockets (core/host), over an
// in-process pipe (pipe_stream.h: DNS over TCP) and over the simulator's.
//
// Readiness is edge-like: on_ready() says that something may have changed since the last call that
// would have blocked. It must only take note; work happens later in the turn.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/bytes.h"
#include "core/socket/socket_error.h"

namespace pontoon {

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // Connected, readable, writable, ended or failed: look at the stream to learn which.
  virtual void on_ready() noexcept = 0;
};

class Stream {
 public:
  enum class State : std::uint8_t { connecting, open, failed };

  virtual ~Stream() =
      default;  // closes: orderly when everything was shut down and read, else as close(2)

  // Never called from within the handler's own on_ready(). Null detaches.
  virtual void set_handler(StreamHandler* handler) noexcept = 0;

  virtual State state() const noexcept = 0;
  // Why the connect failed, or what ended the stream; meaningful in `failed`.
  virtual SocketError error() const noexcept = 0;

  // Hands bytes over; takes a prefix, possibly all. `would_block`: nothing fits now.
  virtual IoResult write(std::span<const ByteView> pieces) noexcept = 0;
  // Bytes that write() would take now, at least; what our receive window mirrors.
  virtual std::size_t write_room() const noexcept = 0;
  // Reads without consuming, beginning `offset` bytes after the first unconsumed one. `end`: the
  // peer has shut down and nothing lies behind `offset`.
  virtual IoResult peek(std::size_t offset, std::span<const MutableBytes> pieces) noexcept = 0;
  // Discards bytes that were peeked.
  virtual void consume(std::size_t count) noexcept = 0;

  // Our side has sent everything (FIN after what was written).
  virtual void shutdown_write() noexcept = 0;
  // Ends at once, visibly: the peer sees a reset.
  virtual void abort() noexcept = 0;
};

}  // namespace pontoon
