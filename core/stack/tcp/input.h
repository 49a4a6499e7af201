// A segment for a flow that has left LISTEN and SYN-SENT behind, checked in the order of RFC 9293
// 3.10.7.4: sequence, RST, SYN, ACK, text, FIN. Each step says whether the next one may follow;
// after a `false` the flow may have gone.
#pragma once

#include "core/stack/tcp/handshake.h"
#include "core/stack/tcp/receiver.h"

namespace pontoon::stack::tcp {

class Input {
 public:
  Input(Core& core, SegmentWriter& writer, Handshake& handshake, Sender& sender,
        Receiver& receiver) noexcept
      : core_(core), writer_(writer), handshake_(handshake), sender_(sender), receiver_(receiver) {}

  void process(Flow& flow, const Segment& segment, Instant now) noexcept;

 private:
  bool check_sequence(Flow& flow, const Segment& segment, Instant now) noexcept;
  bool check_timestamp(Flow& flow, const Segment& segment, Instant now) noexcept;
  bool check_reset(Flow& flow, const Segment& segment, Instant now) noexcept;
  bool check_syn(Flow& flow, const Segment& segment, Instant now) noexcept;
  bool process_ack(Flow& flow, const Segment& segment, Instant now) noexcept;
  bool check_ack(Flow& flow, const Segment& segment, Instant now) noexcept;
  bool after_our_end(Flow& flow, Instant now) noexcept;
  void process_text_and_fin(Flow& flow, const Segment& segment, Instant now) noexcept;
  void answer_unacceptable(Flow& flow, const Segment& segment, Instant now) noexcept;

  Core& core_;
  SegmentWriter& writer_;
  Handshake& handshake_;
  Sender& sender_;
  Receiver& receiver_;
};

}  // namespace pontoon::stack::tcp
