// What the gateway hands up to those who serve or forward, and what they hand back.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/base/random.h"
#include "core/base/time.h"
#include "core/base/timer_queue.h"
#include "core/frame/frame.h"

namespace pontoon::stack {

// Both ends of a flow. `initiator` sent the first packet, `target` is whom it wanted.
struct FlowKey {
  SocketAddress initiator;
  SocketAddress target;
  friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

// What every engine of one network shares.
struct StackContext {
  FramePool& pool;
  TimerQueue& timers;
  Random& random;
};

// A UDP datagram from an endpoint. Views are valid during the call only.
struct UdpDatagram {
  MacAddress source_mac;
  SocketAddress source;
  SocketAddress target;
  std::uint8_t hop_limit = 64;
  // Not zero: `payload` is a train of datagrams of this many bytes each, the last possibly shorter
  // (USO).
  std::uint16_t segment_size = 0;
  ByteView payload;
};

// What a service's port hears: datagrams to the gateway's own addresses, or also those to everybody
// on the link. An answer to those would carry a source that no packet may have (RFC 1122 3.2.1.3).
enum class UdpReach : std::uint8_t { own, link };

class UdpHandler {
 public:
  virtual ~UdpHandler() = default;
  virtual void on_datagram(const UdpDatagram& datagram, Instant now) noexcept = 0;
};

// An ICMP or ICMPv6 echo request from an endpoint to somebody who is not the gateway.
struct EchoRequest {
  MacAddress source_mac;
  IpAddress source;
  IpAddress target;
  std::uint8_t hop_limit = 64;
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  ByteView payload;  // after the 8-byte header
};

class EchoHandler {
 public:
  virtual ~EchoHandler() = default;
  virtual void on_echo_request(const EchoRequest& request, Instant now) noexcept = 0;
};

// The truths that can be told with ICMP; mapped to type and code per family (RFC 792, 1122 3.2.2.1,
// RFC 4443).
enum class Unreachable : std::uint8_t {
  network,
  host,
  port,
  too_big,  // carries the MTU
  prohibited,
  time_exceeded,
};

// An ICMP error about a packet that an endpoint had sent: the quoted IP and transport headers are
// rebuilt from these fields.
struct IcmpErrorSpec {
  Unreachable reason = Unreachable::port;
  enum class Quoted : std::uint8_t { tcp, udp, echo } quoted = Quoted::udp;
  // initiator: the endpoint, which gets the error; for echo its port is the identifier.
  FlowKey flow;
  std::optional<IpAddress> reporter;  // shown as the sender; the gateway when absent
  std::uint32_t mtu = 0;
  std::uint32_t tcp_sequence = 0;
  std::uint16_t echo_sequence = 0;
  ByteView payload;  // as much of the offending payload as is known
};

}  // namespace pontoon::stack
