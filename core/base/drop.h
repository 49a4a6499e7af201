// Why a frame (or a datagram, or a segment) went no further. A dropped frame increments exactly one
// reason; the names appear in `pontoon inspect` and in captures.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/marks.h"

namespace pontoon {

// X(name, what it means)
#define PONTOON_DROP_REASONS(X)                                              \
  X(malformed_ethernet, "shorter than an Ethernet header or a bad length")   \
  X(malformed_offload, "offload metadata that disagrees with the frame")     \
  X(guard_source_mac, "source MAC is not the port's own")                    \
  X(guard_source_ip, "source IP is not the port's own")                      \
  X(guard_arp, "ARP or neighbour message that claims another's address")     \
  X(guard_service, "server message (DHCP, RA) from an endpoint")             \
  X(guard_ethertype, "EtherType that the guard does not let through")        \
  X(reserved_multicast, "link-local multicast that a bridge never forwards") \
  X(storm_limit, "broadcast or multicast beyond the port's rate")            \
  X(no_destination_port, "nobody but the sender to forward to")              \
  X(port_closed, "the destination port has gone")                            \
  X(port_queue_full, "the destination port's queue is full")                 \
  X(pool_exhausted, "no free frame")                                         \
  X(too_big, "longer than the port takes")                                   \
  X(impaired, "lost on purpose, by `pontoon impair`")                        \
  X(link_not_ours, "flooded frame for another station's MAC")                \
  X(link_protocol, "EtherType that the gateway does not speak")              \
  X(malformed_arp, "not a valid ARP packet")                                 \
  X(malformed_ip, "not a valid IPv4 or IPv6 packet")                         \
  X(ip_checksum, "IPv4 header checksum is wrong")                            \
  X(ip_martian, "source or destination that must not appear on a wire")      \
  X(ip_not_ours, "addressed to us on the link but not routable by us")       \
  X(ip_ttl_expired, "TTL or hop limit reached zero")                         \
  X(ip_options, "IPv4 options or extension headers that we refuse")          \
  X(ip_protocol, "transport protocol that we do not carry")                  \
  X(fragment_malformed, "fragment with bad offset or length")                \
  X(fragment_overlap, "overlapping fragments: the whole datagram goes")      \
  X(fragment_duplicate, "fragment that is held already, byte for byte")      \
  X(fragment_timeout, "not all fragments came in time")                      \
  X(fragment_limit, "reassembly limits reached")                             \
  X(malformed_icmp, "not a valid ICMP message")                              \
  X(icmp_unhandled, "ICMP message that we do not act on")                    \
  X(icmp_limit, "ICMP error held back by the rate limit")                    \
  X(malformed_ndp, "neighbour discovery message that fails RFC 4861 checks") \
  X(malformed_udp, "not a valid UDP datagram")                               \
  X(udp_checksum, "UDP checksum is wrong")                                   \
  X(udp_no_flow, "no flow and no service for it")                            \
  X(udp_unsolicited, "from a peer that the endpoint has not contacted")      \
  X(malformed_tcp, "not a valid TCP segment")                                \
  X(tcp_checksum, "TCP checksum is wrong")                                   \
  X(tcp_out_of_window, "segment outside the window")                         \
  X(tcp_no_flow, "segment for no connection")                                \
  X(tcp_bad_ack, "acknowledges what was never sent")                         \
  X(tcp_out_of_order_full, "out-of-order hold is full")                      \
  X(tcp_host_full, "the host socket took less than the segment holds")       \
  X(tcp_after_end, "text after the FIN or for a host that has gone")         \
  X(neighbour_unresolved, "the next hop did not answer ARP or ND")           \
  X(neighbour_queue_full, "too many packets wait for ARP or ND")             \
  X(flow_limit, "flow table is full")                                        \
  X(policy_denied, "egress policy forbids it")                               \
  X(host_refused, "the host's kernel refused to send it")                    \
  X(multicast_not_routed, "multicast and broadcast stay on the bridge")      \
  X(dhcp_malformed, "not a valid DHCP message")                              \
  X(dhcp_not_ours, "DHCP message that we must not answer")                   \
  X(dhcp_no_address, "no address free, or the client holds its share")       \
  X(dhcp_not_durable, "the lease could not be written to disk")              \
  X(dns_malformed, "not a DNS query")

enum class DropReason : std::uint8_t {
#define X(name, text) name,
  PONTOON_DROP_REASONS(X)
#undef X
};

constexpr std::size_t kDropReasonCount = 0
#define X(name, text) +1
    PONTOON_DROP_REASONS(X)
#undef X
    ;

std::string_view to_string(DropReason reason) noexcept;  // "guard_source_mac"
std::string_view describe(DropReason reason) noexcept;   // "source MAC is not the port's own"

class DropCounters {
 public:
  void count(DropReason reason, std::uint64_t frames = 1) noexcept {
    marks::note(reason);
    counts_[static_cast<std::size_t>(reason)] += frames;
    total_ += frames;
    last_ = reason;
  }
  void add(const DropCounters& others) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      counts_[i] += others.counts_[i];
    total_ += others.total_;
  }
  std::uint64_t operator[](DropReason reason) const noexcept {
    return counts_[static_cast<std::size_t>(reason)];
  }
  std::uint64_t total() const noexcept { return total_; }
  // The one that was counted last: of the frame for which total() has just grown.
  DropReason last() const noexcept { return last_; }

 private:
  std::array<std::uint64_t, kDropReasonCount> counts_{};
  std::uint64_t total_ = 0;
  DropReason last_{};
};

}  // namespace pontoon
