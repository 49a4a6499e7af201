// Theory of operation. A Replay makes a world of the case and goes through the capture once. For
// each packet: whose is it (replay_players.h), when (replay_timeline.h); the world runs until then;
// the frame is put on its endpoint's wire, with what the case says about replaced stations and
// adaptation. What the world's watcher sees becomes events. Nothing here depends on anything but
// the case and the capture: no map by address of memory, no clock, and one seed.
#include "lab/replay/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "control/impair_target.h"
#include "core/base/limits.h"
#include "core/capture/reader.h"
#include "lab/replay/adapt.h"
#include "lab/replay/replay_files.h"
#include "lab/replay/replay_players.h"
#include "lab/replay/replay_timeline.h"
#include "lab/world/agenda.h"
#include "lab/world/world.h"

namespace pontoon::lab {
namespace {

class Notes {
 public:
  void add(std::size_t packet, std::string_view text) {
    add(fmt::format("packet {}: {}", packet, text));
  }
  void add(std::string text) {
    if (notes_.size() < limits::kReplayNotes) {
      notes_.push_back(std::move(text));
    } else {
      ++more_;
    }
  }
  std::vector<std::string> take() {
    if (more_ > 0) notes_.push_back(fmt::format("... and {} more notes about packets", more_));
    return std::move(notes_);
  }

 private:
  std::vector<std::string> notes_;
  std::size_t more_ = 0;
};

// What was captured as Ethernet is played as it is, however little it may be.
std::optional<Bytes> frame_of(const capture::Packet& packet, capture::LinkType type) {
  if (type == capture::LinkType::ethernet) return packet.bytes;
  return capture::as_ethernet(packet, type);
}

class Replay {
 public:
  Replay(const Case& description, const CaptureFile& capture, ReplaySink& sink)
      : case_(description),
        capture_(capture),
        sink_(sink),
        world_(description.seed),
        agenda_(world_.events()),
        timeline_(capture.packets.empty() ? 0 : capture.packets.front().time_ns, world_.now()) {}

  Result<ReplayResult> run() {
    if (auto made = make_world(); !made) return made.error();
    if (auto made = make_outside(); !made) return made.error();
    auto players = Players::make(case_, macs(), capture_);
    if (!players) return players.error();
    if (auto played = play(*players); !played) return played.error();
    world_.run_until(world_.now() + case_.after);
    return finish();
  }

 private:
  Status<> make_world();
  Status<> make_outside();
  Status<> plan_impairment(const TimedImpairment& impairment, std::uint64_t number);
  std::vector<MacAddress> macs() const;
  Status<> play(const Players& players);
  void play_packet(std::size_t number, const capture::Packet& packet, Member& member, Bytes frame);
  void put(Member& member, Bytes& frame);
  Error nobody_speaks() const;
  void watch(std::string_view where, FrameEvent event, ByteView frame,
             std::optional<DropReason> reason, Instant now);
  void answer_for(std::string_view where, ByteView frame, Instant now);
  ReplayResult finish();

  const Case& case_;
  const CaptureFile& capture_;
  ReplaySink& sink_;
  World world_;
  Agenda agenda_;
  Timeline timeline_;
  std::vector<Member*> members_;
  std::set<MacAddress> replaced_;
  std::unique_ptr<Adapter> adapter_;
  std::vector<const ClientOutcome*> clients_;
  Notes notes_;
  std::size_t played_ = 0;
  std::size_t theirs_ = 0;  // packets that are an endpoint's, played or not
};

Status<> Replay::make_world() {
  for (const control::NetworkSpec& spec : case_.networks) {
    if (auto added = world_.add_network(spec); !added) return added;
  }
  for (const CaseEndpoint& endpoint : case_.endpoints) {
    auto member = world_.add_endpoint(endpoint.request);
    if (!member) {
      return Error{member.error().code,
                   fmt::format("endpoint {}: {}", endpoint.request.name, member.error().message)};
    }
    members_.push_back(*member);
  }
  replaced_.insert(case_.replaced.begin(), case_.replaced.end());
  if (case_.adapt) adapter_ = std::make_unique<Adapter>(case_, capture_);
  world_.set_watcher([this](std::string_view where, FrameEvent event, ByteView frame,
                            std::optional<DropReason> reason,
                            Instant now) { watch(where, event, frame, reason, now); });
  return {};
}

Status<> Replay::make_outside() {
  for (const NameRecord& record : case_.names) {
    if (auto added = world_.names().add(record); !added) return added;
  }
  for (const auto& response : case_.responses)
    world_.names().remember(response);
  world_.names().set_mood(case_.upstream_mood);
  world_.names().set_latency(case_.upstream_latency);
  for (const TcpService& service : case_.tcp_services)
    world_.actors().serve(service);
  for (const UdpService& service : case_.udp_services)
    world_.actors().serve(service);
  for (const IpAddress& host : case_.echo_hosts)
    world_.actors().answer_echo(host, Duration{});
  for (const Timed& timed : case_.clients) {
    if (timed.tcp) {
      TcpClient client = *timed.tcp;
      client.at = world_.now() + timed.after;
      clients_.push_back(&world_.actors().dial(client));
    }
    if (timed.udp) {
      UdpClient client = *timed.udp;
      client.at = world_.now() + timed.after;
      clients_.push_back(&world_.actors().send(client));
    }
  }
  std::uint64_t number = 0;
  for (const TimedImpairment& impairment : case_.impairments) {
    if (auto planned = plan_impairment(impairment, ++number); !planned) return planned;
  }
  return {};
}

// The network is the one that knows who is named.
Status<> Replay::plan_impairment(const TimedImpairment& impairment, std::uint64_t number) {
  const auto target = control::parse_target(impairment.target);
  if (!target) return target.error();
  control::Network* network = world_.network(target->first);
  for (const Member* member : members_) {
    const bool named =
        target->kind != control::ImpairTarget::Kind::network && target->mentions(member->name());
    if (named) network = world_.network(member->info().network);
  }
  if (network == nullptr) {
    return Error{ErrorCode::not_found,
                 fmt::format("impair {}: there is no such endpoint or network in this case",
                             impairment.target)};
  }
  const std::uint64_t seed = case_.seed + number;
  agenda_.at(world_.now() + impairment.after, [this, network, impairment, seed](Instant now) {
    const auto words = control::split_at_spaces(impairment.words);
    const auto set = network->impair(impairment.target, words, seed, now);
    if (!set) notes_.add(fmt::format("impair {}: {}", impairment.target, set.error().message));
  });
  return {};
}

std::vector<MacAddress> Replay::macs() const {
  std::vector<MacAddress> out;
  for (const Member* member : members_)
    out.push_back(member->mac());
  return out;
}

Status<> Replay::play(const Players& players) {
  std::size_t number = 0;
  for (const capture::Packet& packet : capture_.packets) {
    ++number;
    const capture::LinkType type = packet.interface < capture_.interfaces.size()
                                       ? capture_.interfaces[packet.interface].link_type
                                       : capture::LinkType::ethernet;
    auto frame = frame_of(packet, type);
    if (!frame) {
      notes_.add(number, fmt::format("{} bytes of link type {} are no frame; not played",
                                     packet.bytes.size(), static_cast<unsigned>(type)));
      continue;
    }
    const auto endpoint = players.find(packet, *frame);
    if (!endpoint) continue;
    ++theirs_;
    play_packet(number, packet, *members_[*endpoint], std::move(*frame));
  }
  if (theirs_ == 0 && !members_.empty() && !capture_.packets.empty()) return nobody_speaks();
  return {};
}

void Replay::play_packet(std::size_t number, const capture::Packet& packet, Member& member,
                         Bytes frame) {
  if (packet.cut()) {
    return notes_.add(number, fmt::format("cut to {} of {} bytes; not played", packet.bytes.size(),
                                          packet.original_length));
  }
  if (frame.size() > limits::kLargeFrameBytes - limits::kFrameHeadroom) {
    return notes_.add(
        number, fmt::format("{} bytes are more than a frame holds; not played", frame.size()));
  }
  std::string note;
  const auto when = timeline_.at(packet.time_ns, note);
  if (!when) note = "more than a year after the first packet; not played";
  if (!note.empty()) notes_.add(number, note);
  if (!when) return;
  world_.run_until(*when);
  put(member, frame);
  ++played_;
}

void Replay::put(Member& member, Bytes& frame) {
  if (frame.size() >= MacAddress::size) {
    const MutableBytes destination = MutableBytes(frame).first(MacAddress::size);
    if (replaced_.contains(MacAddress::from(destination))) {
      const auto gateway = world_.network(member.info().network)->gateway_mac().octets;
      std::copy(gateway.begin(), gateway.end(), destination.begin());
    }
  }
  if (adapter_) adapter_->adapt(member.name(), frame);
  world_.send(member, frame);
}

Error Replay::nobody_speaks() const {
  std::string names;
  for (const Member* member : members_)
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", member->name(),
                         member->mac().to_string());
  return {ErrorCode::not_found,
          fmt::format("none of the capture's {} packets is an endpoint's: {}; say whose they are "
                      "with interface = or senders =",
                      capture_.packets.size(), names)};
}

// What a capture's client would have said to our gateway, and has no cause to say in it.
void Replay::answer_for(std::string_view where, ByteView frame, Instant now) {
  auto answer = adapter_->answer(where, frame);
  Member* member = world_.member(where);
  if (!answer || member == nullptr) return;
  agenda_.at(now,
             [this, member, bytes = std::move(*answer)](Instant) { world_.put(*member, bytes); });
}

void Replay::watch(std::string_view where, FrameEvent event, ByteView frame,
                   std::optional<DropReason> reason, Instant now) {
  if (adapter_ && event == FrameEvent::to_endpoint && adapter_->is_flooded(frame)) return;
  ReplayEvent out;
  out.time_ns = timeline_.time_of(now);
  out.port = where;
  out.event = event;
  out.reason = reason;
  out.frame.assign(frame.begin(), frame.end());
  if (adapter_ && event == FrameEvent::to_endpoint) {
    adapter_->on_sent(where, out.frame);
    answer_for(where, out.frame, now);
  }
  if (adapter_ && event == FrameEvent::from_endpoint) adapter_->as_asked(where, out.frame);
  sink_.on_event(std::move(out));
}

ReplayResult Replay::finish() {
  ReplayResult result;
  world_.set_watcher({});
  for (const std::string& name : world_.networks()) {
    const control::Network& network = *world_.network(name);
    for (control::EndpointInfo& info : network.endpoints())
      result.endpoints.push_back(std::move(info));
    for (control::DropInfo& drop : network.drops())
      result.drops.push_back(std::move(drop));
  }
  for (const ClientOutcome* client : clients_)
    result.clients.push_back(*client);
  result.played = played_;
  result.notes = notes_.take();
  return result;
}

class Collector final : public ReplaySink {
 public:
  void on_event(ReplayEvent&& event) override { events.push_back(std::move(event)); }
  std::vector<ReplayEvent> events;
};

}  // namespace

Result<CaptureFile> read_capture(ByteView file) {
  auto reader = capture::Reader::open(file);
  if (!reader) return reader.error();
  CaptureFile out;
  while (auto packet = (*reader)->next())
    out.packets.push_back(std::move(*packet));
  out.interfaces = (*reader)->interfaces();
  out.problem = (*reader)->problem();
  return out;
}

Result<ReplayResult> replay(const Case& description, const CaptureFile& capture, ReplaySink& sink) {
  return Replay(description, capture, sink).run();
}

Result<ReplayResult> replay(const Case& description, const CaptureFile& capture) {
  Collector collector;
  auto result = replay(description, capture, collector);
  if (result) result->events = std::move(collector.events);
  return result;
}

std::vector<std::uint8_t> sent_to(const ReplayResult& result, std::string_view port) {
  SentFiles files;
  for (const ReplayEvent& event : result.events) {
    if (event.port == port) files.add(event);
  }
  PortFiles made = std::move(files).finish(result.endpoints);
  const auto found = made.find(std::string(port));
  return found == made.end() ? std::vector<std::uint8_t>{} : std::move(found->second);
}

}  // namespace pontoon::lab
