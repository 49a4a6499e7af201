// A port of the switch: where frames come in and go out. Real ports (TAP, packet socket) live in
// bridge/ports, the gateway is another one, decorators (capture, impair, trace) wrap any of them.
//
// Within one turn: receive() is called until it gives less than was asked for; send() only queues;
// flush() is called once, after the whole batch was switched, and does the system calls.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/drop.h"
#include "core/base/time.h"
#include "core/frame/frame.h"

namespace pontoon {

// What a port can take without help. Whoever sends it something else segments or finishes first
// (PortEdge, core/link/port_edge.h, does it for every real port).
struct PortFeatures {
  bool checksum = false;  // takes frames that need their checksum finished
  bool tso4 = false;
  bool tso6 = false;
  bool uso = false;
  std::uint16_t mtu = 1500;  // largest IP packet in a frame without gso
};

struct PortCounters {
  std::uint64_t received_frames = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_frames = 0;
  std::uint64_t sent_bytes = 0;
  DropCounters drops;
};

// Whom a port tells that it has become ready, so that a turn need not visit idle ports.
class ReadySink {
 public:
  virtual ~ReadySink() = default;
  virtual void on_ready() noexcept = 0;
};

class Port {
 public:
  virtual ~Port() = default;

  // Moves up to out.size() frames that have arrived into `out`; fewer means that nothing more is
  // there now.
  virtual std::size_t receive(std::span<FrameRef> out, Instant now) noexcept = 0;
  // Queues one frame. A frame that cannot be queued is dropped and counted here.
  virtual void send(FrameRef frame, Instant now) noexcept = 0;
  // Puts what was queued on the wire. What the kernel does not take now stays queued until writable
  // again.
  virtual void flush(Instant now) noexcept = 0;

  virtual PortFeatures features() const noexcept = 0;
  // False once the far end has gone: the owner removes the port.
  virtual bool open() const noexcept = 0;
  virtual const PortCounters& counters() const noexcept = 0;
  // Called when frames can be received, queued ones can be flushed, or the port has closed. May be
  // null.
  virtual void set_ready_sink(ReadySink* sink) noexcept = 0;
};

}  // namespace pontoon
