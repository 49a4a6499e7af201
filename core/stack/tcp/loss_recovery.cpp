// What acknowledgements say about the text that is in flight: RTT, loss, the end of a recovery.
#include <algorithm>

#include "core/stack/tcp/sender.h"

namespace pontoon::stack::tcp {
namespace {

using wire::TcpSequence;

constexpr std::uint16_t kDuplicateThreshold = 3;  // RFC 5681 3.2

}  // namespace

// RFC 9293 3.10.7.4, fifth: a segment that is older than the one which set the window does not.
// Deviation: one that acknowledges more does, whatever its number. Behind a hole that a repetition
// fills, the RFC would keep the window of what was ahead of it, and let us send beyond it.
void Sender::take_window(Flow& flow, const Segment& segment) const noexcept {
  SendSide& send = flow.send;
  const bool newer = segment.acknowledgement > send.unacknowledged ||
                     send.window_sequence < segment.sequence ||
                     (send.window_sequence == segment.sequence &&
                      send.window_acknowledgement <= segment.acknowledgement);
  if (!newer) return;
  // RFC 7323 2.2: the window of a SYN is not scaled.
  send.window = std::uint32_t{segment.window} << (segment.flags.syn ? 0 : send.scale);
  send.most_window = std::max(send.most_window, send.window);
  send.window_sequence = wire::later(send.window_sequence, segment.sequence);
  send.window_acknowledgement = segment.acknowledgement;
}

void Sender::on_acknowledgement(Flow& flow, const Segment& segment, Instant now) noexcept {
  SendSide& send = flow.send;
  const std::uint32_t window_before = send.window;
  take_window(flow, segment);
  if (send.window == 0) send.retries = 0;  // RFC 9293 3.8.6.1: probes are answered, so it lives
  const bool opened = window_before == 0 && send.window > 0;
  if (opened && flow.in_flight() == 0) send.rtt.end_back_off();
  take_probe_answer(flow, segment);
  if (segment.acknowledgement > send.unacknowledged) {
    advance(flow, segment, now);
    (void)take_sack(flow, segment);
    notice_loss(flow, false);
    return;
  }
  const bool news = take_sack(flow, segment);
  // RFC 5681 2, and RFC 6675 2 where there is SACK.
  const bool duplicate = segment.acknowledgement == send.unacknowledged && flow.in_flight() > 0 &&
                         segment.length() == 0 && (flow.sack ? news : send.window == window_before);
  notice_loss(flow, duplicate);
  if (flow.in_flight() == 0) flow.retransmit_at = kNever;  // a window probe was answered
}

void Sender::advance(Flow& flow, const Segment& segment, Instant now) noexcept {
  SendSide& send = flow.send;
  const auto acknowledged =
      static_cast<std::uint32_t>(segment.acknowledgement - send.unacknowledged);
  const bool end = send.end_sent && segment.acknowledgement == send.next;
  const std::uint32_t text = acknowledged - (end ? 1U : 0U);
  send.unconsumed += text;
  send.bytes += text;
  send.unacknowledged = segment.acknowledgement;
  send.scoreboard.acknowledge(send.unacknowledged);
  send.retries = 0;
  send.last_progress = now;
  take_rtt(flow, segment, now);
  after_progress(flow, acknowledged);
  flow.retransmit_at = flow.in_flight() > 0 ? now + send.rtt.timeout() : kNever;  // RFC 6298 5.3
}

void Sender::take_rtt(Flow& flow, const Segment& segment, Instant now) const noexcept {
  SendSide& send = flow.send;
  if (flow.timestamps) {  // RFC 7323 4.1
    const std::uint32_t echo = segment.options.timestamps ? segment.options.timestamps->echo : 0;
    const std::chrono::milliseconds elapsed(SegmentWriter::timestamp_now(flow, now) - echo);
    if (echo != 0 && elapsed < limits::kTcpMaxRto) send.rtt.sample(elapsed);
  } else if (send.timed_at != kNever && send.timed < send.unacknowledged) {
    send.rtt.sample(now - send.timed_at);
    send.timed_at = kNever;
  }
}

void Sender::after_progress(Flow& flow, std::uint32_t acknowledged) const noexcept {
  SendSide& send = flow.send;
  const bool recovered = send.unacknowledged >= send.recover;
  switch (send.recovery) {
    case Recovery::none:
      send.duplicates = 0;
      if (send.congestion_limited) send.congestion.on_acknowledged(acknowledged);
      return;
    case Recovery::timeout:
      send.duplicates = 0;
      send.congestion.on_acknowledged(acknowledged);
      break;
    case Recovery::fast:
      send.duplicates -= static_cast<std::uint16_t>(
          std::min<std::uint32_t>(send.duplicates, acknowledged / send.mss));
      if (recovered || send.retransmit_next > send.unacknowledged) break;
      // RFC 6582 3.2 step 3: a partial acknowledgement names the next segment that is missing.
      send.retransmit_next = send.unacknowledged;
      send.lost_before =
          wire::later(send.lost_before, send.unacknowledged + std::min(send.mss, flow.in_flight()));
      send.retransmit_now = true;
      break;
  }
  if (!recovered) return;
  send.recovery = Recovery::none;
  send.duplicates = 0;
  send.retransmit_now = false;
}

// True when the endpoint holds something that we did not know of.
bool Sender::take_sack(Flow& flow, const Segment& segment) const noexcept {
  SendSide& send = flow.send;
  if (!flow.sack) return false;
  bool news = false;
  for (const wire::TcpSackBlock& block : segment.options.sack_blocks()) {
    // Blocks below SND.UNA report duplicates (RFC 2883); others were never sent.
    if (block.right <= send.unacknowledged || block.right > send.next) continue;
    const SequenceRange range{wire::later(block.left, send.unacknowledged), block.right};
    news = send.scoreboard.add(range) || news;
  }
  return news;
}

void Sender::notice_loss(Flow& flow, bool duplicate) const noexcept {
  SendSide& send = flow.send;
  if (duplicate && send.duplicates < 0xffff) ++send.duplicates;
  const TcpSequence lost = send.scoreboard.lost_before(send.unacknowledged, send.mss);
  switch (send.recovery) {
    case Recovery::timeout:  // everything counts as lost already
    case Recovery::fast:
      if (repetitions_lost(flow)) begin_round(flow);
      send.lost_before = wire::later(send.lost_before, lost);
      return;
    case Recovery::none:
      break;
  }
  if (flow.in_flight() == 0) return;
  if (send.duplicates < kDuplicateThreshold && lost == send.unacknowledged) return;
  // RFC 6582 3.2 step 2: duplicates of what a recovery has resent say nothing. SACK is not fooled.
  const std::int32_t beyond = send.unacknowledged - send.recover;
  if (flow.sack ? beyond < 0 : beyond <= 0) return;
  enter_fast_recovery(flow);
}

void Sender::enter_fast_recovery(Flow& flow) const noexcept {
  SendSide& send = flow.send;
  send.congestion.on_loss(flow.in_flight());
  send.recovery = Recovery::fast;
  send.recover = send.next;
  send.round_over = false;
  send.probes = 0;
  send.retransmit_next = send.unacknowledged;
  send.lost_before = wire::later(send.scoreboard.lost_before(send.unacknowledged, send.mss),
                                 send.unacknowledged + std::min(send.mss, flow.in_flight()));
  send.retransmit_now = true;
}

void Sender::resend_everything(Flow& flow) const noexcept {
  SendSide& send = flow.send;
  send.scoreboard.clear();
  send.duplicates = 0;
  send.timed_at = kNever;
  send.recovery = Recovery::timeout;
  send.recover = send.next;
  send.round_over = false;
  send.probes = 0;
  send.lost_before = send.next;
  send.retransmit_next = send.unacknowledged;
  send.retransmit_now = true;
}

bool Sender::on_timeout(Flow& flow, Instant now) noexcept {
  SendSide& send = flow.send;
  flow.retransmit_at = kNever;
  const bool probe = flow.in_flight() == 0;
  if (probe && (send.window > 0 || send.drained)) return true;
  if (++send.retries > limits::kTcpRetries) return false;
  if (probe) {
    send.rtt.back_off();
    writer_.probe_window(flow, now);
  } else {
    send.rtt.back_off_lost();
    send.congestion.on_timeout(flow.in_flight(), send.retries == 1);
    resend_everything(flow);
  }
  flow.retransmit_at = now + send.rtt.timeout();  // RFC 6298 5.6
  return true;
}

}  // namespace pontoon::stack::tcp
