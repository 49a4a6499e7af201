// A DNS server with a scripted upstream, in virtual time.
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/timer_queue.h"
#include "dns/server.h"
#include "tests/support/dns.h"

namespace pontoon::test {

// Keeps what it was asked; the test answers when it likes.
class ScriptedForwarder final : public dns::Forwarder {
 public:
  struct Asked {
    dns::ForwardTicket ticket;
    Bytes query;
  };

  void set_handler(dns::ForwardHandler* to) noexcept override { handler = to; }
  Status<dns::ForwardError> forward(dns::ForwardTicket ticket, ByteView query,
                                    Instant) noexcept override {
    if (refusing) return dns::ForwardError::no_servers;
    asked.push_back({ticket, Bytes(query.begin(), query.end())});
    ++total;
    return {};
  }
  void cancel(dns::ForwardTicket) noexcept override { ++cancelled; }

  // The oldest question that was not answered yet.
  Asked take() {
    if (asked.empty()) throw std::runtime_error("nothing was forwarded");
    Asked first = asked.front();
    asked.pop_front();
    return first;
  }

  dns::ForwardHandler* handler = nullptr;
  std::deque<Asked> asked;
  std::size_t total = 0;
  std::size_t cancelled = 0;
  bool refusing = false;
};

struct Reply {
  dns::Client client;
  dns::Transport transport;
  Bytes bytes;
  DnsMessage message;
};

class DnsTalk : public dns::ReplySink {
 public:
  explicit DnsTalk(dns::ServerConfig config = {});

  // Sends a query from 172.17.0.`host`; the reply lands in `replies` at once or later.
  dns::QueryFate send(const DnsMessage& query, unsigned host = 2,
                      dns::Transport transport = dns::Transport::udp);
  dns::QueryFate send_bytes(ByteView query, unsigned host = 2,
                            dns::Transport transport = dns::Transport::udp);
  // Sends and expects the reply at once.
  DnsMessage ask(const DnsMessage& query, dns::Transport transport = dns::Transport::udp);
  DnsMessage ask(std::string name, std::uint16_t type = 1) { return ask(question(name, type)); }
  // The upstream answers the oldest open question with these records.
  void upstream(std::vector<DnsRecord> answers, unsigned rcode = 0,
                std::vector<DnsRecord> authorities = {});
  void upstream_bytes(dns::ForwardTicket ticket, ByteView bytes);
  void upstream_fails(dns::ForwardError error);
  // Lets time pass; timers fire.
  void tick(Duration time);
  DnsMessage take();  // the oldest reply

  void on_reply(const dns::Client& client, dns::Transport transport, ByteView reply,
                Instant now) noexcept override;

  Instant now{std::chrono::hours(1)};
  TimerQueue timers;
  SeededRandom random{1, "dns"};
  ScriptedForwarder forwarder;
  std::deque<Reply> replies;
  dns::Server server;
};

std::shared_ptr<const dns::ZoneSet> talk_zones();

}  // namespace pontoon::test
