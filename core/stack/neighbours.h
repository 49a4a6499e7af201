// The neighbour cache: which MAC an address of the link has, for ARP and neighbour discovery alike,
// and the packets that wait to learn it.
//
// States are those of RFC 4861 7.3.2, cut down to what a gateway needs:
//
//   (none) --send--> incomplete --answer--> reachable --kNeighbourReachable--> stale
//   stale --send--> probe --answer--> reachable        incomplete, probe --no answer--> (none)
//
// Deviation: there is no DELAY state. The first packet after the reachable time goes out at once
// together with a unicast probe; that costs one small frame a minute and needs no hints from TCP.
//
// Memory: kNeighbours entries, each with at most kNeighbourQueue waiting packets; a full table
// gives up its least recently used entry. One timer per entry, armed in incomplete and probe only.
#pragma once

#include <array>
#include <optional>
#include <unordered_map>

#include "core/base/address.h"
#include "core/base/drop.h"
#include "core/base/timer_queue.h"
#include "core/frame/frame.h"

namespace pontoon::stack {

// What the cache makes its owner do.
class NeighbourOutput {
 public:
  virtual ~NeighbourOutput() = default;
  // Ask for the owner of `address`: on the whole link, or only the station that is known.
  virtual void ask_neighbour(const IpAddress& address, const std::optional<MacAddress>& known,
                             Instant now) noexcept = 0;
  // `packet` begins with its IP header.
  virtual void send_to_link(const MacAddress& mac, FrameRef packet, Instant now) noexcept = 0;
  // Nobody answered. The drop is counted already.
  virtual void on_unresolved(FrameRef packet, Instant now) noexcept = 0;
};

enum class NeighbourState : std::uint8_t { incomplete, reachable, stale, probe };

// An answer: an ARP reply to us, or a neighbour advertisement (RFC 4861 7.2.5).
struct NeighbourAnswer {
  std::optional<MacAddress> mac;
  bool solicited = true;
  bool override_known = true;
};

class NeighbourCache {
 public:
  NeighbourCache(TimerQueue& timers, NeighbourOutput& output, DropCounters& drops) noexcept
      : timers_(timers), output_(output), drops_(drops) {}
  NeighbourCache(const NeighbourCache&) = delete;
  NeighbourCache& operator=(const NeighbourCache&) = delete;

  // Sends now, or when the address is known; false when the packet was dropped and counted at once.
  bool send(const IpAddress& address, FrameRef packet, Instant now) noexcept;

  // It asked for us and so told its MAC: creates or updates (RFC 826, RFC 4861 7.2.3).
  void on_question(const IpAddress& address, const MacAddress& mac, Instant now) noexcept;
  // It told its MAC to somebody else: updates what is there, never creates.
  void on_announcement(const IpAddress& address, const MacAddress& mac, Instant now) noexcept;
  // It answered: updates what is there, never creates.
  void on_answer(const IpAddress& address, const NeighbourAnswer& answer, Instant now) noexcept;

  // From whoever hands out addresses: as good as an answer.
  void learn(const IpAddress& address, const MacAddress& mac, Instant now) noexcept;
  void forget(const IpAddress& address) noexcept;

  std::optional<MacAddress> find(const IpAddress& address) const noexcept;
  // `stale` also for a reachable one whose time is over.
  std::optional<NeighbourState> state(const IpAddress& address, Instant now) const noexcept;
  std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    Entry(NeighbourCache& owner, const IpAddress& whose) noexcept : cache(owner), address(whose) {}
    void on_timer(Instant now) { cache.on_timer(*this, now); }

    NeighbourCache& cache;
    IpAddress address;
    NeighbourState state = NeighbourState::incomplete;
    std::uint8_t asked = 0;    // questions since it entered incomplete or probe
    std::uint8_t waiting = 0;  // packets in `queue`, oldest first
    MacAddress mac;            // unless incomplete
    Instant confirmed{};
    Instant used{};
    std::array<FrameRef, limits::kNeighbourQueue> queue;
    Timer timer{Timer::bind<&Entry::on_timer>(*this)};
  };

  Entry* find_entry(const IpAddress& address) noexcept;
  Entry& create(const IpAddress& address, Instant now) noexcept;
  void evict_least_recently_used() noexcept;
  void ask(Entry& entry, Instant now) noexcept;
  void enqueue(Entry& entry, FrameRef packet) noexcept;
  void set_mac(Entry& entry, const MacAddress& mac, NeighbourState state, Instant now) noexcept;
  void flush(Entry& entry, Instant now) noexcept;
  void fail(Entry& entry, Instant now) noexcept;
  void on_timer(Entry& entry, Instant now) noexcept;

  TimerQueue& timers_;
  NeighbourOutput& output_;
  DropCounters& drops_;
  std::unordered_map<IpAddress, Entry> entries_;
};

}  // namespace pontoon::stack
