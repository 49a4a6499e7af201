// Which frames a capture keeps: the part of pcap-filter(7) that people type, plus endpoint names.
//
//   arp | ip | ip6 | icmp | icmp6 | tcp | udp
//   [src|dst] host ADDRESS|NAME   [src|dst] net PREFIX   [src|dst] port N   [src|dst] portrange A-B
//   ether [src|dst] host MAC      less N   greater N     dropped
//   not (!)   and (&&)   or (||)   ( )
//
// A protocol may stand in front of host, net, port and portrange: "tcp dst port 80". `src` and
// `dst` alone mean a host. An ARP packet has its sender's and target's address. VLAN tags are
// looked through. Lengths are the frame's on the wire, and both ends of less and greater count.
//
// `not` binds closest, then `and`, then `or`. Two primitives without an operator between them are
// an error, as in pcap-filter. Frames are what endpoints send: fragments and garbage match what
// their headers show and nothing else; matching never fails.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/base/result.h"

namespace pontoon::capture {

// Endpoint names to addresses, for `host web`.
class NameLookup {
 public:
  virtual ~NameLookup() = default;
  virtual std::vector<IpAddress> addresses_of(std::string_view name) const = 0;
};

class Filter {
 public:
  Filter();  // keeps everything
  ~Filter();
  Filter(Filter&&) noexcept;
  Filter& operator=(Filter&&) noexcept;

  // The error shows the place: `near "prot": ...; see FILTERS in pontoon(1)`.
  static Result<Filter> parse(std::string_view text, const NameLookup& names);

  // An Ethernet frame, possibly cut; `dropped` as the switch or the gateway judged it.
  bool matches(ByteView frame, std::size_t original_length, bool dropped) const noexcept;

 private:
  struct Program;
  std::unique_ptr<Program> program_;
};

}  // namespace pontoon::capture
