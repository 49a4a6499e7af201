// What a seed makes of its world: which faults are on (each one or off, so that runs differ), how
// many networks and endpoints, how much traffic.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/random.h"
#include "tests/sim/cable.h"
#include "tests/sim/reference_tcp.h"
#include "tests/sim/script.h"

namespace pontoon::sim {

struct Options {
  unsigned networks = 1;
  unsigned members = 3;  // per network, a hostile one not counted
  bool small_subnets = false;
  unsigned conversations = 8;
  unsigned probes = 20;
  Duration busy = std::chrono::seconds(20);

  bool bad_cables = false;
  bool delay = false;
  bool cuts = false;
  bool slow_readers = false;
  bool aborts = false;
  bool bad_hosts = false;
  bool restarts = false;
  bool disk_faults = false;
  bool coming_and_going = false;
  bool hostile = false;
  bool upstream_moods = false;
  bool small_windows = false;
  bool stingy_hosts = false;
  bool hecklers = false;
  bool bulk = false;  // large buffers everywhere, and one call that fills them

  static Options draw(SeededRandom& random);
  std::string to_string() const;
};

Faults draw_faults(const Options& options, SeededRandom& random);
TcpManners draw_manners(const Options& options, SeededRandom& random);
Script draw_script(const Options& options, std::uint32_t id, SeededRandom& random);

}  // namespace pontoon::sim
