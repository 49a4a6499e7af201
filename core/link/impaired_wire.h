// One direction of a bad wire, as ImpairedPort uses two: rules, and the frames that they hold back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/address.h"
#include "core/base/random.h"
#include "core/link/impairment.h"
#include "core/link/observer.h"
#include "core/link/port_edge.h"

namespace pontoon {

// What became of the frames that met a rule, counted as the wire sees them (after super-frames were
// cut): passed + lost = came + duplicated. Those that are still held have passed.
struct ImpairmentCounters {
  std::uint64_t passed = 0;
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t corrupted = 0;

  void add(const ImpairmentCounters& other) noexcept {
    passed += other.passed;
    lost += other.lost;
    duplicated += other.duplicated;
    reordered += other.reordered;
    corrupted += other.corrupted;
  }
};

// Serialisation: one frame at a time at the rate, the others wait in a bounded queue.
class RateQueue {
 public:
  RateQueue(std::uint64_t bits_per_s, std::uint32_t queue_frames);

  // When the last bit of a frame that comes now has left; nullopt: the queue is full.
  std::optional<Instant> depart(std::size_t bytes, Instant now) noexcept;

 private:
  std::uint64_t rate_;
  std::vector<Instant> begins_;  // ring: when each frame that waits will begin to leave
  std::size_t first_ = 0;
  std::size_t waiting_ = 0;
  Instant free_at_{};
  std::uint64_t remainder_ = 0;  // of the last division, in (1/rate) ns: rounding never adds up
};

struct WireRule {
  WireRule(std::uint64_t id_, const std::optional<MacAddress>& peer_, int rank_,
           const Impairment& impairment_, std::uint64_t seed, Instant now);

  std::uint64_t id;
  std::optional<MacAddress> peer;
  int rank;
  Impairment impairment;
  Instant until;
  ImpairmentCounters counters;

  bool in_burst = false;
  std::optional<RateQueue> rate;
  Instant last_release{};  // order is kept: nothing leaves before what came earlier

  // One stream each, so that one more impairment does not change what the others do.
  SeededRandom losses;
  SeededRandom duplicates;
  SeededRandom reorders;
  SeededRandom corruptions;
  SeededRandom jitters;
};

class ImpairedWire final : private FrameSink {
 public:
  enum class Direction : std::uint8_t { from_endpoint, to_endpoint };

  ImpairedWire(Direction direction, FramePool& pool, DropCounters& drops) noexcept;

  void add(std::unique_ptr<WireRule> rule);
  bool remove(std::uint64_t id, Instant now) noexcept;
  // Removes what has ended by now.
  void expire(Instant now) noexcept;
  ImpairmentCounters counters(std::uint64_t id) const noexcept;
  void set_observer(FrameObserver* observer, std::uint32_t tag) noexcept;

  bool has_rules() const noexcept { return !rules_.empty(); }
  // Straight through: no rule, and nothing that one has left behind.
  bool idle() const noexcept { return rules_.empty() && held_.empty(); }
  // The first rule that the frame meets; null: none.
  WireRule* match(const Frame& frame) noexcept;
  void carry(WireRule& rule, FrameRef frame, Instant now) noexcept;
  // The next frame that is due; null when there is none yet.
  FrameRef take(Instant now) noexcept;
  // When a frame is due or a rule ends.
  Instant next_event() const noexcept;
  std::size_t held() const noexcept { return held_.size(); }

 private:
  struct Held {
    Instant due;
    std::uint64_t order;
    WireRule* rule;  // null: it has gone
    FrameRef frame;
  };
  static bool later(const Held& left, const Held& right) noexcept {
    return left.due != right.due ? left.due > right.due : left.order > right.order;
  }

  bool accept(FrameRef segment) noexcept override;
  void queue(WireRule& rule, FrameRef frame) noexcept;
  void lose(WireRule& rule, const FrameRef& frame) noexcept;
  bool full() const noexcept;
  bool corrupt(WireRule& rule, FrameRef& frame) noexcept;
  void let_go(const WireRule& rule, Instant now) noexcept;

  Direction direction_;
  FramePool& pool_;
  DropCounters& drops_;
  PortEdge edge_;
  FrameObserver* observer_ = nullptr;
  std::uint32_t tag_ = 0;
  std::vector<std::unique_ptr<WireRule>> rules_;  // by rank, then as they were added
  std::vector<Held> held_;                        // a heap, the next one due in front
  std::uint64_t next_order_ = 0;
  // While the edge cuts a super-frame:
  WireRule* carrying_ = nullptr;
  Instant now_{};
};

}  // namespace pontoon
