// The gateway: a small host and router that hangs on the switch as just another port. It answers
// ARP, ND and echo for its own addresses, reassembles, validates, and hands transport payloads up:
// UDP to services bound on a port or to the forwarder, TCP to the engine, foreign echo requests to
// the echo forwarder.
//
//   switch --send()--> [input queue] --run()--> IP -> UDP/TCP/ICMP -> handlers
//   switch <-receive()-- [output queue] <-- send_udp(), TCP engine, ICMP, ARP
//
// Everything it sends to an endpoint goes through the neighbour cache; at most kNeighbourQueue
// packets wait for a resolution. What a container sends is hostile: each discarded packet counts
// one DropReason in counters().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/link/observer.h"
#include "core/link/port.h"
#include "core/stack/types.h"

namespace pontoon::stack {

class TcpEngine;

struct GatewayConfig {
  MacAddress mac;
  IpPrefix ipv4;  // the gateway's own address with the network's length: 172.17.0.1/16
  std::optional<IpPrefix> ipv6;  // likewise; the link-local address is always there
  std::uint16_t mtu = 1500;
};

class Gateway final : public Port {
 public:
  Gateway(const GatewayConfig& config, const StackContext& context);
  ~Gateway() override;

  const GatewayConfig& config() const noexcept;
  TcpEngine& tcp() noexcept;

  // Services at the gateway's own addresses; with UdpReach::link also at broadcast and multicast
  // addresses of the link, from any source including 0.0.0.0: DHCP. One handler per port.
  void bind_udp(std::uint16_t port, UdpHandler& handler, UdpReach reach = UdpReach::own);
  // Unicast to anywhere that is not bound above, the gateway's own addresses included: the
  // forwarder decides.
  void set_udp_forwarder(UdpHandler* handler) noexcept;
  void set_echo_forwarder(EchoHandler* handler) noexcept;

  // To an endpoint. False when it was dropped and counted. Fragments what exceeds the MTU.
  bool send_udp(const SocketAddress& source, const SocketAddress& target, ByteView payload,
                Instant now) noexcept;
  // To a link address that the caller knows, without ARP (RFC 2131 4.1: a client without an
  // address).
  bool send_udp_to_link(const MacAddress& link, const SocketAddress& source,
                        const SocketAddress& target, ByteView payload, Instant now) noexcept;
  bool send_echo_reply(const EchoRequest& about, ByteView payload, Instant now) noexcept;
  bool send_icmp_error(const IcmpErrorSpec& error, Instant now) noexcept;

  // Seeds the neighbour cache (endpoints whose addresses we handed out), or forgets one.
  void learn_neighbour(const IpAddress& address, const MacAddress& mac, Instant now);
  void forget_neighbour(const IpAddress& address) noexcept;

  // Steps 3 and 5 of the turn. run() works off what send() queued; pump() moves bytes of flows that
  // became ready. Both are bounded; has_work() says that another turn is due at once.
  void run(Instant now) noexcept;
  void pump(Instant now) noexcept;
  bool has_work() const noexcept;

  // Told of every frame that was addressed to the gateway and led to a drop, here or in a handler
  // whose counters are watched (they must be there whenever run() is called). Null: nobody is told.
  void set_drop_observer(FrameObserver* observer, std::uint32_t tag) noexcept;
  void watch_drops(const DropCounters& watched);

  // Port, as the switch sees it.
  std::size_t receive(std::span<FrameRef> out, Instant now) noexcept override;
  void send(FrameRef frame, Instant now) noexcept override;
  void flush(Instant now) noexcept override;
  PortFeatures features() const noexcept override;
  bool open() const noexcept override;
  const PortCounters& counters() const noexcept override;
  void set_ready_sink(ReadySink* sink) noexcept override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::stack
