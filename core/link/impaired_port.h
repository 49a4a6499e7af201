// A port behind a bad wire. Rules say which frames of which direction meet which impairment;
// without rules every call goes straight through. See impairment.h for what can happen to a frame.
//
// A frame meets the first rule that matches it. What happens depends on the seed and on the order
// and times of frames only. Held frames are bounded by limits::kImpairedFrames per direction; what
// finds no room is dropped like any loss. Everything dropped here counts as DropReason::impaired.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/address.h"
#include "core/base/random.h"
#include "core/base/timer_queue.h"
#include "core/link/decorator.h"
#include "core/link/impaired_wire.h"
#include "core/link/impairment.h"
#include "core/link/observer.h"

namespace pontoon {

// Which frames on a port a rule is about.
struct ImpairmentMatch {
  bool from_endpoint = true;  // towards the switch; false: towards the endpoint
  // Only frames of this other end: the destination of what the endpoint sends, the source of what
  // it gets. Absent: all of the direction.
  std::optional<MacAddress> peer;
  // Lower ranks are tried first, equal ones in the order of their addition.
  int rank = 0;
};

class ImpairedPort final : public PortDecorator {
 public:
  ImpairedPort(std::unique_ptr<Port> inner, FramePool& pool, TimerQueue& timers);
  ~ImpairedPort() override;

  // `id` is the owner's name for the rule; the rules of both directions may share one. After its
  // duration the rule goes by itself.
  void add_rule(std::uint64_t id, const ImpairmentMatch& match, const Impairment& impairment,
                std::uint64_t seed, Instant now);
  // Frames that the rule holds leave at once, in order.
  void remove_rule(std::uint64_t id, Instant now) noexcept;
  bool impaired() const noexcept;
  // Zeroes for an id that there is not, or no more.
  ImpairmentCounters counters_of(std::uint64_t id) const noexcept;
  // What was lost here, also counted in drops().
  const DropCounters& drops() const noexcept;
  // Told of what is dropped; null: nobody.
  void set_observer(FrameObserver* observer, std::uint32_t tag) noexcept;

  std::size_t receive(std::span<FrameRef> out, Instant now) noexcept override;
  void send(FrameRef frame, Instant now) noexcept override;
  void flush(Instant now) noexcept override;
  void set_ready_sink(ReadySink* sink) noexcept override;

 private:
  class Impl;
  std::unique_ptr<Port> owned_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon
