// The TCP translator: every TCP connection of an endpoint is one flow between the endpoint
// (segments on the virtual side) and a Stream (the host side). Theory of operation:
// core/stack/tcp/README.md.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/drop.h"
#include "core/base/result.h"
#include "core/socket/stream.h"
#include "core/stack/types.h"
#include "core/wire/tcp.h"

namespace pontoon::stack {

// Why a SYN is not followed by a connection, and what the endpoint sees of it.
enum class TcpRefusal : std::uint8_t {
  refused,              // RST
  prohibited,           // ICMP administratively prohibited
  host_unreachable,     // ICMP
  network_unreachable,  // ICMP
  busy,                 // nothing: the endpoint retries its SYN
};

// Decides what becomes of a SYN from an endpoint.
class TcpForwarder {
 public:
  virtual ~TcpForwarder() = default;
  virtual Result<std::unique_ptr<Stream>, TcpRefusal> open(const FlowKey& flow,
                                                           Instant now) noexcept = 0;
};

// How the engine's segments reach endpoints; the gateway's IP layer implements it.
class SegmentOutput {
 public:
  virtual ~SegmentOutput() = default;
  // `frame` holds the TCP header and payload only (headroom suffices for IP and Ethernet), its
  // checksum not filled in. With segment_size > 0 it is a super-segment to be cut into pieces of
  // that many payload bytes.
  virtual bool send_segment(const IpAddress& source, const IpAddress& target, FrameRef frame,
                            std::uint16_t segment_size, Instant now) noexcept = 0;
  virtual void send_icmp_error(const IcmpErrorSpec& error, Instant now) noexcept = 0;
  // The largest IP packet toward `target`.
  virtual std::uint16_t mtu_to(const IpAddress& target) const noexcept = 0;
};

struct TcpFlowInfo {
  FlowKey flow;
  const char* state = "";  // RFC 9293 3.3.2
  bool from_endpoint = true;
  std::uint64_t bytes_to_host = 0;
  std::uint64_t bytes_to_endpoint = 0;
};

struct TcpCounters {
  std::uint64_t opened = 0;
  std::uint64_t refused = 0;
  std::uint64_t closed = 0;
  std::uint64_t reset = 0;
  std::uint64_t timed_out = 0;
  std::uint64_t retransmitted_segments = 0;
  std::uint64_t out_of_order_segments = 0;
  std::uint64_t challenge_acks = 0;
};

class TcpEngine {
 public:
  TcpEngine(const StackContext& context, SegmentOutput& output, DropCounters& drops);
  ~TcpEngine();

  void set_forwarder(TcpForwarder* forwarder) noexcept;

  // A TCP segment from an endpoint: header and payload with a verified checksum (or one that never
  // needs it). A gso super-segment arrives whole.
  void on_segment(const IpAddress& source, const IpAddress& target, const wire::TcpView& segment,
                  Instant now) noexcept;
  // An ICMP error that quotes one of our segments: flow.initiator is our side's address as the
  // endpoint sees it.
  void on_icmp_error(const FlowKey& flow, Unreachable reason, std::uint32_t mtu,
                     Instant now) noexcept;

  // Opens a connection to an endpoint on behalf of a client whose accepted stream this is
  // (published ports). The endpoint sees flow.initiator as its peer. If the endpoint refuses or
  // does not answer, the stream is aborted. False (and the stream aborted) when the flow exists
  // already or a limit is reached.
  bool open(const FlowKey& flow, std::unique_ptr<Stream> stream, Instant now) noexcept;

  // Resets every flow of an endpoint that has gone: streams are aborted, nothing is sent to the
  // endpoint.
  void drop_endpoint(const IpAddress& endpoint) noexcept;

  // Works off flows whose streams became ready, a bounded number.
  void pump(Instant now) noexcept;
  bool has_work() const noexcept;

  std::size_t flow_count() const noexcept;
  // Whether open(flow) would fail because a connection between these two exists already.
  bool has_flow(const FlowKey& flow) const noexcept;
  std::vector<TcpFlowInfo> flows() const;
  const TcpCounters& counters() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::stack
