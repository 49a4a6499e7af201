// How a run ends: the faults stop, everybody is asked and called once more on perfect cables, and
// after a long silence nothing may be left.
#include <fmt/format.h>

#include "tests/sim/hosts.h"
#include "tests/sim/simulation.h"

namespace pontoon::sim {
namespace {

using namespace std::chrono_literals;
using Mood = lab::UpstreamNames::Mood;

// So long nothing happens any more: connections of before are forgotten.
constexpr Duration kSilence = 600s;

}  // namespace

void Simulation::calm() {
  report_.step("the faults end");
  world_.fail_disk(false);
  world_.hold_disk(false);
  world_.names().set_mood(Mood::well);
  for (Seat& place : seats_) {
    if (place.station) place.station->set_faults({});
  }
  // Who has just gone is back by then, and what failed is no longer remembered.
  at(20s, [this] { last_round(); });
}

void Simulation::last_round() {
  report_.step("the last round");
  for (Seat& place : seats_) {
    if (!place.station || !place.station->member().plugged()) continue;
    place.station->set_faults({});
    last_questions(place);
    last_calls(place);
  }
  at(8s, [this] { options_.bulk ? call_for_bulk(some_seat()) : call_with_a_loss(some_seat()); });
  at(30s, [this, began = world_.now()] {
    probes_.judge();
    conversations_.judge_since(began);
  });
}

// The cables are perfect now, so nobody may have to say anything twice.
void Simulation::last_calls(Seat& place) {
  Options plain;
  TcpManners manners = draw_manners(plain, random_);
  manners.strict = true;
  manners.firm = !options_.stingy_hosts;
  conversations_.answer_at(*place.station, kEndpointPort, manners);
  call_in(place, draw_script(plain, conversations_.next_id(), random_));
  const Script script = draw_script(plain, conversations_.next_id(), random_);
  report_.step(fmt::format("{} calls a last time (conversation {})", place.name, script.id));
  const Conversation& call =
      conversations_.call_out(*place.station, host_at(1), script, manners, Outcome::complete);
  at(200ms + 1ms * random_.below(3000), [this, &place, &call] { call_again(place, call); });
}

// From the same port, while the gateway may remember the conversation of before.
void Simulation::call_again(Seat& place, const Conversation& before) {
  if (!before.done() || !before.tcp->said_all()) return;
  Options plain;
  TcpManners manners = draw_manners(plain, random_);
  manners.strict = true;
  manners.firm = !options_.stingy_hosts;
  const Script script = draw_script(plain, conversations_.next_id(), random_);
  report_.step(fmt::format("{} calls from the same port (conversation {})", place.name, script.id));
  conversations_.call_again(*place.station, before, script, manners);
}

// More than a turn moves, and more than one window without scaling.
void Simulation::call_for_bulk(Seat& place) {
  if (!place.station || !place.station->member().plugged()) return;
  Script script;
  script.id = conversations_.next_id();
  script.host.length = kBulk + random_.below(1000);
  TcpManners manners = draw_manners(Options{}, random_);
  manners.shy = manners.delayed_acks = false;
  manners.strict = true;
  manners.window_scale = 7;
  manners.receive_buffer = kBulk;
  report_.step(fmt::format("{} calls for bulk (conversation {})", place.name, script.id));
  conversations_.call_out(*place.station, host_at(1), script, manners, Outcome::complete);
}

// One segment is lost in the middle, and the next ones tell of it: it comes again at once.
void Simulation::call_with_a_loss(Seat& place) {
  if (!place.station || !place.station->member().plugged()) return;
  Script script;
  script.id = conversations_.next_id();
  const bool down = random_.below(2) == 0;
  (down ? script.host : script.endpoint).length = 60000;
  TcpManners manners = draw_manners(Options{}, random_);
  manners.shy = manners.uneven = false;
  manners.mending = true;
  Station& station = *place.station;
  (down ? station.inward() : station.outward()).lose_text(3 + random_.below(12));
  report_.step(fmt::format("{} calls over a loss (conversation {})", place.name, script.id));
  conversations_.call_out(station, host_at(1), script, manners, Outcome::complete);
}

void Simulation::last_questions(Seat& place) {
  Station& station = *place.station;
  probes_.ping(station, world_.network(place.network)->spec().gateway, true);
  probes_.ping(station, echo_host().ip, true);
  probes_.echo_udp(station, echo_host(), true);
  probes_.resolve(station, "mail.example.net", true);
  probes_.resolve(station, "www.example.org", true);
  probes_.resolve(station, fmt::format("nobody.{}.internal", place.network), true);
  for (Seat& other : seats_) {
    const std::string name = fmt::format("{}.{}.internal", other.name, other.network);
    probes_.resolve(station, name, true);
    probes_.resolve_v6(station, name, true);
    const bool neighbour = other.network == place.network && other.station &&
                           other.station->member().plugged() && &other != &place;
    if (neighbour) probes_.ping(station, other.address, true);
  }
}

void Simulation::check_drops() {
  std::uint64_t members = 0;
  std::uint64_t gateway = 0;
  for (const std::string& network : world_.networks()) {
    for (const control::DropInfo& drop : world_.network(network)->drops()) {
      if (drop.where == "gateway") {
        gateway += drop.count;
      } else if (drop.where != "dhcp" && drop.where != "dns" && drop.where != "egress" &&
                 drop.where != "published") {
        members += drop.count;
      }
    }
  }
  if (members != ledger_.member_drops()) {
    report_.fail(
        "frame conservation",
        fmt::format("{} drops of endpoints' frames are counted, and {} frames were dropped",
                    members, ledger_.member_drops()));
  }
}

void Simulation::finish() {
  ledger_.close();
  conversations_.judge();
  probes_.judge();
  if (report_.failed()) return;
  world_.run_for(kSilence);
  ledger_.close();
  check_drops();
  leaks_.on_silence();
  for (const std::string& network : world_.networks()) {
    if (const std::size_t held = world_.frames_in_use(network); held > 0) {
      report_.fail("frame conservation",
                   fmt::format("network {} still holds {} frames when all is over", network, held));
    }
  }
}

}  // namespace pontoon::sim
