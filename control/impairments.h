// The impairments of one network: rules by target, kept while endpoints come and go, and put on the
// ports of those that are there.
//
// Where a frame meets a rule:
//
//   network   where it enters the switch: out of an endpoint's link, or, when the gateway sent it,
//             on its way into one
//   A         on A's link
//   A -> B    on its way into B's link, so that a broadcast of A's counts; towards `host` on its
//             way out of A's link
//
// A frame that meets several in one place is subject to the closest: one-way before pair before
// link before network. A's link and B's link are two places.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/impair_target.h"
#include "control/model.h"
#include "core/base/result.h"
#include "core/base/timer_queue.h"
#include "core/link/impaired_port.h"

namespace pontoon::control {

// An endpoint as far as impairments are concerned.
struct ImpairableLink {
  std::string_view name;
  MacAddress mac;
  ImpairedPort* port = nullptr;  // null: not attached now
};
using ImpairableLinks = std::span<const ImpairableLink>;

class Impairments {
 public:
  Impairments(std::string network, const MacAddress& gateway, TimerQueue& timers);

  // A rule on the same target goes first.
  Result<ImpairmentInfo> set(const ImpairTarget& target, const Impairment& impairment,
                             std::uint64_t seed, ImpairableLinks links, Instant now);
  // How many went: those on this target.
  std::size_t clear(const ImpairTarget& target, ImpairableLinks links, Instant now);
  std::size_t clear_all(ImpairableLinks links, Instant now);

  // `name` has a new port, with a MAC that may be another one than before.
  void attached(std::string_view name, ImpairableLinks links, Instant now);
  // Its port is about to go.
  void detaching(const ImpairableLink& link);

  std::vector<ImpairmentInfo> list(ImpairableLinks links, Instant now) const;
  // "web -> db delay=20ms", for each rule that touches the endpoint.
  std::vector<std::string> texts_for(std::string_view name) const;

 private:
  struct Rule {
    std::uint64_t number = 0;
    ImpairTarget target;
    Impairment impairment;
    std::uint64_t seed = 0;
    Instant since{};
    Instant until = kNever;
    ImpairmentCounters departed;  // what was counted on ports that have gone
  };

  Result<ImpairTarget> resolve(const ImpairTarget& target, ImpairableLinks links) const;
  ImpairmentInfo describe(const Rule& rule, ImpairableLinks links, Instant now) const;
  void apply(const Rule& rule, const ImpairableLink& link, ImpairableLinks links, Instant now);
  void apply_ways(const Rule& rule, const ImpairableLink& link, ImpairableLinks links, Instant now);
  void apply_way(const Rule& rule, std::string_view from, std::string_view to,
                 const ImpairableLink& link, ImpairableLinks links, Instant now);
  void put(const Rule& rule, const ImpairableLink& link, ImpairmentMatch match, Instant now);
  void lift(Rule& rule, const ImpairableLink& link, Instant now);
  template <class Predicate>
  std::size_t clear_if(Predicate predicate, ImpairableLinks links, Instant now);
  void forget_ended(Instant now);
  void rearm();

  std::string network_;
  MacAddress gateway_;
  TimerQueue& timers_;
  Timer timer_;  // the next rule's end; ports end theirs by themselves
  std::uint64_t next_number_ = 1;
  std::vector<Rule> rules_;
};

}  // namespace pontoon::control
