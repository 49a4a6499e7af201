// The DHCP server and its book by themselves, among clients that no control plane knows: they come
// and go, renew, release and decline over a lossy link, the disk is slow, full or torn, and the
// daemon dies. A world's endpoints get the addresses that were reserved for them, so the book's own
// choices are made here.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "dhcp/server.h"
#include "lab/world/agenda.h"
#include "tests/sim/book_checker.h"
#include "tests/sim/dhcp_client.h"
#include "tests/sim/dhcp_heckler.h"
#include "tests/sim/report.h"

namespace pontoon::sim {

class DhcpArena final : private dhcp::ReplySender {
 public:
  DhcpArena(std::uint64_t seed, Report& report);
  ~DhcpArena() override;

  void run(Duration time);
  std::uint64_t hash() const noexcept { return hash_; }
  std::size_t acknowledged() const noexcept { return acknowledged_; }

 private:
  struct Engine {  // what dies with the daemon
    Engine(const dhcp::ServerConfig& config, TimerQueue& timers, dhcp::ReplySender& sender)
        : book({1, "arena", config.prefix, config.gateway, {}}, timers),
          server(config, book, sender, drops) {}

    DropCounters drops;
    dhcp::LeaseBook book;
    dhcp::Server server;
  };
  struct Holding {
    MacAddress client;
    Instant until{};
  };

  void add_client(unsigned number);
  void start_engine();
  void to_server(DhcpClient& client, std::vector<std::uint8_t> message, Ipv4Address source,
                 Ipv4Address target);
  void deliver(DhcpClient& client, const std::vector<std::uint8_t>& message, Ipv4Address source,
               Ipv4Address target, Instant now);
  void send(const dhcp::Reply& reply, Instant now) noexcept override;
  void on_acknowledged(const DhcpText& text, Instant now);
  void on_offered(const DhcpText& text, Instant now);
  void turn();
  void write_leases();
  void act(Instant now);
  void heckle(Instant now);
  void hoard(Instant now);
  void check_reboot(const DhcpText& text, Instant now);
  void check_book(Instant now);
  void check_stability(const DhcpText& text);
  bool roomy() const { return config_.prefix.length <= 26; }
  void crash();
  void finish();
  std::optional<Duration> link_delay();

  std::uint64_t seed_;
  Report& report_;
  SeededRandom random_;
  Instant now_{std::chrono::seconds(5000)};
  Instant end_{};
  TimerQueue timers_;
  lab::Agenda agenda_{timers_};
  dhcp::ServerConfig config_;
  std::unique_ptr<dhcp::MemoryLeaseStore> store_;
  std::unique_ptr<Engine> engine_;
  std::deque<DhcpClient> clients_;
  std::map<Ipv4Address, Holding> holdings_;
  std::map<Ipv4Address, Instant> declined_;
  std::map<MacAddress, Ipv4Address> last_of_;  // what a client was acknowledged last
  std::vector<std::uint8_t> said_;             // types of messages, since it was cleared
  DhcpHeckler heckler_;
  BookChecker book_checker_{report_};
  std::map<std::uint32_t, Instant> first_asked_;  // by transaction
  std::uint32_t loss_ = 0;
  bool disk_held_ = false;
  bool disk_full_ = false;
  bool calm_ = false;
  std::uint64_t hash_ = 14695981039346656037ULL;
  std::size_t acknowledged_ = 0;
};

}  // namespace pontoon::sim
