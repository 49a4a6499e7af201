#include "tests/sim/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace pontoon::sim {
namespace {

constexpr std::string_view kName = "liveness";

// The endpoint's end.
class TcpChannel final : public Channel {
 public:
  TcpChannel(ReferenceTcp& tcp, std::string heard) : tcp_(tcp), heard_(std::move(heard)) {}

  std::size_t write_room() override { return tcp_.write_room(); }
  std::size_t write(std::string_view text, Instant now) override {
    tcp_.write(text, now);
    return text.size();
  }
  Heard read(std::string& out, std::size_t most, Instant now) override {
    out = heard_.empty() ? tcp_.read(most, now) : heard_.substr(0, most);
    if (!heard_.empty()) heard_.erase(0, out.size());
    if (!out.empty()) return Heard::text;
    if (failed()) return Heard::reset;
    return tcp_.peer_ended() ? Heard::end : Heard::nothing;
  }
  void shut_down(Instant now) override { tcp_.shut_down(now); }
  void abort(Instant now) override { tcp_.abort(now); }
  bool failed() const override {
    return tcp_.state() == ReferenceTcp::State::reset ||
           tcp_.state() == ReferenceTcp::State::gave_up;
  }

 private:
  ReferenceTcp& tcp_;
  std::string heard_;  // read before it was known whose it is
};

// The host's end.
class StreamChannel final : public Channel, private StreamHandler {
 public:
  explicit StreamChannel(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
  ~StreamChannel() override {
    if (stream_) stream_->set_handler(nullptr);
  }
  void wake(Party& party) {
    party_ = &party;
    stream_->set_handler(this);
  }

  std::size_t write_room() override { return stream_->write_room(); }
  std::size_t write(std::string_view text, Instant) override {
    const ByteView piece = as_bytes(text);
    const IoResult written = stream_->write({&piece, 1});
    return written.kind == IoResult::Kind::done ? written.bytes : 0;
  }
  Heard read(std::string& out, std::size_t most, Instant) override {
    std::vector<std::uint8_t> buffer(most);
    const MutableBytes room(buffer);
    const IoResult got = stream_->peek(0, {&room, 1});
    switch (got.kind) {
      case IoResult::Kind::would_block:
        return Heard::nothing;
      case IoResult::Kind::end:
        return Heard::end;
      case IoResult::Kind::failed:
        return Heard::reset;
      case IoResult::Kind::done:
        break;
    }
    stream_->consume(got.bytes);
    out.assign(as_text(ByteView(buffer).first(got.bytes)));
    return out.empty() ? Heard::nothing : Heard::text;
  }
  void shut_down(Instant) override { stream_->shutdown_write(); }
  void abort(Instant) override { stream_->abort(); }
  bool failed() const override { return stream_->state() == Stream::State::failed; }

 private:
  void on_ready() noexcept override { party_->wake(); }

  std::unique_ptr<Stream> stream_;
  Party* party_ = nullptr;
};

}  // namespace

bool Conversation::done() const {
  const bool endpoint_done = endpoint_party && endpoint_party->done();
  // A host that was never reached has nothing to end.
  return endpoint_done && (!host_party || host_party->done());
}

Conversation& Conversations::add(Station& station, const Script& script, Outcome expected) {
  Conversation& conversation = all_.emplace_back();
  conversation.script = script;
  conversation.endpoint = station.name();
  conversation.expected = expected;
  conversation.began = world_.now();
  conversation.checker = std::make_unique<StreamChecker>(conversation.script, report_);
  if (expected != Outcome::complete) conversation.checker->allow_reset();
  return conversation;
}

Conversation& Conversations::call_out(Station& station, const SocketAddress& to,
                                      const Script& script, const TcpManners& manners,
                                      Outcome expected) {
  Conversation& conversation = add(station, script, expected);
  return seat_caller(conversation, station, station.connect(to, manners, [] {}));
}

Conversation& Conversations::call_again(Station& station, const Conversation& before,
                                        const Script& script, const TcpManners& manners) {
  Conversation& conversation = add(station, script, Outcome::complete);
  return seat_caller(conversation, station, station.connect_again(*before.tcp, manners, [] {}));
}

Conversation& Conversations::seat_caller(Conversation& conversation, Station& station,
                                         ReferenceTcp& tcp) {
  station.set_changed(tcp, [&conversation] {
    if (conversation.endpoint_party) conversation.endpoint_party->wake();
  });
  station.set_heard(tcp, [&conversation](std::uint64_t position, std::string_view text) {
    conversation.checker->on_heard(Way::down, position, text);
  });
  sit_down(conversation, tcp, {});
  return conversation;
}

Conversation& Conversations::call_in(Station& station, const SocketAddress& from,
                                     const SocketAddress& to, const Script& script) {
  Conversation& conversation = add(station, script, Outcome::complete);
  auto stream = world_.host().dial(from, to);
  if (stream == nullptr) {
    report_.fail("publishing", fmt::format("nobody listens at {}", to.to_string()));
  } else {
    sit_down(conversation, std::move(stream));
  }
  return conversation;
}

void Conversations::answer_at(Station& station, std::uint16_t port, const TcpManners& manners) {
  station.listen_tcp(port, manners,
                     [this, &station](ReferenceTcp& tcp, std::function<void()>& changed) {
                       Guest& guest = guests_.emplace_back();
                       guest.tcp = &tcp;
                       guest.station = &station;
                       changed = [] {};
                     });
}

void Conversations::sit_down(Conversation& conversation, ReferenceTcp& tcp, std::string heard) {
  conversation.tcp = &tcp;
  conversation.endpoint_channel = std::make_unique<TcpChannel>(tcp, std::move(heard));
  conversation.endpoint_party =
      std::make_unique<Party>(conversation.script, Way::up, *conversation.endpoint_channel,
                              *conversation.checker, world_.events());
}

void Conversations::sit_down(Conversation& conversation, std::unique_ptr<Stream> stream) {
  auto channel = std::make_unique<StreamChannel>(std::move(stream));
  conversation.host_party = std::make_unique<Party>(conversation.script, Way::down, *channel,
                                                    *conversation.checker, world_.events());
  channel->wake(*conversation.host_party);
  conversation.host_channel = std::move(channel);
}

Conversation* Conversations::find(std::uint32_t id) {
  for (Conversation& conversation : all_) {
    if (conversation.script.id == id) return &conversation;
  }
  return nullptr;
}

// A guest is known by the first bytes that it hears. True when it has sat down, or has gone.
bool Conversations::seat(Guest& guest) {
  if (guest.stream) return seat_stream(guest);
  guest.heard += guest.tcp->read(kHeaderBytes - guest.heard.size(), world_.now());
  const auto state = guest.tcp->state();
  if (state == ReferenceTcp::State::reset || state == ReferenceTcp::State::gave_up) return true;
  if (guest.heard.size() < kHeaderBytes) return false;
  const auto id = id_of(guest.heard, Way::down);
  Conversation* conversation = id ? find(*id) : nullptr;
  if (conversation == nullptr || conversation->endpoint != guest.station->name()) {
    report_.fail("stream integrity",
                 "a published connection begins with bytes that no client has said to it");
    return true;
  }
  sit_down(*conversation, *guest.tcp, guest.heard);
  guest.station->set_changed(*guest.tcp, [conversation] { conversation->endpoint_party->wake(); });
  guest.station->set_heard(*guest.tcp,
                           [conversation](std::uint64_t position, std::string_view text) {
                             conversation->checker->on_heard(Way::down, position, text);
                           });
  return true;
}

bool Conversations::seat_stream(Guest& guest) {
  std::array<std::uint8_t, kHeaderBytes> header{};
  const MutableBytes room(header);
  const IoResult got = guest.stream->peek(0, {&room, 1});
  if (got.kind == IoResult::Kind::failed || got.kind == IoResult::Kind::end) return true;
  if (got.kind != IoResult::Kind::done || got.bytes < header.size()) return false;
  const auto id = id_of(as_text(header), Way::up);
  Conversation* conversation = id ? find(*id) : nullptr;
  if (conversation == nullptr || conversation->host_party) {
    report_.fail("stream integrity", "a connection out begins with bytes that no endpoint said");
    return true;
  }
  if (conversation->expected != Outcome::complete) {
    report_.fail("outcome", fmt::format("conversation {} reached a host", conversation->script.id));
  }
  sit_down(*conversation, std::move(guest.stream));
  return true;
}

bool Conversations::step(Instant now) {
  bool worked = false;
  for (const SocketAddress& service : services_) {
    while (auto stream = world_.host().take_accepted(service)) {
      guests_.emplace_back().stream = std::move(stream);
      worked = true;
    }
  }
  const std::size_t waiting = guests_.size();
  std::erase_if(guests_, [this](Guest& guest) { return seat(guest); });
  worked = worked || guests_.size() != waiting;
  for (Conversation& conversation : all_) {
    if (conversation.host_party) worked = conversation.host_party->step(now) || worked;
    if (conversation.endpoint_party) worked = conversation.endpoint_party->step(now) || worked;
  }
  return worked;
}

void Conversations::disturb_all() {
  for (Conversation& conversation : all_)
    conversation.checker->disturb();
}

void Conversations::disturb(const std::string& endpoint) {
  for (Conversation& conversation : all_) {
    if (conversation.endpoint == endpoint) conversation.checker->disturb();
  }
}

std::string Conversations::describe(const Conversation& conversation) const {
  return fmt::format(
      "conversation {} of {}, begun at {:.6f} s: endpoint {}; host {}{}", conversation.script.id,
      conversation.endpoint,
      std::chrono::duration<double>(conversation.began.time_since_epoch()).count(),
      conversation.endpoint_party ? conversation.endpoint_party->describe() : "not reached",
      conversation.host_party ? conversation.host_party->describe() : "not reached",
      conversation.tcp ? "; " + conversation.tcp->describe() : "");
}

std::string Conversations::unfinished() const {
  for (const Conversation& conversation : all_) {
    if (conversation.expected == Outcome::silence || conversation.checker->disturbed()) continue;
    const bool aborted = (conversation.endpoint_party && conversation.endpoint_party->aborted()) ||
                         (conversation.host_party && conversation.host_party->aborted());
    if (resets_are_lost_ && aborted) continue;
    if (!conversation.done()) return describe(conversation);
  }
  return {};
}

void Conversations::judge_since(Instant begin) {
  for (const Conversation& conversation : all_) {
    const bool late = conversation.began >= begin && !conversation.checker->disturbed() &&
                      conversation.expected == Outcome::complete && !conversation.done();
    if (late) report_.fail(kName, "without faults it should be over: " + describe(conversation));
  }
}

bool Conversations::all_ended_in_order() const {
  return std::all_of(all_.begin(), all_.end(), [](const Conversation& each) {
    return each.expected != Outcome::complete ||
           (each.done() && !each.checker->disturbed() && !each.script.aborts());
  });
}

void Conversations::judge() {
  if (const std::string left = unfinished(); !left.empty()) report_.fail(kName, left);
  for (const Conversation& conversation : all_) {
    if (conversation.checker->disturbed() || !conversation.tcp) continue;
    const bool refused = conversation.tcp->state() == ReferenceTcp::State::reset;
    const bool opened = conversation.host_party != nullptr;
    const bool right = conversation.expected == Outcome::complete  ? opened
                       : conversation.expected == Outcome::refused ? refused && !opened
                                                                   : !opened;
    if (!right) report_.fail("outcome", "not as the host decided: " + describe(conversation));
  }
}

std::size_t Conversations::completed() const noexcept {
  return static_cast<std::size_t>(std::count_if(
      all_.begin(), all_.end(), [](const Conversation& each) { return each.done(); }));
}

}  // namespace pontoon::sim
