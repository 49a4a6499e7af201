// Losses that no three segments behind them tell: those of a flight's tail, of one or two segments
// before it, and of repetitions. RFC 8985 (RACK-TLP) in the terms of what is kept here, which is
// ranges instead of a time for each segment:
//
//   passed by   What the endpoint holds was sent after what is missing before it. When that has
//               not come a reordering window later, it is lost (RFC 8985 6.2, step 5). Three
//               segments need no window (notice_loss).
//   rounds      A recovery sends everything again that is lost, once: a round. Once it is over,
//               what lies behind `after_round` is sent later than any repetition; when the
//               endpoint holds it and the repetitions are still missing, they are lost as well,
//               and the next round begins.
//   tail        Nothing was sent behind the tail. When no answer comes, new text or the last
//               segment again makes the endpoint say what it holds (RFC 8985 7).
//
// Only with SACK. One deadline serves all three, for they exclude each other.
#include <algorithm>

#include "core/stack/tcp/sender.h"

namespace pontoon::stack::tcp {
namespace {

using wire::TcpSequence;

// RFC 8985 6.2: a quarter of the round trip. Timestamps tell that to a millisecond only.
Duration reordering_window(const Flow& flow) noexcept {
  return std::max(flow.send.rtt.smoothed() / 4, limits::kTcpReorderingWindow);
}

// Deviation: RFC 8985 7 probes once, since a lost probe may mean a jam. Ten milliseconds are many
// round trips here, and a burst of losses takes a probe as well; some more, each after twice the
// time, cost less than the stall of a timeout. Deviation: RFC 8985 7.2 has no probes in a recovery.
// But what is under way when one ends may be acknowledged by a single segment, since endpoints
// gather what they get; when that is lost only the timer is left.
bool may_probe(const SendSide& send) noexcept {
  return send.probes < limits::kTcpTailProbes && send.retries == 0 &&
         (send.recovery == Recovery::none || send.round_over);
}

}  // namespace

// Something is held behind a hole that was sent before it.
bool Sender::passed_by(const Flow& flow) const noexcept {
  const SendSide& send = flow.send;
  if (send.recovery == Recovery::none) return !send.scoreboard.empty();
  const TcpSequence later_than = wire::later(send.after_round, send.unacknowledged);
  return send.round_over && send.scoreboard.held_in({later_than, send.next}) > 0;
}

// RFC 6675's measure of certainty: more than two segments, here of what the round was passed by.
bool Sender::repetitions_lost(const Flow& flow) const noexcept {
  const SendSide& send = flow.send;
  return send.round_over && send.unacknowledged < send.after_round &&
         send.scoreboard.held_in({send.after_round, send.next}) > 2 * send.mss;
}

// Between a turn's repetitions and its new text.
void Sender::note_round(Flow& flow) const noexcept {
  SendSide& send = flow.send;
  if (send.recovery == Recovery::none) return;
  const TcpSequence from = wire::later(send.retransmit_next, send.unacknowledged);
  const bool over = send.scoreboard.first_hole({from, send.lost_before}).empty();
  if (over && !send.round_over) send.after_round = send.next;
  send.round_over = over;
}

// After a turn's transmissions.
void Sender::plan_loss_check(Flow& flow, Instant now) const noexcept {
  SendSide& send = flow.send;
  if (!flow.sack || flow.in_flight() == 0) {
    flow.loss_check_at = kNever;
    return;
  }
  if (passed_by(flow)) {
    const Instant end = now + reordering_window(flow);
    const bool running = send.checks_order && flow.loss_check_at != kNever;
    if (!running) flow.loss_check_at = end;
    send.checks_order = true;
    return;
  }
  send.checks_order = false;
  flow.loss_check_at = kNever;
  // RFC 8985 7.2. A lone segment's answer may be delayed for as long as the timer waits anyway.
  if (!may_probe(send) || flow.in_flight() <= send.mss) return;
  const Duration patience =
      std::max(send.rtt.smoothed() * 2, limits::kTcpTailProbe) * (1U << send.probes);
  const Instant due = std::max(send.last_sent, send.last_progress) + patience;
  if (due < flow.retransmit_at) flow.loss_check_at = due;
}

void Sender::on_loss_check(Flow& flow, Instant now) noexcept {
  SendSide& send = flow.send;
  flow.loss_check_at = kNever;
  if (flow.in_flight() == 0 || flow.stream == nullptr) return;
  if (!passed_by(flow)) {
    if (may_probe(send)) probe_tail(flow, now);
    return;
  }
  const TcpSequence highest = send.scoreboard.highest(send.unacknowledged);
  if (send.recovery == Recovery::none) {
    enter_fast_recovery(flow);
  } else if (send.unacknowledged < send.after_round) {
    begin_round(flow);
  }
  send.lost_before = wire::later(send.lost_before, highest);
}

// Deviation: RFC 5681 4.3 lowers the window once more for a repetition that is lost. As in Linux, a
// recovery lowers it once.
void Sender::begin_round(Flow& flow) const noexcept {
  SendSide& send = flow.send;
  send.round_over = false;
  send.lost_before = wire::later(send.lost_before, send.after_round);
  send.retransmit_next = send.unacknowledged;
  send.retransmit_now = true;
}

// RFC 8985 7.3: new text, whatever the congestion window says, else the last segment once more.
void Sender::probe_tail(Flow& flow, Instant now) noexcept {
  SendSide& send = flow.send;
  Core::consume(flow);
  Sent sent{Outcome::nothing, 0};
  const std::uint32_t window = std::min(send.window, limits::kTcpFlightBytes);
  if (sends_text(flow.state) && !send.drained && flow.in_flight() + send.mss <= window)
    sent = send_text(flow, send.next, send.mss, now);
  send.probe_repeated = sent.outcome != Outcome::sent;
  if (send.probe_repeated) {
    const TcpSequence end = flow.text_end();
    const std::uint32_t text =
        std::min(send.mss, static_cast<std::uint32_t>(end - send.unacknowledged));
    if (text > 0) sent = send_text(flow, end - text, text, now);
    if (send.end_sent) writer_.finish(flow, end, now);
    send.timed_at = kNever;  // Karn
    ++core_.counters.retransmitted_segments;
  } else {
    on_new_text(flow, sent.bytes, now);
  }
  if (send.probes++ == 0) flow.retransmit_at = now + send.rtt.timeout();
  send.probe_end = send.next;
}

// RFC 8985 7.4: a repetition that was needed stands for a loss.
void Sender::take_probe_answer(Flow& flow, const Segment& segment) const noexcept {
  SendSide& send = flow.send;
  if (send.probes == 0 || segment.acknowledgement < send.probe_end) return;
  const auto blocks = segment.options.sack_blocks();
  const bool repeated = !blocks.empty() && blocks[0].right <= segment.acknowledgement;
  const bool more = segment.acknowledgement > send.probe_end;
  const bool duplicate = segment.acknowledgement == send.unacknowledged && blocks.empty();
  if (send.probe_repeated && !repeated && !more && !duplicate) return;
  if (send.probe_repeated && !repeated && more && send.recovery == Recovery::none)
    send.congestion.on_loss(std::max(flow.in_flight(), send.congestion.bytes()));
  send.probes = 0;
}

}  // namespace pontoon::stack::tcp
