// The inside of the gateway. Its input side is spread over arp.cpp, ndp.cpp, ip_input.cpp, icmp.cpp
// and udp.cpp, in the order in which a packet meets them.
#pragma once

#include <array>
#include <vector>

#include "core/stack/gateway.h"
#include "core/stack/icmp_output.h"
#include "core/stack/reassembly.h"
#include "core/stack/tcp/engine.h"
#include "core/wire/icmp.h"
#include "core/wire/icmpv6.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"

namespace pontoon::stack {

// A whole IP packet from an endpoint, validated up to its transport header.
struct Packet {
  MacAddress source_mac;
  bool to_group = false;  // broadcast or multicast on the link
  IpAddress source;
  IpAddress target;
  SourceKind source_kind = SourceKind::martian;
  TargetKind target_kind = TargetKind::martian;
  wire::IpProtocol protocol{};
  std::uint8_t hop_limit = 0;
  bool reassembled = false;
  bool checksum_trusted = false;
  std::uint16_t udp_segment_size = 0;
  ByteView whole;      // from the IP header on
  ByteView transport;  // behind all IP headers

  bool to_many() const noexcept {
    return target_kind == TargetKind::broadcast || target_kind == TargetKind::multicast;
  }
};

class Gateway::Impl final : public SegmentOutput, public UnresolvedSink, public ReassemblyOutput {
 public:
  Impl(const GatewayConfig& config, const StackContext& context);

  void enqueue(FrameRef frame, Instant now) noexcept;
  std::size_t dequeue(std::span<FrameRef> out) noexcept;
  void run(Instant now) noexcept;
  void bind_udp(std::uint16_t port, UdpHandler& handler, UdpReach reach);
  bool send_udp(const std::optional<MacAddress>& link, const SocketAddress& source,
                const SocketAddress& target, ByteView payload, Instant now) noexcept;

  bool send_segment(const IpAddress& source, const IpAddress& target, FrameRef frame,
                    std::uint16_t segment_size, Instant now) noexcept override;
  void send_icmp_error(const IcmpErrorSpec& error, Instant now) noexcept override;
  std::uint16_t mtu_to(const IpAddress& target) const noexcept override;
  void on_unresolved_packet(ByteView packet, Instant now) noexcept override;
  void on_reassembly_timeout(FrameRef first, Instant now) noexcept override;

  void set_drop_observer(FrameObserver* observer, std::uint32_t tag) noexcept;
  void watch_drops(const DropCounters& watched);

  const GatewayConfig config;
  PortCounters counters;
  UdpHandler* udp_forwarder = nullptr;
  EchoHandler* echo_forwarder = nullptr;

 private:
  struct UdpService {
    std::uint16_t port = 0;
    UdpHandler* handler = nullptr;
    UdpReach reach = UdpReach::own;
  };
  // What a frame is handed on with.
  struct Link {
    wire::EthernetView ethernet;
    const Offload& offload;
    bool reassembled = false;
  };

  struct Watched {
    const DropCounters* drops;
    std::uint64_t seen;  // their total at the last look
  };

  void forget_earlier_drops() noexcept;
  void report_drop(const FrameRef& frame, Instant now) noexcept;
  void drop(DropReason reason) noexcept { counters.drops.count(reason); }

  void on_frame(const Frame& frame, bool reassembled, Instant now) noexcept;
  void on_arp(const wire::EthernetView& frame, Instant now) noexcept;
  void send_arp_reply(const MacAddress& mac, Ipv4Address ip, Ipv4Address whose) noexcept;

  void on_ipv4(const Link& link, Instant now) noexcept;
  void on_ipv6(const Link& link, Instant now) noexcept;
  Packet describe(const Link& link, const IpAddress& source,
                  const IpAddress& target) const noexcept;
  std::optional<DropReason> judge(const Packet& packet) const noexcept;
  bool joined(const IpAddress& group) const noexcept;
  bool expire(const Packet& packet, bool first_piece, Instant now) noexcept;
  void on_ipv4_fragment(const Link& link, const wire::Ipv4View& view, Instant now) noexcept;
  void on_ipv6_fragment(const Link& link, const wire::Ipv6View& view, const wire::Ipv6Chain& chain,
                        Instant now) noexcept;
  void reassemble(const Fragment& fragment, Instant now) noexcept;
  void deliver(const Packet& packet, Instant now) noexcept;
  void refuse_protocol(const Packet& packet, Instant now) noexcept;
  void complain(const Packet& packet, const IcmpMessage& message, Instant now) noexcept;

  void on_icmp(const Packet& packet, Instant now) noexcept;
  void on_icmpv6(const Packet& packet, Instant now) noexcept;
  void on_echo_request(const Packet& packet, std::uint16_t identifier, std::uint16_t sequence,
                       ByteView payload, Instant now) noexcept;
  void on_icmp_error(const Packet& packet, const IcmpMessage& message, ByteView quoted,
                     Instant now) noexcept;
  void on_solicitation(const Packet& packet, Instant now) noexcept;
  void send_advertisement(const IpAddress& to, const MacAddress& mac, const Ipv6Address& whose,
                          bool solicited, Instant now) noexcept;
  void on_advertisement(const Packet& packet, Instant now) noexcept;

  void on_tcp(const Packet& packet, Instant now) noexcept;
  void on_udp(const Packet& packet, Instant now) noexcept;
  void on_udp_to_many(const Packet& packet, const UdpDatagram& datagram, Instant now) noexcept;
  // With `reach` link only those that are bound so.
  UdpHandler* find_service(std::uint16_t port, UdpReach reach) const noexcept;

  Addresses addresses_;
  FrameRing input_;
  FrameObserver* drop_observer_ = nullptr;
  std::uint32_t drop_tag_ = 0;
  std::vector<Watched> watched_;

 public:
  IpOutput output;
  IcmpOutput icmp;

 private:
  Reassembly reassembly_;
  std::array<UdpService, limits::kUdpServices> services_{};
  std::size_t service_count_ = 0;

 public:
  // Last: it may send from its destructor.
  TcpEngine tcp;

  bool has_input() const noexcept { return !input_.empty(); }
};

}  // namespace pontoon::stack
