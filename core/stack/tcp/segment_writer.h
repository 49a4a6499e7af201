// Everything that goes to an endpoint is made here: TCP header in front of a pool frame, options as
// negotiated, the acknowledgement and the window of the moment.
#pragma once

#include "core/stack/tcp/core.h"
#include "core/stack/tcp/segment.h"

namespace pontoon::stack::tcp {

class SegmentWriter {
 public:
  explicit SegmentWriter(Core& core) noexcept : core_(core) {}

  // Our SYN, with ACK unless the flow is in SYN-SENT.
  void synchronize(Flow& flow, Instant now) noexcept;
  // An empty ACK, with SACK blocks when text is held out of order.
  void acknowledge(Flow& flow, Instant now) noexcept;
  // RFC 5961: an ACK that asks the endpoint to prove itself; rate-limited over all flows.
  void challenge(Flow& flow, Instant now) noexcept;
  // RFC 9293 3.8.6.1: makes the endpoint say its window again without adding to what is in flight.
  void probe_window(Flow& flow, Instant now) noexcept;
  // The frame holds the text that begins at `sequence`; it may be longer than a segment.
  void text(Flow& flow, wire::TcpSequence sequence, FrameRef frame, Instant now) noexcept;
  void finish(Flow& flow, wire::TcpSequence sequence, Instant now) noexcept;
  void reset(Flow& flow, Instant now) noexcept;
  // RFC 9293 3.10.7.1 and 3.5.2: answers a segment that fits no connection; rate-limited.
  void reset_stray(const SocketAddress& endpoint, const SocketAddress& far, const Segment& segment,
                   Instant now) noexcept;

  static std::uint32_t timestamp_now(const Flow& flow, Instant now) noexcept;

 private:
  wire::TcpRepr header(Flow& flow, wire::TcpSequence sequence, Instant now) const noexcept;
  void add_sack(const Flow& flow, wire::TcpOptions& options) const noexcept;
  void send_empty(Flow& flow, const wire::TcpRepr& repr, Instant now) noexcept;
  void send(const IpAddress& source, const IpAddress& target, const wire::TcpRepr& repr,
            FrameRef frame, std::uint16_t segment_size, Instant now) noexcept;

  Core& core_;
};

}  // namespace pontoon::stack::tcp
