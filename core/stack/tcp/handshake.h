// How flows begin. An endpoint's SYN is held until the host's connect has succeeded, so that what
// the endpoint sees is the truth: SYN-ACK, RST, or the ICMP error that says why not. Toward an
// endpoint we are an ordinary active opener.
#pragma once

#include <optional>

#include "core/stack/tcp/sender.h"

namespace pontoon::stack::tcp {

class Handshake {
 public:
  Handshake(Core& core, SegmentWriter& writer, Sender& sender) noexcept
      : core_(core), writer_(writer), sender_(sender) {}

  // A SYN from an endpoint for a pair without a flow. `after`: our sequence numbers of an earlier
  // incarnation, which the new ones must exceed.
  void accept(const SocketAddress& endpoint, const SocketAddress& far, const Segment& syn,
              std::optional<wire::TcpSequence> after, Instant now) noexcept;
  // The stream of a held SYN may have connected or failed. False: the flow has gone.
  bool follow_connect(Flow& flow, Instant now) noexcept;
  // Anything that comes while the SYN is held.
  void on_segment_while_held(Flow& flow, const Segment& segment, Instant now) noexcept;

  // See TcpEngine::open(); the pair must have no flow.
  bool open(const FlowKey& key, std::unique_ptr<Stream> stream,
            std::optional<wire::TcpSequence> after, Instant now) noexcept;
  // RFC 9293 3.10.7.3: the answer to our SYN.
  void on_answer(Flow& flow, const Segment& segment, Instant now) noexcept;

  // The endpoint has acknowledged our SYN.
  void establish(Flow& flow, const Segment& segment, Instant now) noexcept;
  // Our SYN was not answered in time. False: it is given up, the flow has gone.
  bool on_timeout(Flow& flow, Instant now) noexcept;
  // An endpoint, or the path to it, refuses our SYN.
  void refused(Flow& flow) noexcept;

 private:
  void prepare(Flow& flow, std::optional<wire::TcpSequence> after, Instant now) noexcept;
  void take_syn(Flow& flow, const Segment& syn) noexcept;
  void send_syn(Flow& flow, FlowState state, Instant now) noexcept;
  void refuse(const SocketAddress& endpoint, const SocketAddress& far, const Segment& syn,
              TcpRefusal reason, Instant now) noexcept;
  void tell_unreachable(const FlowKey& key, wire::TcpSequence sequence, Unreachable reason,
                        Instant now) noexcept;

  Core& core_;
  SegmentWriter& writer_;
  Sender& sender_;
};

}  // namespace pontoon::stack::tcp
