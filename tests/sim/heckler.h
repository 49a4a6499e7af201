// Segments in a live connection that its peer has not sent: out of an old incarnation, delivered
// late, or guessed by somebody. None of them may do harm: the connection goes on, and its text is
// what was said (RFC 5961, RFC 7323 5).
#pragma once

#include "tests/sim/station.h"

namespace pontoon::sim {

class Heckler {
 public:
  Heckler(lab::World& world, SeededRandom random) : world_(world), random_(std::move(random)) {}

  // One segment into one of the station's connections, straight at its port, without a cable.
  // False when the station has none.
  bool act(Station& station);

 private:
  lab::World& world_;
  SeededRandom random_;
};

}  // namespace pontoon::sim
