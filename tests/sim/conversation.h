// Scripted TCP connections between stations and the host's side, through a network's gateway: both
// ends, what is expected of them, and whether they came to their end.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lab/world/world.h"
#include "tests/sim/party.h"
#include "tests/sim/station.h"
#include "tests/sim/stream_checker.h"

namespace pontoon::sim {

// What becomes of a connect to a host, and by when the endpoint must know.
enum class Outcome : std::uint8_t { complete, refused, silence };

struct Conversation {
  Script script;
  std::string endpoint;  // the station's name
  Outcome expected = Outcome::complete;
  Instant began{};
  std::unique_ptr<StreamChecker> checker;
  ReferenceTcp* tcp = nullptr;  // the station's
  std::unique_ptr<Channel> endpoint_channel;
  std::unique_ptr<Party> endpoint_party;
  std::unique_ptr<Channel> host_channel;
  std::unique_ptr<Party> host_party;

  bool done() const;
};

class Conversations {
 public:
  Conversations(lab::World& world, Report& report) : world_(world), report_(report) {}

  // Streams that services accept are looked for here.
  void add_service(const SocketAddress& at) { services_.push_back(at); }
  // An endpoint connects to a service.
  Conversation& call_out(Station& station, const SocketAddress& to, const Script& script,
                         const TcpManners& manners, Outcome expected);
  // The same once more, from the port of a conversation that has just ended.
  Conversation& call_again(Station& station, const Conversation& before, const Script& script,
                           const TcpManners& manners);
  // A client outside connects to a published port.
  Conversation& call_in(Station& station, const SocketAddress& from, const SocketAddress& to,
                        const Script& script);
  // The station answers calls at that port.
  void answer_at(Station& station, std::uint16_t port, const TcpManners& manners);

  bool step(Instant now);
  // A lost reset is not repeated, and who waits for the other's end waits on.
  void lose_resets() noexcept { resets_are_lost_ = true; }
  // The daemon died, or an endpoint has gone: its conversations may be cut off.
  void disturb_all();
  void disturb(const std::string& endpoint);
  // Conversations that have not come to their end, first one described; empty when all have.
  std::string unfinished() const;
  // Those that began then or later must have ended by now.
  void judge_since(Instant begin);
  // Nobody was cut off, and nobody has cut off the other.
  bool all_ended_in_order() const;
  // Outcomes that were expected otherwise are reported.
  void judge();
  std::size_t size() const noexcept { return all_.size(); }
  std::size_t completed() const noexcept;
  std::uint32_t next_id() noexcept { return ++last_id_; }

 private:
  // A stream, or a connection, that has not yet said whose it is.
  struct Guest {
    std::unique_ptr<Stream> stream;
    ReferenceTcp* tcp = nullptr;
    std::string heard;
    Station* station = nullptr;
  };

  Conversation& add(Station& station, const Script& script, Outcome expected);
  bool seat(Guest& guest);
  bool seat_stream(Guest& guest);
  Conversation* find(std::uint32_t id);
  void sit_down(Conversation& conversation, ReferenceTcp& tcp, std::string heard);
  Conversation& seat_caller(Conversation& conversation, Station& station, ReferenceTcp& tcp);
  void sit_down(Conversation& conversation, std::unique_ptr<Stream> stream);
  std::string describe(const Conversation& conversation) const;

  lab::World& world_;
  Report& report_;
  std::vector<SocketAddress> services_;
  std::deque<Conversation> all_;
  std::deque<Guest> guests_;
  std::uint32_t last_id_ = 0;
  bool resets_are_lost_ = false;
};

}  // namespace pontoon::sim
