// One translated connection: what both directions need to remember. Plain data; the parts that work
// on it (Handshake, Input, Receiver, Sender) own no state of their own per flow. Names are RFC
// 9293's (SND.UNA is send_unacknowledged) with "we" on the virtual side, facing the endpoint.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/timer_queue.h"
#include "core/socket/stream.h"
#include "core/stack/tcp/congestion.h"
#include "core/stack/tcp/held_segments.h"
#include "core/stack/tcp/rtt_estimator.h"
#include "core/stack/tcp/sack_scoreboard.h"
#include "core/stack/types.h"

namespace pontoon::stack::tcp {

enum class FlowState : std::uint8_t {
  syn_held,      // the endpoint's SYN waits for the host's connect
  syn_sent,      // ours waits for the endpoint's answer
  syn_received,  // we answered the SYN and wait for the ACK
  established,
  fin_wait_1,  // the host has ended, our FIN is out
  fin_wait_2,  // and acknowledged
  close_wait,  // the endpoint has ended
  closing,     // both have, our FIN is not acknowledged
  last_ack,    // likewise, and the endpoint was first
  time_wait,
};

const char* to_string(FlowState state) noexcept;  // as RFC 9293 3.3.2 spells them

// Neither side has seen the other's answer yet.
constexpr bool half_open(FlowState state) noexcept {
  return state <= FlowState::syn_received;
}
// The endpoint's FIN has not been taken: its text is still welcome.
constexpr bool receives_text(FlowState state) noexcept {
  return state == FlowState::established || state == FlowState::fin_wait_1 ||
         state == FlowState::fin_wait_2;
}
// Our FIN has not been sent: the host's bytes still go out.
constexpr bool sends_text(FlowState state) noexcept {
  return state == FlowState::established || state == FlowState::close_wait;
}

struct Flow;

// Whom a flow wakes: its stream became ready, its timer has fired.
class FlowEvents {
 public:
  virtual void on_stream_ready(Flow& flow) noexcept = 0;
  virtual void on_flow_timer(Flow& flow, Instant now) noexcept = 0;

 protected:
  ~FlowEvents() = default;
};

enum class Recovery : std::uint8_t {
  none,
  fast,     // RFC 6582, RFC 6675: after duplicate acknowledgements
  timeout,  // everything that was in flight counts as lost
};

// From the endpoint to the host.
struct ReceiveSide {
  wire::TcpSequence initial;       // IRS
  wire::TcpSequence next;          // RCV.NXT: what the host socket took, exactly
  wire::TcpSequence edge;          // right edge of the window as offered
  wire::TcpSequence furthest;      // the right edge as far as it ever was: what may be under way
  wire::TcpSequence acknowledged;  // RCV.NXT as last told to the endpoint
  wire::TcpSequence end;           // where the endpoint's FIN stands, with end_known
  wire::TcpSequence last_held;     // begin of the newest out-of-order text: first SACK block
  SequenceRange repeated;          // came although it had been here: D-SACK, with the next ACK
  HeldList held;
  std::uint32_t most_room = 0;  // the largest room seen, for silly window avoidance
  std::uint32_t timestamp = 0;  // TS.Recent
  std::uint16_t mss = 0;        // what we told the endpoint
  std::uint8_t scale = 0;       // ours
  bool end_known = false;
  bool acknowledgement_due = false;  // before the turn is over
  std::uint64_t bytes = 0;
};

// From the host to the endpoint. [unacknowledged, next) is in flight and still in the host socket:
// stream offset 0 is `unacknowledged`, once what lies before it was consumed (Core::consume).
struct SendSide {
  wire::TcpSequence initial;                 // ISS
  wire::TcpSequence unacknowledged;          // SND.UNA
  wire::TcpSequence next;                    // SND.NXT: never goes back
  wire::TcpSequence window_sequence;         // SND.WL1
  wire::TcpSequence window_acknowledgement;  // SND.WL2
  std::uint32_t window = 0;                  // SND.WND, scaled
  std::uint32_t most_window = 0;             // MAX.SND.WND
  std::uint32_t mss = 536;                   // payload bytes per segment, options taken off
  std::uint8_t scale = 0;                    // theirs
  bool end_sent = false;                     // our FIN is the octet before `next`
  bool drained = false;                      // the host had nothing more when last asked
  bool broken = false;                       // what is in flight cannot be read again
  bool congestion_limited = false;  // the last turn stopped because the congestion window was full
  // Loss
  Recovery recovery = Recovery::none;
  bool retransmit_now = false;        // RFC 6675 5 (4.3): the first goes whatever the window says
  std::uint8_t retries = 0;           // timeouts without progress
  std::uint16_t duplicates = 0;       // duplicate ACKs since progress, without SACK
  wire::TcpSequence recover;          // RFC 6582: SND.NXT when the loss was noticed
  wire::TcpSequence lost_before;      // what is not held before this is lost
  wire::TcpSequence retransmit_next;  // lost text before this was sent again
  bool round_over = false;            // all that was lost was sent again, before `after_round`
  wire::TcpSequence after_round;
  SackScoreboard scoreboard;
  CongestionWindow congestion;
  RttEstimator rtt;
  wire::TcpSequence timed;    // Karn: acknowledging this octet gives a sample
  Instant timed_at = kNever;  // kNever: nothing is being timed
  Instant last_sent{};
  Instant last_progress{};  // SND.UNA moved
  // RFC 8985 7.2, TLP.end_seq and TLP.is_retrans
  bool checks_order = false;  // what loss_check_at is for: a reordering window, not a tail
  std::uint8_t probes = 0;    // of the tail, since something was heard of it
  bool probe_repeated = false;
  wire::TcpSequence probe_end;
  std::uint32_t unconsumed = 0;  // acknowledged, but still in the host socket until the turn's end
  std::uint64_t bytes = 0;
};

struct Flow final : StreamHandler {
  explicit Flow(FlowEvents& owner) noexcept
      : events(owner), timer(Timer::bind<&Flow::on_timer>(*this)) {}

  FlowEvents& events;
  SocketAddress endpoint;
  SocketAddress far;  // whom the endpoint talks to
  std::uint64_t hash = 0;
  bool from_endpoint = true;
  FlowState state = FlowState::syn_held;
  // Negotiated
  bool timestamps = false;
  bool sack = false;
  bool scaled = false;
  std::uint32_t timestamp_offset = 0;

  std::unique_ptr<Stream> stream;  // null in TIME-WAIT
  bool stream_failed = false;      // a call failed: reset the endpoint once the rest is delivered

  ReceiveSide receive;
  SendSide send;

  // Deadlines; the timer stands at the earliest of them or before.
  Timer timer;
  Instant retransmit_at = kNever;  // SYN, text, FIN or window probe
  Instant loss_check_at = kNever;  // RFC 8985: what was passed by is lost, or the tail is probed
  Instant room_poll_at = kNever;   // look at the host's room, or for a free frame, again
  Instant idle_since{};            // the endpoint was last heard, or the state began
  std::uint8_t room_polls = 0;

  // Work list, see work_list.h.
  Flow* work_next = nullptr;
  Flow* work_previous = nullptr;
  bool work_queued = false;

  FlowKey key() const noexcept {
    return from_endpoint ? FlowKey{endpoint, far} : FlowKey{far, endpoint};
  }
  std::uint32_t in_flight() const noexcept {
    return static_cast<std::uint32_t>(send.next - send.unacknowledged);
  }
  // Where our FIN stands; SND.NXT while there is none.
  wire::TcpSequence text_end() const noexcept { return send.end_sent ? send.next - 1U : send.next; }

  void on_ready() noexcept override { events.on_stream_ready(*this); }
  void on_timer(Instant now) noexcept { events.on_flow_timer(*this, now); }
};

}  // namespace pontoon::stack::tcp
