#include "lab/testing/testing.h"

#include <fmt/format.h>

#include "control/impair_target.h"
#include "lab/testing/testing_state.h"

namespace pontoon::testing {
namespace {

using detail::require;
using detail::socket_address;
using detail::value_of;

lab::TcpService::Connect connect_of(TcpServer::Connect connect) noexcept {
  switch (connect) {
    case TcpServer::Connect::accept:
      return lab::TcpService::Connect::accept;
    case TcpServer::Connect::refuse:
      return lab::TcpService::Connect::refuse;
    case TcpServer::Connect::unreachable:
      return lab::TcpService::Connect::unreachable;
    case TcpServer::Connect::hang:
      return lab::TcpService::Connect::hang;
  }
  return lab::TcpService::Connect::accept;
}

lab::TcpService::Talk talk_of(TcpServer::Talk talk) noexcept {
  switch (talk) {
    case TcpServer::Talk::echo:
      return lab::TcpService::Talk::echo;
    case TcpServer::Talk::discard:
      return lab::TcpService::Talk::discard;
    case TcpServer::Talk::reply:
      return lab::TcpService::Talk::reply;
    case TcpServer::Talk::silent:
      return lab::TcpService::Talk::silent;
  }
  return lab::TcpService::Talk::echo;
}

lab::UdpService::Answer answer_of(UdpServer::Answer answer) noexcept {
  switch (answer) {
    case UdpServer::Answer::echo:
      return lab::UdpService::Answer::echo;
    case UdpServer::Answer::reply:
      return lab::UdpService::Answer::reply;
    case UdpServer::Answer::refuse:
      return lab::UdpService::Answer::refuse;
    case UdpServer::Answer::silent:
      return lab::UdpService::Answer::silent;
  }
  return lab::UdpService::Answer::echo;
}

lab::UpstreamNames::Mood mood_of(Upstream mood) noexcept {
  switch (mood) {
    case Upstream::well:
      return lab::UpstreamNames::Mood::well;
    case Upstream::slow:
      return lab::UpstreamNames::Mood::slow;
    case Upstream::dead:
      return lab::UpstreamNames::Mood::dead;
    case Upstream::refusing:
      return lab::UpstreamNames::Mood::refusing;
    case Upstream::lying:
      return lab::UpstreamNames::Mood::lying;
  }
  return lab::UpstreamNames::Mood::well;
}

const lab::ClientOutcome& outcome_of(const void* outcome) noexcept {
  return *static_cast<const lab::ClientOutcome*>(outcome);
}

Duration not_negative(Duration duration, std::string_view what) {
  if (duration < Duration::zero())
    detail::raise_invalid(fmt::format("{}: a time that lies {} ns back", what, -duration.count()));
  return duration;
}

}  // namespace

Client::State Client::state() const {
  switch (outcome_of(outcome_).state) {
    case lab::ClientOutcome::State::waiting:
      return State::waiting;
    case lab::ClientOutcome::State::refused:
      return State::refused;
    case lab::ClientOutcome::State::talking:
      return State::talking;
    case lab::ClientOutcome::State::ended:
      return State::ended;
    case lab::ClientOutcome::State::reset:
      return State::reset;
  }
  return State::waiting;
}

const std::string& Client::received() const {
  return outcome_of(outcome_).received;
}

World::World(std::uint64_t seed) : state_(std::make_unique<detail::WorldState>(seed)) {}
World::~World() = default;
World::World(World&&) noexcept = default;
World& World::operator=(World&&) noexcept = default;

void World::add_network(const NetworkOptions& options) {
  control::NetworkSpec spec = value_of(lab::spec_for(options.name, options.subnet));
  spec.mtu = options.mtu;
  spec.internal = options.internal;
  spec.allow_host_loopback = options.allow_host_loopback;
  require(state_->world.add_network(spec));
}

Endpoint World::add_endpoint(const EndpointOptions& options) {
  control::EndpointRequest request;
  request.name = options.name;
  request.network = options.network;
  request.aliases = options.aliases;
  request.publish = options.publish;
  request.dhcp = options.dhcp;
  if (!options.address.empty())
    request.ip = detail::ipv4_address(options.address, "EndpointOptions::address");
  if (!options.mac.empty()) {
    request.mac = MacAddress::parse(options.mac);
    if (!request.mac) {
      detail::raise_invalid(
          fmt::format("EndpointOptions::mac: \"{}\" is no MAC address; write it "
                      "like 02:42:ac:11:00:02",
                      options.mac));
    }
  }
  detail::EndpointState& state = state_->state_of(*value_of(state_->world.add_endpoint(request)));
  state.answer_arp = options.answer_arp;
  return Endpoint(*state_, state);
}

Endpoint World::endpoint(std::string_view name) {
  lab::Member* const member = state_->world.member(name);
  if (member == nullptr)
    throw Error(Error::Code::not_found, fmt::format("No such endpoint: {}", name));
  return Endpoint(*state_, state_->state_of(*member));
}

void World::remove(const Endpoint& endpoint) {
  if (endpoint.world_ != state_.get())
    detail::raise_invalid(fmt::format("{} is an endpoint of another world", endpoint.name()));
  if (endpoint.attached()) state_->world.remove_endpoint(*endpoint.state_->member);
}

void World::run_for(Duration duration) {
  state_->world.run_for(not_negative(duration, "run_for"));
}

Duration World::elapsed() const {
  return state_->world.now() - state_->start;
}

void World::serve(const TcpServer& server) {
  lab::TcpService service;
  service.at = socket_address(server.at, "TcpServer::at");
  service.connect = connect_of(server.connect);
  service.latency = not_negative(server.latency, "TcpServer::latency");
  service.talk = talk_of(server.talk);
  service.greeting = server.greeting;
  service.reply = server.reply;
  service.read_bytes_per_s = server.read_bytes_per_s;
  service.close_after = server.close_after;
  service.reset_after = server.reset_after;
  state_->world.actors().serve(service);
}

void World::serve(const UdpServer& server) {
  lab::UdpService service;
  service.at = socket_address(server.at, "UdpServer::at");
  service.answer = answer_of(server.answer);
  service.reply = server.reply;
  service.latency = not_negative(server.latency, "UdpServer::latency");
  state_->world.actors().serve(service);
}

void World::answer_ping(std::string_view address, Duration latency) {
  state_->world.actors().answer_echo(detail::ipv4_address(address, "answer_ping"),
                                     not_negative(latency, "answer_ping"));
}

std::string World::received_by(std::string_view server) const {
  return state_->world.actors().received_at(socket_address(server, "received_by"));
}

std::size_t World::connections_of(std::string_view server) const {
  return state_->world.actors().connections_at(socket_address(server, "connections_of"));
}

Client World::connect(const TcpClientOptions& client) {
  lab::TcpClient dialled;
  dialled.from = socket_address(client.from, "TcpClientOptions::from");
  dialled.to = socket_address(client.to, "TcpClientOptions::to");
  dialled.at = state_->world.now() + not_negative(client.after, "TcpClientOptions::after");
  dialled.send = client.send;
  dialled.shut_down = client.shut_down;
  dialled.reset_after = client.reset_after;
  return Client(&state_->world.actors().dial(dialled));
}

Client World::send(const UdpClientOptions& client) {
  lab::UdpClient sender;
  sender.from = socket_address(client.from, "UdpClientOptions::from");
  sender.to = socket_address(client.to, "UdpClientOptions::to");
  sender.at = state_->world.now() + not_negative(client.after, "UdpClientOptions::after");
  sender.send = client.send;
  return Client(&state_->world.actors().send(sender));
}

void World::add_name(const NameRecord& record) {
  require(state_->world.names().add({record.name, record.type, record.data, record.ttl_s}));
}

void World::set_upstream(Upstream mood, Duration latency) {
  state_->world.names().set_latency(not_negative(latency, "set_upstream"));
  state_->world.names().set_mood(mood_of(mood));
}

void World::impair(std::string_view target, std::string_view words, std::uint64_t seed) {
  pontoon::Error refusal{ErrorCode::not_found, "there is no network; add_network() makes one"};
  for (const std::string& name : state_->world.networks()) {
    const auto done = state_->world.network(name)->impair(target, control::split_at_spaces(words),
                                                          seed, state_->world.now());
    if (done) return;
    // What one network says of a target of another is that there is no such thing.
    if (refusal.code == ErrorCode::not_found) refusal = done.error();
  }
  detail::raise(refusal);
}

std::size_t World::clear_impairments(std::string_view target) {
  pontoon::Error refusal{ErrorCode::not_found, "there is no network; add_network() makes one"};
  std::size_t cleared = 0;
  bool understood = false;
  for (const std::string& name : state_->world.networks()) {
    const auto done = state_->world.network(name)->clear_impairments(target, state_->world.now());
    if (!done) {
      refusal = done.error();
      continue;
    }
    understood = true;
    cleared += *done;
  }
  if (!understood) detail::raise(refusal);
  state_->world.settle();
  return cleared;
}

void World::restart() {
  state_->world.restart();
}

std::vector<Drop> World::drops() const {
  std::vector<Drop> all;
  for (const std::string& name : state_->world.networks()) {
    for (control::DropInfo& drop : state_->world.network(name)->drops())
      all.push_back({std::move(drop.where), std::move(drop.reason), drop.count});
  }
  return all;
}

std::uint64_t World::drops(std::string_view where, std::string_view reason) const {
  std::uint64_t count = 0;
  for (const Drop& drop : drops()) {
    if (drop.where == where && drop.reason == reason) count += drop.count;
  }
  return count;
}

Bytes World::take_capture() {
  return state_->capture.take();
}

}  // namespace pontoon::testing
