#include "tests/sim/options.h"

#include <algorithm>
#include <utility>

namespace pontoon::sim {
namespace {

using namespace std::chrono_literals;

bool coin(SeededRandom& random) {
  return random.below(2) == 0;
}

// Mostly small, sometimes large.
std::uint64_t draw_length(SeededRandom& random) {
  const std::uint64_t most = std::uint64_t{1} << (4 + random.below(13));
  return kHeaderBytes + random.u64() % most;
}

Manners draw_side(const Options& options, SeededRandom& random) {
  Manners side;
  side.length = draw_length(random);
  if (options.slow_readers && random.below(3) == 0) {
    side.read_bytes_per_s = 2000U << random.below(6);
  }
  if (options.aborts && random.below(4) == 0) side.abort_at = 1 + random.below(20000);
  return side;
}

}  // namespace

Options Options::draw(SeededRandom& random) {
  Options options;
  options.networks = 1 + random.below(2);
  options.members = 2 + random.below(3);
  options.small_subnets = coin(random);
  options.conversations = 4 + random.below(8);
  options.probes = 10 + random.below(20);
  options.busy = 5s + 1s * random.below(25);
  for (bool* each :
       {&options.bad_cables, &options.delay, &options.cuts, &options.slow_readers, &options.aborts,
        &options.bad_hosts, &options.disk_faults, &options.coming_and_going, &options.hostile,
        &options.upstream_moods, &options.small_windows, &options.stingy_hosts, &options.hecklers})
    *each = coin(random);
  options.bulk = random.below(8) == 0;
  options.restarts = random.below(4) == 0;  // they excuse too much to be in every other run
  return options;
}

std::string Options::to_string() const {
  std::string out = std::to_string(networks) + " networks of " + std::to_string(members);
  const std::pair<bool, const char*> words[] = {{small_subnets, "small subnets"},
                                                {bad_cables, "bad cables"},
                                                {delay, "delay"},
                                                {cuts, "cuts"},
                                                {slow_readers, "slow readers"},
                                                {aborts, "aborts"},
                                                {bad_hosts, "bad hosts"},
                                                {restarts, "restarts"},
                                                {disk_faults, "disk faults"},
                                                {coming_and_going, "coming and going"},
                                                {hostile, "hostile endpoints"},
                                                {upstream_moods, "upstream moods"},
                                                {small_windows, "small windows"},
                                                {stingy_hosts, "stingy hosts"},
                                                {hecklers, "hecklers"},
                                                {bulk, "bulk"}};
  for (const auto& [on, word] : words) {
    if (on) out += std::string(", ") + word;
  }
  return out;
}

Faults draw_faults(const Options& options, SeededRandom& random) {
  Faults faults;
  if (options.delay) {
    faults.delay = 1ms * random.below(40);
    faults.jitter = 1ms * random.below(5);
  }
  if (!options.bad_cables) return faults;
  if (coin(random)) faults.lost = random.below(500);
  if (coin(random)) faults.doubled = random.below(300);
  if (coin(random)) faults.late = random.below(500);
  if (coin(random)) faults.corrupt = random.below(300);
  if (random.below(4) == 0) faults.bits_per_s = 1'000'000U << random.below(5);
  return faults;
}

TcpManners draw_manners(const Options& options, SeededRandom& random) {
  TcpManners manners;
  manners.sack = coin(random);
  manners.timestamps = coin(random);
  manners.delayed_acks = coin(random);
  manners.uneven = coin(random);
  manners.shy = options.slow_readers && random.below(4) == 0;
  if (coin(random)) manners.window_scale = static_cast<std::uint8_t>(random.below(8));
  if (options.small_windows && coin(random)) {
    manners.receive_buffer = 1000 + random.below(8000);
    manners.mss = static_cast<std::uint16_t>(random.below(2) == 0 ? 536 : 1460);
    if (coin(random)) manners.window_scale.reset();
  }
  return manners;
}

Script draw_script(const Options& options, std::uint32_t id, SeededRandom& random) {
  Script script;
  script.id = id;
  script.endpoint = draw_side(options, random);
  script.host = draw_side(options, random);
  // So that a slow reader is through within a minute, and has its window closed for most of it.
  for (auto [reader, writer] :
       {std::pair(&script.endpoint, &script.host), std::pair(&script.host, &script.endpoint)}) {
    if (reader->read_bytes_per_s == 0) continue;
    writer->length =
        kHeaderBytes + random.below(static_cast<std::uint32_t>(
                           60 * std::min<std::uint64_t>(reader->read_bytes_per_s, 3000)));
  }
  // Whoever ends second waits for the other; both waiting would be for ever.
  if (coin(random)) (coin(random) ? script.endpoint : script.host).ends_first = false;
  if (script.endpoint.abort_at) script.host.abort_at.reset();
  return script;
}

}  // namespace pontoon::sim
