#include "tests/sim/goodput.h"

#include <fmt/format.h>

#include <vector>

#include "tests/sim/conversation.h"

namespace pontoon::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kRate = 100'000'000;  // of the cable, bits per second
constexpr std::uint32_t kQueueFrames = 200;
constexpr std::uint64_t kBytes = 512 * 1024;
constexpr unsigned kSeeds = 3;  // the mean of so many runs
constexpr Duration kPatience = 600s;

struct Point {
  std::uint32_t loss = 0;  // of 10,000 frames, each way
  Duration round_trip{};
  std::size_t buffer = 0;
  Way way = Way::up;
};

// From the connect to the last byte at the other end; nullopt when it does not come.
std::optional<double> seconds_for(const Point& point, std::uint64_t seed) {
  lab::World world(seed);
  Report report;
  world.host().set_pipe_bytes(point.buffer);
  if (!world.add_network(*lab::spec_for("default", "10.20.0.0/16"))) return std::nullopt;
  control::EndpointRequest request;
  request.name = "web";
  lab::Member& member = **world.add_endpoint(request);
  Station station(world, member, report, seed);
  Faults faults;
  faults.delay = point.round_trip / 2;
  faults.lost = point.loss;
  faults.bits_per_s = kRate;
  faults.queue_frames = kQueueFrames;
  station.set_faults(faults);
  Conversations conversations(world, report);
  lab::TcpService service;
  service.at = {test::ip("198.51.100.1"), 80};
  service.talk = lab::TcpService::Talk::handed;
  world.actors().serve(service);
  conversations.add_service(service.at);
  world.add_player([&](Instant now) {
    const bool collected = station.collect(now);
    return conversations.step(now) || collected;
  });
  Script script;
  script.id = conversations.next_id();
  (point.way == Way::up ? script.endpoint : script.host).length = kBytes;
  TcpManners manners;
  manners.window_scale = 7;
  manners.sack = true;
  manners.receive_buffer = point.buffer;
  const Instant start = world.now();
  const Conversation& talk =
      conversations.call_out(station, service.at, script, manners, Outcome::complete);
  const auto over = [&] {
    const Party* hearer = point.way == Way::up ? talk.host_party.get() : talk.endpoint_party.get();
    return hearer != nullptr && hearer->heard() == kBytes;
  };
  while (!over() && !report.failed() && world.now() - start < kPatience)
    world.run_until(std::max(world.now() + 1us, world.next_event()));
  if (!over()) return std::nullopt;
  return std::chrono::duration<double>(world.now() - start).count();
}

std::string cell(const Point& point) {
  double seconds = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto took = seconds_for(point, seed);
    if (!took) return fmt::format("{:>9}", "stuck");
    seconds += *took;
  }
  return fmt::format("{:>9.2f}", static_cast<double>(kBytes) * 8 * kSeeds / seconds / 1e6);
}

}  // namespace

std::string goodput_table() {
  std::string out = fmt::format(
      "# Mbit/s of {} KiB through the gateway's TCP engine, connect included; cable of {} Mbit/s,\n"
      "# mean of {} seeds. Up: endpoint to host; down: host to endpoint. Loss is of each way.\n"
      "# Written by: pontoon_sim --goodput\n\n{:>7} {:>7} {:>9} {:>9} {:>9}\n",
      kBytes / 1024, kRate / 1'000'000, kSeeds, "loss %", "rtt ms", "buffer", "up", "down");
  for (const std::uint32_t loss : {0U, 10U, 100U, 300U}) {
    for (const int round_trip : {1, 20, 100}) {
      for (const std::size_t buffer : {std::size_t{65536}, std::size_t{262144}}) {
        Point point{loss, 1ms * round_trip, buffer, Way::up};
        const std::string up = cell(point);
        point.way = Way::down;
        out += fmt::format("{:>7.1f} {:>7} {:>9} {} {}\n", loss / 100.0, round_trip, buffer, up,
                           cell(point));
      }
    }
  }
  return out;
}

}  // namespace pontoon::sim
