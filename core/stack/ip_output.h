// From transport to wire: IP and Ethernet headers are prepended in the frame's headroom, checksums
// are left to the port that needs them (Offload), and what is too long for the MTU leaves as a
// super-frame (TCP) or in fragments (everything else).
//
// Identification: what is not fragmented carries DF and 0 (RFC 6864 4.1: an atomic datagram's may
// be anything); fragments draw from IdentificationSource.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/drop.h"
#include "core/link/port.h"
#include "core/stack/addresses.h"
#include "core/stack/frame_ring.h"
#include "core/stack/identification.h"
#include "core/stack/neighbours.h"
#include "core/stack/types.h"
#include "core/wire/ethernet.h"
#include "core/wire/ip_protocol.h"

namespace pontoon::stack {

struct Route {
  IpAddress source;
  IpAddress target;
  std::optional<MacAddress> link;  // known to the caller; else the neighbour cache is asked
  std::uint8_t hop_limit = 64;
};

// Who learns of packets whose next hop did not answer.
class UnresolvedSink {
 public:
  virtual ~UnresolvedSink() = default;
  // Begins with its IP header; counted already.
  virtual void on_unresolved_packet(ByteView packet, Instant now) noexcept = 0;
};

class IpOutput final : public NeighbourOutput {
 public:
  IpOutput(const Addresses& addresses, std::uint16_t mtu, const StackContext& context,
           DropCounters& drops, UnresolvedSink& unresolved);

  NeighbourCache& neighbours() noexcept { return neighbours_; }
  FrameRing& queue() noexcept { return queue_; }
  std::uint16_t mtu() const noexcept { return mtu_; }
  void set_ready_sink(ReadySink* sink) noexcept { ready_sink_ = sink; }

  // An empty frame with room for `size` bytes behind the headroom; null, and the drop counted, when
  // there is none.
  FrameRef allocate(std::size_t size) noexcept;

  // All of these say false when the packet was dropped and counted at once.
  // `transport`: a header, with its checksum, and payload; unshared. Goes in fragments when it
  // must.
  bool send(const Route& route, wire::IpProtocol protocol, FrameRef transport,
            Instant now) noexcept;
  bool send_udp(const Route& route, std::uint16_t source_port, std::uint16_t target_port,
                ByteView payload, Instant now) noexcept;
  // See SegmentOutput.
  bool send_tcp(const Route& route, FrameRef segment, std::uint16_t segment_size,
                Instant now) noexcept;
  // An ARP packet, or anything else that begins behind the Ethernet header.
  bool send_frame(const MacAddress& mac, wire::EtherType type, FrameRef frame) noexcept;

  void ask_neighbour(const IpAddress& address, const std::optional<MacAddress>& known,
                     Instant now) noexcept override;
  void send_to_link(const MacAddress& mac, FrameRef packet, Instant now) noexcept override;
  void on_unresolved(FrameRef packet, Instant now) noexcept override;

 private:
  bool drop(DropReason reason) noexcept;
  bool send_packet(const Route& route, FrameRef packet, Instant now) noexcept;
  bool send_fragments(const Route& route, wire::IpProtocol protocol, ByteView header, ByteView body,
                      Instant now) noexcept;
  void ask_by_arp(Ipv4Address address, const std::optional<MacAddress>& known) noexcept;

  const Addresses& addresses_;
  std::uint16_t mtu_;
  FramePool& pool_;
  DropCounters& drops_;
  UnresolvedSink& unresolved_;
  IdentificationSource identifications_;
  NeighbourCache neighbours_;
  FrameRing queue_;
  ReadySink* ready_sink_ = nullptr;
};

}  // namespace pontoon::stack
