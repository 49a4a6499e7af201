// One seed's run: a world of endpoints that talk, through everything that the seed lets go wrong,
// until the faults end and all must be well again.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/capture/packet.h"
#include "lab/world/world.h"
#include "tests/sim/border.h"
#include "tests/sim/conversation.h"
#include "tests/sim/dhcp_client.h"
#include "tests/sim/frame_inspector.h"
#include "tests/sim/frame_ledger.h"
#include "tests/sim/heckler.h"
#include "tests/sim/intruder.h"
#include "tests/sim/leak_checker.h"
#include "tests/sim/lease_checker.h"
#include "tests/sim/options.h"
#include "tests/sim/probes.h"
#include "tests/sim/report.h"
#include "tests/sim/station.h"

namespace pontoon::sim {

struct Verdict {
  bool failed = false;
  std::string failure;
  std::string steps;
  std::string options;
  std::uint64_t hash = 0;
  std::uint64_t frames = 0;
  std::size_t conversations = 0;
  std::size_t completed = 0;
  std::size_t answered = 0;
  // Per endpoint, when it was asked for: everything at its port.
  std::map<std::string, std::vector<capture::Packet>> captures;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, bool record);
  ~Simulation();

  Verdict run();
  Instant now() const noexcept { return world_.now(); }

 private:
  // A station and what belongs to its place in the plan.
  struct Seat {
    std::unique_ptr<Station> station;
    std::unique_ptr<DhcpClient> dhcp;
    std::string name;
    std::string network;
    std::uint16_t published = 0;
    IpAddress address;
  };

  // The plan: what happens when. All of it follows from the seed.
  void build();
  void add_hosts();
  void plan();
  void plan_faults();
  void at(Duration after, std::function<void()> what);
  Duration some_time();

  bool seat(Seat& seat);
  void add_seat(const std::string& name, const std::string& network);
  void equip(Seat& seat);
  Seat& some_seat();
  void begin_conversation();
  void call_out(Seat& seat, const SocketAddress& to, Outcome expected, const Script& script,
                const TcpManners& manners);
  void call_in(Seat& seat, const Script& script);
  void probe();
  void intrude();
  void heckle();
  void leave(Seat& seat);
  void restart();
  void cut(Seat& seat);
  void calm();
  void last_round();
  void last_calls(Seat& seat);
  void call_again(Seat& seat, const Conversation& before);
  void call_with_a_loss(Seat& seat);
  void call_for_bulk(Seat& seat);
  void run_arenas();
  void last_questions(Seat& seat);
  void finish();
  void check_drops();

  bool step(Instant now);
  void watch(std::string_view where, FrameEvent event, ByteView frame,
             std::optional<DropReason> reason, Instant now);
  void record(std::string_view where, FrameEvent event, ByteView frame,
              std::optional<DropReason> reason, Instant now);

  std::uint64_t seed_;
  bool recording_;
  SeededRandom random_;
  Options options_;
  Report report_;
  FrameLedger ledger_{report_};
  FrameInspector inspector_{report_};
  lab::World world_;
  Border border_{world_, report_};
  lab::Agenda agenda_{world_.events()};
  NamesTruth truth_{world_};
  LeaseChecker leases_{world_, report_};
  std::deque<Seat> seats_;
  std::deque<Station> intruders_;
  std::deque<Intruder> tricks_;
  std::deque<std::unique_ptr<Station>> departed_;
  Conversations conversations_{world_, report_};
  LeakChecker leaks_{world_, conversations_, report_};
  Heckler heckler_;
  bool restarted_ = false;
  Probes probes_{world_, truth_, report_};
  Verdict verdict_;
};

}  // namespace pontoon::sim
