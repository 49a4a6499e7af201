// From the host to the endpoint: bytes stay in the host socket until the endpoint acknowledges
// them; they are peeked straight into frames, as often as they must be sent. Flight is bounded by
// the endpoint's window, the congestion window and kTcpFlightBytes.
//
// Loss: everything before `lost_before` that the scoreboard does not know to be held counts as
// lost; `retransmit_next` runs over it once per recovery. Without SACK the same machinery is
// NewReno.
#pragma once

#include "core/stack/tcp/segment_writer.h"

namespace pontoon::stack::tcp {

class Sender {
 public:
  Sender(Core& core, SegmentWriter& writer) noexcept : core_(core), writer_(writer) {}

  // MSS and the congestion window, once the options are known.
  void start(Flow& flow, std::uint16_t their_mss) const noexcept;
  // The path to the endpoint takes packets of `mtu` bytes at most.
  void limit_packets(Flow& flow, std::uint32_t mtu) noexcept;
  // An acceptable acknowledgement: frees text in the host socket, notices loss.
  void on_acknowledgement(Flow& flow, const Segment& segment, Instant now) noexcept;
  // The window that a SYN or a segment has brought.
  void take_window(Flow& flow, const Segment& segment) const noexcept;
  // Sends what may be sent. True when the turn's share is used up and there may be more.
  bool transmit(Flow& flow, Instant now) noexcept;
  // The time for reordering, or for the answer to the tail, is over (loss_check.cpp).
  void on_loss_check(Flow& flow, Instant now) noexcept;
  // The retransmission timer fired in a synchronized state. False: the endpoint is given up.
  bool on_timeout(Flow& flow, Instant now) noexcept;
  // Nothing that the host had can be delivered any more, or all of it was.
  bool nothing_left(const Flow& flow) const noexcept;

 private:
  // Acknowledgements and loss: loss_recovery.cpp.
  void advance(Flow& flow, const Segment& segment, Instant now) noexcept;
  void take_rtt(Flow& flow, const Segment& segment, Instant now) const noexcept;
  void after_progress(Flow& flow, std::uint32_t acknowledged) const noexcept;
  bool take_sack(Flow& flow, const Segment& segment) const noexcept;
  void notice_loss(Flow& flow, bool duplicate) const noexcept;
  void enter_fast_recovery(Flow& flow) const noexcept;
  void resend_everything(Flow& flow) const noexcept;

  // Losses that no three segments behind them tell: loss_check.cpp.
  void note_round(Flow& flow) const noexcept;
  void plan_loss_check(Flow& flow, Instant now) const noexcept;
  bool passed_by(const Flow& flow) const noexcept;
  bool repetitions_lost(const Flow& flow) const noexcept;
  void begin_round(Flow& flow) const noexcept;
  void probe_tail(Flow& flow, Instant now) noexcept;
  void take_probe_answer(Flow& flow, const Segment& segment) const noexcept;

  // Transmission: sender.cpp.
  enum class Outcome : std::uint8_t { sent, nothing, ended, failed, no_frame };
  struct Sent {
    Outcome outcome = Outcome::sent;
    std::uint32_t bytes = 0;
  };
  std::uint32_t in_network(const Flow& flow) const noexcept;
  SequenceRange next_lost(const Flow& flow) const noexcept;
  std::size_t retransmit_lost(Flow& flow, std::size_t budget, Instant now) noexcept;
  Sent retransmit(Flow& flow, SequenceRange lost, std::uint32_t room, Instant now) noexcept;
  std::size_t send_new(Flow& flow, std::size_t budget, Instant now) noexcept;
  std::uint32_t allowance(const Flow& flow) const noexcept;
  Sent send_text(Flow& flow, wire::TcpSequence begin, std::uint32_t count, Instant now) noexcept;
  void on_new_text(Flow& flow, std::uint32_t count, Instant now) const noexcept;
  void send_end(Flow& flow, Instant now) noexcept;
  void wait_for_window(Flow& flow, Instant now) noexcept;

  Core& core_;
  SegmentWriter& writer_;
};

}  // namespace pontoon::stack::tcp
