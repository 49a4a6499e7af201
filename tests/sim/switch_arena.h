// The switch by itself, among ports without a guard, whose stations come, move, fall silent and
// return; a plain model of a learning bridge says where each frame must go. A world's endpoints are
// pinned to their ports and guarded, so that learning, moving and ageing are met here only.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "bridge/switch.h"
#include "core/base/random.h"
#include "core/link/memory_port.h"
#include "tests/sim/report.h"

namespace pontoon::sim {

class SwitchArena final : private FrameObserver {
 public:
  SwitchArena(std::uint64_t seed, Report& report);
  ~SwitchArena() override;

  void run(unsigned steps);
  std::uint64_t hash() const noexcept { return hash_; }
  std::uint64_t frames() const noexcept { return sent_; }

 private:
  struct Place {
    std::unique_ptr<MemoryPort> port;
    bridge::PortId id{};
    std::uint32_t tag = 0;
    bool gateway = false;
    bool closed = false;  // and not yet taken out
    Instant storm_booked{};
  };
  // Where the model believes a station to be.
  struct Belief {
    std::uint32_t tag = 0;
    Instant seen{};
    bool pinned = false;
  };
  struct Expected {
    std::set<std::uint32_t> to;  // tags
    std::optional<DropReason> drop;
  };

  void on_frame(std::uint32_t tag, FrameEvent event, const FrameRef& frame,
                std::optional<DropReason> reason, Instant now) noexcept override;
  void add_place(bool gateway);
  void remove_place(std::size_t index);
  Place& some_place();
  MacAddress some_mac();
  void act();
  void pause();
  void say(Place& from, const MacAddress& source, const MacAddress& target);
  Expected expect(Place& from, const MacAddress& source, const MacAddress& target);
  bool learn(const Place& from, const MacAddress& source);
  bool live(const Belief& belief) const;
  bool storm_passes(Place& from);
  bool is_closed(std::uint32_t tag) const;
  void compare(const Expected& expected, const MacAddress& source, const MacAddress& target);
  void compare_tables();
  void storm();
  void burst();

  Report& report_;
  SeededRandom random_;
  FramePool pool_;
  bridge::Switch switch_{pool_};
  Instant now_{std::chrono::seconds(5000)};
  std::uint32_t last_tag_ = 0;
  std::deque<Place> places_;
  std::map<MacAddress, Belief> beliefs_;
  std::vector<std::pair<std::uint32_t, DropReason>> dropped_;
  std::uint64_t sent_ = 0;
  std::uint64_t hash_ = 14695981039346656037ULL;
};

}  // namespace pontoon::sim
