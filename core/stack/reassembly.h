// Reassembly of IPv4 (RFC 791 3.2, RFC 815's job) and IPv6 (RFC 8200 4.5) fragments.
//
// Each piece is copied once, to its place in a pooled frame that becomes the whole packet. Pieces
// never overlap: RFC 5722 asks for it of IPv6 and nothing honest does it over IPv4. A datagram that
// breaks a rule is given up as a whole and remembered as dead until its time is over, so that its
// later pieces cannot begin it anew; an exact duplicate of one piece only loses the duplicate.
//
// Memory: kReassemblies datagrams, kReassembliesPerSource of one source, kFragmentsPerDatagram
// pieces each. At either bound the oldest one (of that source, or of all) makes room: under loss
// the unfinished ones are garbage more often than the new one is. Each fragment is counted once.
#pragma once

#include <array>
#include <memory>

#include "core/base/address.h"
#include "core/base/drop.h"
#include "core/base/timer_queue.h"
#include "core/frame/frame.h"

namespace pontoon::stack {

struct DatagramKey {
  IpAddress source;
  IpAddress target;
  std::uint32_t identification = 0;
  std::uint8_t protocol = 0;  // IPv4 only: RFC 8200 leaves it out
  friend bool operator==(const DatagramKey&, const DatagramKey&) = default;
};

struct Fragment {
  DatagramKey key;
  std::uint32_t offset = 0;  // in bytes, a multiple of 8
  bool more = false;
  ByteView data;
  // Kept of the piece at offset 0: the Ethernet header, the IPv4 header with its options or the
  // fixed IPv6 header, and the protocol of what was cut.
  ByteView link_header;
  ByteView ip_header;
  std::uint8_t protocol = 0;
};

class ReassemblyOutput {
 public:
  virtual ~ReassemblyOutput() = default;
  // `first` is the Ethernet frame of the datagram's first piece, its drop counted already.
  virtual void on_reassembly_timeout(FrameRef first, Instant now) noexcept = 0;
};

class Reassembly {
 public:
  Reassembly(FramePool& pool, TimerQueue& timers, ReassemblyOutput& output, DropCounters& drops);

  // The whole Ethernet frame when this piece was the last one missing, its IP header rewritten for
  // it; null when the piece is held, or was dropped and counted.
  FrameRef add(const Fragment& fragment, Instant now) noexcept;

  std::size_t size() const noexcept;

 private:
  static constexpr std::size_t kMaxLinkHeader = 14;
  static constexpr std::size_t kMaxIpHeader = 60;

  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  enum class State : std::uint8_t { unused, collecting, dead };

  struct Datagram {
    State state = State::unused;
    DatagramKey key;
    Instant deadline{};
    std::uint64_t order = 0;
    DropReason death = DropReason::fragment_overlap;
    FrameRef frame;              // the payload, each piece in its place
    std::uint32_t received = 0;  // bytes
    std::uint32_t length = 0;    // once `ended`
    bool ended = false;          // the last piece is there
    std::uint8_t range_count = 0;
    std::array<Range, limits::kFragmentsPerDatagram> ranges;  // ascending, disjoint
    std::uint8_t link_header_size = 0;
    std::uint8_t ip_header_size = 0;  // 0 until the first piece is there
    std::uint8_t protocol = 0;
    std::array<std::uint8_t, kMaxLinkHeader> link_header{};
    std::array<std::uint8_t, kMaxIpHeader> ip_header{};
  };

  enum class Fit : std::uint8_t { fits, duplicate, overlaps };

  Datagram* find(const DatagramKey& key) noexcept;
  Datagram* begin(const Fragment& fragment, Instant now) noexcept;
  Datagram& make_room(const IpAddress& source) noexcept;
  Fit fit(const Datagram& datagram, const Fragment& fragment, std::size_t& position) noexcept;
  bool accept_end(Datagram& datagram, const Fragment& fragment) noexcept;
  void place(Datagram& datagram, const Fragment& fragment, std::size_t position) noexcept;
  void keep_headers(Datagram& datagram, const Fragment& fragment) noexcept;
  FrameRef finish(Datagram& datagram, std::uint32_t payload) noexcept;
  void kill(Datagram& datagram, DropReason reason) noexcept;
  void release(Datagram& datagram) noexcept;
  void on_timer(Instant now) noexcept;
  void arm() noexcept;

  FramePool& pool_;
  TimerQueue& timers_;
  ReassemblyOutput& output_;
  DropCounters& drops_;
  std::unique_ptr<std::array<Datagram, limits::kReassemblies>> datagrams_;
  std::uint64_t next_order_ = 0;
  Timer timer_{Timer::bind<&Reassembly::on_timer>(*this)};
};

}  // namespace pontoon::stack
