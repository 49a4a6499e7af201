// Short questions of stations and the answers that they must get: pings, echoed datagrams, names.
// While faults last an answer may fail to come; a wrong one is always an error.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "lab/world/world.h"
#include "tests/sim/station.h"
#include "tests/support/dns.h"

namespace pontoon::sim {

// DNS truth: what a name stands for, now.
using Addresses = std::set<std::string>;

class NamesTruth {
 public:
  explicit NamesTruth(lab::World& world) : world_(world) {}
  void add_upstream(const std::string& name, const std::string& address);
  // As an endpoint of that network sees it; empty: no such name.
  Addresses of(const std::string& name, const std::string& network) const;
  bool is_local(const std::string& name) const;
  // From now on the upstream's answers prove nothing: a lie is remembered for a while.
  void distrust_upstream() noexcept { trusted_ = false; }
  bool trusts(const std::string& name) const { return trusted_ || is_local(name); }
  const std::map<std::string, std::string>& upstream() const noexcept { return upstream_; }

 private:
  lab::World& world_;
  std::map<std::string, std::string> upstream_;
  bool trusted_ = true;
};

class Probes {
 public:
  Probes(lab::World& world, NamesTruth& truth, Report& report)
      : world_(world), truth_(truth), report_(report) {}

  // Once per station.
  void equip(Station& station);
  // `must`: there are no faults, so an answer has to come.
  void ping(Station& station, const IpAddress& target, bool must);
  void echo_udp(Station& station, const SocketAddress& target, bool must);
  void resolve(Station& station, const std::string& name, bool must);
  // For an address that no name has (AAAA): it exists, or it does not.
  void resolve_v6(Station& station, const std::string& name, bool must);
  // The daemon may have died with questions in flight, or the station has gone.
  void forget(const std::string& station);
  void forget_all();
  void judge();  // those that must have been answered by now
  std::size_t answered() const noexcept { return answered_; }

 private:
  struct Question {
    std::string station;
    std::string what;
    std::string expected;  // of the payload; a name as it was written, for DNS
    std::string name;      // in small letters
    std::uint16_t type = 1;
    IpAddress target;
    Addresses truth;  // of a name when it was asked
    bool must = false;
    bool answered = false;
  };

  Question& add(Station& station, std::string what, bool must);
  void ask(Station& station, const std::string& name, std::uint16_t type, bool must);
  void judge_answer(const Question& question, const Station& station,
                    const test::DnsMessage& answer);
  void repeat(std::function<void()> send, std::uint16_t number);
  void on_answer(Station& station, const IpAddress& from, std::uint16_t number,
                 std::string_view payload, std::string_view what);
  void on_dns(Station& station, const SocketAddress& from, std::string_view payload);

  lab::World& world_;
  NamesTruth& truth_;
  Report& report_;
  lab::Agenda agenda_{world_.events()};
  std::uint32_t dice_ = 1;
  std::map<std::uint16_t, Question> questions_;  // by number, which their packets carry
  std::uint16_t last_ = 0;
  std::size_t answered_ = 0;
};

}  // namespace pontoon::sim
