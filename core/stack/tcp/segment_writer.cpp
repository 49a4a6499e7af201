#include "core/stack/tcp/segment_writer.h"

#include "core/stack/tcp/receive_window.h"

namespace pontoon::stack::tcp {

using wire::TcpRepr;
using wire::TcpSequence;

std::uint32_t SegmentWriter::timestamp_now(const Flow& flow, Instant now) noexcept {
  const auto milliseconds = now.time_since_epoch() / std::chrono::milliseconds(1);
  return static_cast<std::uint32_t>(milliseconds) + flow.timestamp_offset;
}

TcpRepr SegmentWriter::header(Flow& flow, TcpSequence sequence, Instant now) const noexcept {
  TcpRepr repr;
  repr.source_port = flow.far.port;
  repr.destination_port = flow.endpoint.port;
  repr.sequence = sequence;
  repr.flags.ack = flow.state != FlowState::syn_sent;
  repr.window = offer_window(flow, half_open(flow.state));
  if (repr.flags.ack) {
    repr.acknowledgement = flow.receive.next;
    flow.receive.acknowledged = flow.receive.next;
    flow.receive.acknowledgement_due = false;
  }
  if (flow.timestamps) repr.options.timestamps = {timestamp_now(flow, now), flow.receive.timestamp};
  return repr;
}

void SegmentWriter::synchronize(Flow& flow, Instant now) noexcept {
  TcpRepr repr = header(flow, flow.send.initial, now);
  repr.flags.syn = true;
  repr.options.mss = flow.receive.mss;
  repr.options.sack_permitted = flow.sack;
  if (flow.scaled) repr.options.window_scale = kOurWindowScale;
  send_empty(flow, repr, now);
}

void SegmentWriter::acknowledge(Flow& flow, Instant now) noexcept {
  TcpRepr repr = header(flow, flow.send.next, now);
  if (flow.sack) add_sack(flow, repr.options);
  flow.receive.repeated = {};
  send_empty(flow, repr, now);
}

void SegmentWriter::challenge(Flow& flow, Instant now) noexcept {
  if (!core_.challenges.pass(now)) return;
  ++core_.counters.challenge_acks;
  acknowledge(flow, now);
}

void SegmentWriter::probe_window(Flow& flow, Instant now) noexcept {
  send_empty(flow, header(flow, flow.send.unacknowledged - 1U, now), now);
}

void SegmentWriter::text(Flow& flow, TcpSequence sequence, FrameRef frame, Instant now) noexcept {
  TcpRepr repr = header(flow, sequence, now);
  repr.flags.psh = true;
  const bool super = frame->size() > flow.send.mss;
  flow.send.last_sent = now;
  send(flow.far.ip, flow.endpoint.ip, repr, std::move(frame),
       super ? static_cast<std::uint16_t>(flow.send.mss) : std::uint16_t{0}, now);
}

void SegmentWriter::finish(Flow& flow, TcpSequence sequence, Instant now) noexcept {
  TcpRepr repr = header(flow, sequence, now);
  repr.flags.fin = true;
  send_empty(flow, repr, now);
}

void SegmentWriter::reset(Flow& flow, Instant now) noexcept {
  TcpRepr repr = header(flow, flow.send.next, now);
  repr.flags.rst = true;
  repr.window = 0;
  send_empty(flow, repr, now);
}

void SegmentWriter::reset_stray(const SocketAddress& endpoint, const SocketAddress& far,
                                const Segment& segment, Instant now) noexcept {
  if (segment.flags.rst || !core_.resets.pass(now)) return;
  TcpRepr repr;
  repr.source_port = far.port;
  repr.destination_port = endpoint.port;
  repr.flags.rst = true;
  if (segment.flags.ack) {
    repr.sequence = segment.acknowledgement;
  } else {
    repr.flags.ack = true;
    repr.acknowledgement = segment.sequence + segment.length();
  }
  send(far.ip, endpoint.ip, repr, core_.frames.allocate(0), 0, now);
}

// RFC 2883 4: what came twice is told first. An endpoint that probed for a lost tail (RFC
// 8985 7.4.2) takes silence about its probe for a loss. RFC 2018 4: the first block then holds the
// text that came last, the others follow in order. Text that only waits for the host is no block:
// an endpoint that is told of a block without a hole before it takes us for one that has thrown it
// away.
void SegmentWriter::add_sack(const Flow& flow, wire::TcpOptions& options) const noexcept {
  const SequenceRange repeated = flow.receive.repeated;
  if (!repeated.empty()) options.add_sack({repeated.begin, repeated.end});
  if (flow.receive.held.empty()) return;
  SequenceRange newest = core_.held.run_around(flow.receive.held, flow.receive.last_held);
  if (newest.begin <= flow.receive.next) newest = {};
  if (!newest.empty()) options.add_sack({newest.begin, newest.end});
  std::array<SequenceRange, wire::TcpOptions::kMaxSackBlocks> runs;
  const std::size_t count = core_.held.runs(flow.receive.held, runs);
  for (const SequenceRange& run : std::span(runs).first(count))
    if (run != newest && run.begin > flow.receive.next) options.add_sack({run.begin, run.end});
}

void SegmentWriter::send_empty(Flow& flow, const TcpRepr& repr, Instant now) noexcept {
  send(flow.far.ip, flow.endpoint.ip, repr, core_.frames.allocate(0), 0, now);
}

void SegmentWriter::send(const IpAddress& source, const IpAddress& target, const TcpRepr& repr,
                         FrameRef frame, std::uint16_t segment_size, Instant now) noexcept {
  if (!frame) {
    core_.drops.count(DropReason::pool_exhausted);
    return;
  }
  const std::size_t size = repr.header_size();
  const ByteView payload = frame->bytes();
  repr.emit(frame->prepend(size), payload, source, target, wire::ChecksumFill::pseudo_header);
  // A segment that does not get out is a lost one; the timers see to it.
  (void)core_.output.send_segment(source, target, std::move(frame), segment_size, now);
}

}  // namespace pontoon::stack::tcp
