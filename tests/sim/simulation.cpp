#include "tests/sim/simulation.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/names.h"
#include "lab/dissect/dissect.h"
#include "tests/sim/dhcp_arena.h"
#include "tests/sim/hosts.h"
#include "tests/sim/switch_arena.h"

namespace pontoon::sim {
namespace {

using namespace std::chrono_literals;
using Mood = lab::UpstreamNames::Mood;

constexpr std::uint16_t kFirstPublished = 20000;
// After the faults have ended: what was begun must be over.
constexpr Duration kBound = 150s;

std::uint64_t hashed(std::uint64_t hash, ByteView bytes) {
  for (const std::uint8_t byte : bytes)
    hash = (hash ^ byte) * 1099511628211ULL;
  return hash;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, bool recording)
    : seed_(seed),
      recording_(recording),
      random_(seed, "plan"),
      world_(seed),
      heckler_(world_, SeededRandom(seed, "heckler")) {
  options_ = Options::draw(random_);
  verdict_.hash = 14695981039346656037ULL;
  world_.set_watcher([this](std::string_view where, FrameEvent event, ByteView frame,
                            std::optional<DropReason> reason,
                            Instant now) { watch(where, event, frame, reason, now); });
  world_.add_player([this](Instant now) { return step(now); });
}

Simulation::~Simulation() = default;

void Simulation::at(Duration after, std::function<void()> what) {
  agenda_.at(world_.now() + after, [this, what = std::move(what)](Instant) {
    if (!report_.failed()) what();
  });
}

Duration Simulation::some_time() {
  return Duration(1us) *
         static_cast<std::int64_t>(random_.below(static_cast<std::uint32_t>(options_.busy / 1us)));
}

void Simulation::build() {
  add_hosts();
  if (options_.networks == 1) border_.allow_second_network();
  if (options_.bad_cables || options_.cuts) conversations_.lose_resets();
  for (unsigned n = 0; n < options_.networks; ++n) {
    const std::string network = n == 0 ? "default" : "back";
    const std::string subnet =
        fmt::format("10.{}.0.0/{}", 20 + n, options_.small_subnets ? 29 : 16);
    const control::NetworkSpec spec = *lab::spec_for(network, subnet);
    ledger_.add_network(network, control::mac_for(network, "gateway", 0));
    if (!world_.add_network(spec)) report_.fail("plan", "a network is refused");
    for (unsigned i = 0; i < options_.members; ++i)
      add_seat(fmt::format("{}{}", n == 0 ? "web" : "db", i), network);
    if (!options_.hostile) continue;
    control::EndpointRequest request;
    request.name = "intruder" + std::to_string(n);
    request.network = network;
    const auto member = world_.add_endpoint(request);
    if (!member) continue;
    ledger_.add_member(request.name, network, (*member)->mac());
    Station& station = intruders_.emplace_back(world_, **member, report_, seed_);
    station.forgive();
    station.listen_udp(7000, [this, &station](const SocketAddress& from, std::string_view) {
      border_.on_datagram(station.name(), from);
    });
    tricks_.emplace_back(station, ledger_, spec.gateway, control::mac_for(network, "gateway", 0),
                         SeededRandom(seed_, request.name));
  }
}

void Simulation::add_hosts() {
  using Service = lab::TcpService;
  if (options_.bulk) world_.host().set_pipe_bytes(kBulk);
  if (options_.stingy_hosts) world_.host().cut_writes(2 + random_.below(6));
  const auto serve = [this](unsigned host, Service::Connect connect, Duration latency) {
    Service service;
    service.at = host_at(host);
    service.connect = connect;
    service.latency = latency;
    service.talk = host == 9 ? Service::Talk::echo : Service::Talk::handed;
    world_.actors().serve(service);
    border_.allow(service.at);
    if (host != 9) conversations_.add_service(service.at);
  };
  serve(1, Service::Connect::accept, 0ms);
  serve(2, Service::Connect::accept, 300ms);
  serve(3, Service::Connect::refuse, 5ms);
  serve(4, Service::Connect::hang, 0ms);
  serve(5, Service::Connect::unreachable, 5ms);
  serve(9, Service::Connect::accept, 0ms);
  lab::UdpService udp;
  udp.at = echo_host();
  udp.latency = 1ms * random_.below(50);
  world_.actors().serve(udp);
  border_.allow(udp.at);
  world_.actors().answer_echo(echo_host().ip, 3ms);
  world_.names().set_latency(1ms * random_.below(100));
  for (const char* name : {"www.example.org", "mail.example.net"}) {
    const std::string address = fmt::format("203.0.113.{}", 1 + truth_.upstream().size());
    truth_.add_upstream(name, address);
    (void)world_.names().add({name, "A", address});
  }
}

void Simulation::add_seat(const std::string& name, const std::string& network) {
  Seat& place = seats_.emplace_back();
  place.name = name;
  place.network = network;
  place.published = static_cast<std::uint16_t>(kFirstPublished + seats_.size());
  (void)seat(place);
}

// The endpoint comes, for the first time or again.
bool Simulation::seat(Seat& place) {
  control::EndpointRequest request;
  request.name = place.name;
  request.network = place.network;
  request.publish = {fmt::format("{}:{}", place.published, kEndpointPort)};
  // What was sent before it came is no business of its.
  world_.settle();
  ledger_.close();
  const auto member = world_.add_endpoint(request);
  if (!member) {
    report_.step(place.name + " is refused: " + member.error().message);
    if (member.error().code != ErrorCode::exhausted)
      report_.fail("plan", place.name + " is refused: " + member.error().message);
    return false;
  }
  report_.step(fmt::format("{} comes to {} as {}", place.name, place.network,
                           (*member)->address().to_string()));
  const bool again = place.address != IpAddress();
  const bool remembered = !options_.restarts || !options_.disk_faults;
  if (again && !options_.small_subnets && remembered && place.address != (*member)->address()) {
    report_.fail("lease stability",
                 fmt::format("{} comes back and has {}, not {}", place.name,
                             (*member)->address().to_string(), place.address.to_string()));
  }
  place.address = (*member)->address();
  place.station = std::make_unique<Station>(world_, **member, report_, seed_);
  ledger_.add_member(place.name, place.network, (*member)->mac());
  leases_.on_member(**member);
  equip(place);
  return true;
}

void Simulation::equip(Seat& place) {
  Station& station = *place.station;
  if (options_.restarts) station.forgive();
  station.set_faults(draw_faults(options_, random_));
  probes_.equip(station);
  conversations_.answer_at(station, kEndpointPort, draw_manners(options_, random_));
  const control::NetworkSpec& spec = world_.network(place.network)->spec();
  DhcpClientConfig config;
  config.mac = station.member().mac();
  config.server = spec.gateway;
  config.subnet = spec.subnet;
  config.broadcast = random_.below(2) == 0;
  place.dhcp = std::make_unique<DhcpClient>(
      config, SeededRandom(seed_, place.name + " dhcp"),
      DhcpClient::Surroundings{
          world_.events(),
          [&station](const Bytes& message, Ipv4Address source, Ipv4Address target) {
            station.send_dhcp(message, source, target);
          },
          [this, name = place.name](const std::string& what) {
            report_.fail("dhcp client", name + ": " + what);
          }});
  station.listen_udp(
      68, [this, client = place.dhcp.get()](const SocketAddress&, std::string_view payload) {
        client->on_message(as_bytes(payload), world_.now());
      });
}

void Simulation::plan() {
  for (unsigned i = 0; i < options_.conversations; ++i)
    at(some_time(), [this] { begin_conversation(); });
  for (unsigned i = 0; i < options_.probes; ++i)
    at(some_time(), [this] { probe(); });
  for (Seat& place : seats_) {
    at(some_time(), [this, &place] {
      if (place.station && place.dhcp->idle()) place.dhcp->start(world_.now());
    });
  }
  plan_faults();
  at(options_.busy, [this] { calm(); });
}

void Simulation::plan_faults() {
  const auto sometimes = [this](bool on, unsigned most, const std::function<void()>& what) {
    for (unsigned i = on ? 1 + random_.below(most) : 0; i > 0; --i)
      at(some_time(), what);
  };
  sometimes(options_.restarts, 2, [this] { restart(); });
  sometimes(options_.coming_and_going, 4, [this] { leave(some_seat()); });
  sometimes(options_.cuts, 3, [this] { cut(some_seat()); });
  sometimes(options_.hostile, 30, [this] { intrude(); });
  sometimes(options_.hecklers, 60, [this] { heckle(); });
  sometimes(options_.disk_faults, 4, [this] {
    world_.fail_disk(random_.below(2) == 0);
    world_.hold_disk(random_.below(2) == 0);
    report_.step("the disk changes its mood");
  });
  sometimes(options_.upstream_moods, 4, [this] {
    const Mood mood = static_cast<Mood>(random_.below(5));
    report_.step(fmt::format("the upstream's mood is {}", static_cast<int>(mood)));
    world_.names().set_mood(mood);
    if (mood == Mood::lying) truth_.distrust_upstream();
  });
}

Simulation::Seat& Simulation::some_seat() {
  return seats_[random_.below(static_cast<std::uint32_t>(seats_.size()))];
}

void Simulation::begin_conversation() {
  Seat& place = some_seat();
  const Script script = draw_script(options_, conversations_.next_id(), random_);
  const TcpManners manners = draw_manners(options_, random_);
  if (!place.station) return;
  // Most conversations are over in no time.
  for (unsigned i = options_.hecklers ? 4 : 0; i > 0; --i)
    at(1ms * random_.below(1U << (2 * i)), [this] { heckle(); });
  const unsigned kind = random_.below(options_.bad_hosts ? 8 : 4);
  if (kind == 0 || kind == 1) return call_in(place, script);
  if (kind == 5) return call_out(place, host_at(3), Outcome::refused, script, manners);
  if (kind == 6) return call_out(place, host_at(4), Outcome::silence, script, manners);
  if (kind == 7) return call_out(place, host_at(5), Outcome::silence, script, manners);
  call_out(place, host_at(kind == 3 ? 2 : 1), Outcome::complete, script, manners);
}

void Simulation::call_out(Seat& place, const SocketAddress& to, Outcome expected,
                          const Script& script, const TcpManners& manners) {
  report_.step(fmt::format("{} calls {} (conversation {}: {} bytes up, {} down)", place.name,
                           to.to_string(), script.id, script.endpoint.length, script.host.length));
  conversations_.call_out(*place.station, to, script, manners, expected);
}

void Simulation::call_in(Seat& place, const Script& script) {
  report_.step(fmt::format("a client calls {} (conversation {}: {} bytes up, {} down)", place.name,
                           script.id, script.endpoint.length, script.host.length));
  const SocketAddress from{test::ip("192.0.2.7"), static_cast<std::uint16_t>(40000 + script.id)};
  conversations_.call_in(*place.station, from, {test::ip("192.0.2.1"), place.published}, script);
}

void Simulation::probe() {
  Seat& place = some_seat();
  Seat& other = some_seat();
  const unsigned kind = random_.below(8);
  if (!place.station) return;
  Station& station = *place.station;
  switch (kind) {
    case 0:
      return probes_.ping(station, world_.network(place.network)->spec().gateway, false);
    case 1:
      return probes_.ping(station, echo_host().ip, false);
    case 2:
      if (other.network == place.network && &other != &place)
        probes_.ping(station, other.address, false);
      return;
    case 3:
      return probes_.echo_udp(station, echo_host(), false);
    case 4:
      return probes_.resolve(station, "www.example.org", false);
    case 5:
      return probes_.resolve(station, fmt::format("nobody.{}.internal", place.network), false);
    case 6:
      return probes_.resolve_v6(
          station,
          fmt::format("{}.{}.internal", random_.below(2) == 0 ? other.name : "nobody",
                      other.network),
          false);
    default:
      return probes_.resolve(station, fmt::format("{}.{}.internal", other.name, other.network),
                             false);
  }
}

void Simulation::intrude() {
  Seat& victim = some_seat();
  border_.send_unasked(random_);
  if (!victim.station || tricks_.empty()) return;
  for (std::size_t i = 0; i < tricks_.size(); ++i) {
    if (intruders_[i].member().info().network == victim.network)
      tricks_[i].act(world_, *victim.station);
  }
}

// A daemon that came back knows none of the connections, and takes a SYN in them for a new one.
void Simulation::heckle() {
  if (restarted_) return;
  for (Seat& place : seats_) {
    if (place.station && heckler_.act(*place.station))
      report_.step("a segment that nobody sent in a connection of " + place.name);
  }
}

void Simulation::leave(Seat& place) {
  if (!place.station) return;
  report_.step(place.name + " goes");
  conversations_.disturb(place.name);
  probes_.forget(place.name);
  place.dhcp->stop();
  lab::Member& member = place.station->member();
  departed_.push_back(std::move(place.station));
  at(0ms, [this, &member, &place] {
    world_.remove_endpoint(member);
    leaks_.on_gone(place.network, place.address);
    ledger_.remove_member(place.name);
  });
  at(1ms + 1ms * random_.below(8000), [this, &place] { (void)seat(place); });
}

void Simulation::restart() {
  report_.step("the daemon dies and comes back");
  conversations_.disturb_all();
  probes_.forget_all();
  for (Seat& place : seats_) {
    if (place.station) place.station->forgive();
  }
  restarted_ = true;
  world_.restart();
  ledger_.forget_drops();
  for (Seat& place : seats_) {
    if (!place.station) continue;
    const lab::Member& member = place.station->member();
    if (member.plugged() && member.address() == place.address) {
      leases_.on_member(member);
    } else if (!options_.disk_faults) {
      report_.fail("lease stability", place.name + " lost its address with the daemon");
    }
  }
}

void Simulation::cut(Seat& place) {
  if (!place.station) return;
  report_.step("the cable of " + place.name + " is cut");
  Station& station = *place.station;
  station.outward().faults.cut = station.inward().faults.cut = true;
  at(1s * (1 + random_.below(8)),
     [&station] { station.outward().faults.cut = station.inward().faults.cut = false; });
}

bool Simulation::step(Instant now) {
  report_.at(now);
  if (report_.failed()) return false;
  bool worked = false;
  for (Seat& place : seats_)
    worked = (place.station && place.station->collect(now)) || worked;
  for (Station& intruder : intruders_)
    worked = intruder.collect(now) || worked;
  worked = conversations_.step(now) || worked;
  border_.step();
  return worked;
}

void Simulation::watch(std::string_view where, FrameEvent event, ByteView frame,
                       std::optional<DropReason> reason, Instant now) {
  report_.at(now);
  const auto count = static_cast<std::uint64_t>(now.time_since_epoch().count());
  verdict_.hash = hashed((verdict_.hash ^ count) * 1099511628211ULL, as_bytes(where));
  verdict_.hash = hashed(verdict_.hash ^ static_cast<std::uint64_t>(event), frame);
  if (recording_) record(where, event, frame, reason, now);
  // A member's first frame may come before its seat is taken.
  const lab::Member* member = event == FrameEvent::dropped ? nullptr : world_.member(where);
  if (member != nullptr && member->plugged())
    ledger_.add_member(std::string(where), member->info().network, member->mac());
  ledger_.on_frame(where, event, frame, reason, now);
  if (event != FrameEvent::to_endpoint) return;
  leases_.on_frame(where, frame);
  if (ledger_.from_gateway(where, frame)) inspector_.on_sent(where, frame);
}

void Simulation::record(std::string_view where, FrameEvent event, ByteView frame,
                        std::optional<DropReason> reason, Instant now) {
  capture::Packet packet;
  packet.time_ns = now.time_since_epoch().count();
  packet.direction =
      event == FrameEvent::to_endpoint ? capture::Direction::inbound : capture::Direction::outbound;
  packet.bytes.assign(frame.begin(), frame.end());
  packet.original_length = static_cast<std::uint32_t>(frame.size());
  if (reason) packet.comment = "dropped: " + std::string(to_string(*reason));
  verdict_.captures[std::string(where)].push_back(packet);
  const lab::Dissection shown = lab::dissect(frame);
  report_.step(fmt::format("  {} {}: {} > {} {}{}",
                           event == FrameEvent::from_endpoint ? "from"
                           : event == FrameEvent::to_endpoint ? "to  "
                                                              : "drop",
                           where, shown.source, shown.target, shown.summary,
                           reason ? " (" + std::string(to_string(*reason)) + ")" : ""));
}

void Simulation::run_arenas() {
  DhcpArena dhcp(seed_, report_);
  dhcp.run(20min);
  verdict_.hash = hashed(verdict_.hash, as_bytes(std::to_string(dhcp.hash())));
  if (report_.failed()) return;
  SwitchArena bridge(seed_, report_);
  bridge.run(500);
  verdict_.hash = hashed(verdict_.hash, as_bytes(std::to_string(bridge.hash())));
}

Verdict Simulation::run() {
  verdict_.options = options_.to_string();
  build();
  plan();
  const Instant calm = world_.now() + options_.busy + 60s;
  const Instant last = calm + kBound;
  while (!report_.failed() && world_.now() < last) {
    world_.run_for(1s);
    if (world_.now() > calm && conversations_.unfinished().empty()) break;
  }
  if (!report_.failed()) finish();
  if (!report_.failed()) run_arenas();
  verdict_.failed = report_.failed();
  verdict_.failure = report_.failure();
  verdict_.steps = report_.steps();
  verdict_.frames = ledger_.frames();
  verdict_.conversations = conversations_.size();
  verdict_.completed = conversations_.completed();
  verdict_.answered = probes_.answered();
  return verdict_;
}

}  // namespace pontoon::sim
