// From the endpoint to the host: text goes from the frame into the host socket at once, and what
// the socket took is acknowledged. What it does not take although the window had promised it, and
// what comes out of order, is held until the host is ready or the hole before it closes.
#pragma once

#include "core/stack/tcp/segment_writer.h"

namespace pontoon::stack::tcp {

class Receiver {
 public:
  Receiver(Core& core, SegmentWriter& writer) noexcept : core_(core), writer_(writer) {}

  // The text of an acceptable segment, and its FIN.
  void take(Flow& flow, const Segment& segment, Instant now) noexcept;
  // Writes held text whose hole has closed, and ends the host's reading side once everything before
  // the endpoint's FIN has been written.
  void deliver(Flow& flow, Instant now) noexcept;
  // Tells the endpoint what it must know at the end of a turn, and sees to it that a closed window
  // opens again.
  void conclude(Flow& flow, Instant now) noexcept;

 private:
  void take_text(Flow& flow, wire::TcpSequence begin, ByteView text, Instant now) noexcept;
  void hold(Flow& flow, wire::TcpSequence begin, ByteView text, Instant now) noexcept;
  bool keep(Flow& flow, wire::TcpSequence begin, ByteView text) noexcept;
  bool has_backlog(const Flow& flow) const noexcept;
  std::size_t write(Flow& flow, ByteView text) noexcept;
  void take_end(Flow& flow, Instant now) noexcept;

  Core& core_;
  SegmentWriter& writer_;
};

}  // namespace pontoon::stack::tcp
