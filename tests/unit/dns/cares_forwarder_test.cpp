// Against name servers of the test's own on 127.0.0.1. Time is the kernel's here, because c-ares
// reads its clock itself; nothing sleeps, everything waits on descriptors with a bound.
#include "dns/cares_forwarder.h"

#include <poll.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <set>

#include "dns/message.h"
#include "tests/support/upstream.h"

using namespace pontoon;
using namespace pontoon::dns;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

Instant monotonic() {
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

struct Outcome {
  ForwardTicket ticket;
  std::optional<ForwardError> error;
  Bytes response;
};

class Rig final : public ForwardHandler {
 public:
  explicit Rig(CaresForwarderConfig config) : forwarder(std::move(config), poller) {
    forwarder.set_handler(this);
  }

  Status<ForwardError> forward(std::uint64_t ticket, std::string_view name,
                               std::uint16_t id = 0x4242) {
    Question question;
    question.name = *Name::from_text(name);
    std::array<std::uint8_t, kMaxUpstreamQueryBytes> query;
    const std::size_t size = write_upstream_query(query, id, question, false, false);
    return forwarder.forward(static_cast<ForwardTicket>(ticket), ByteView(query).first(size),
                             monotonic());
  }

  void on_forwarded(ForwardTicket ticket, const Result<ByteView, ForwardError>& response,
                    Instant) noexcept override {
    if (response) {
      outcomes.push_back({ticket, std::nullopt, Bytes(response->begin(), response->end())});
    } else {
      outcomes.push_back({ticket, response.error(), {}});
    }
    if (then) then(ticket);
  }

  // Runs until `count` outcomes are there; false after ten seconds.
  bool run(std::vector<Upstream*> upstreams, std::size_t count = 1) {
    const Instant end = monotonic() + 10s;
    while (outcomes.size() < count && monotonic() < end) {
      for (Upstream* upstream : upstreams)
        upstream->serve();
      while (poller.collect()) {
      }
      forwarder.on_timer(monotonic());
      forwarder.pump(monotonic());
      if (forwarder.has_work() || outcomes.size() >= count) continue;
      pollfd wait{poller.fd(), POLLIN, 0};
      ::poll(&wait, 1, 1);
    }
    return outcomes.size() >= count;
  }

  host::Poller poller;
  std::vector<Outcome> outcomes;
  std::function<void(ForwardTicket)> then;
  CaresForwarder forwarder;
};

CaresForwarderConfig toward(std::initializer_list<const Upstream*> upstreams,
                            Duration total = 300ms) {
  CaresForwarderConfig config;
  for (const Upstream* upstream : upstreams)
    config.upstreams.push_back(upstream->address());
  config.total_timeout = total;
  return config;
}

std::vector<Bytes> good_answer(const Bytes& query, bool) {
  DnsMessage response = response_to(query);
  response.answers.push_back(address_record(response.name, 60, "192.0.2.1"));
  return {encode(response)};
}

}  // namespace

TEST_CASE("a query goes out as it is and its response comes back") {
  Upstream upstream(good_answer);
  Rig rig(toward({&upstream}, 4s));
  REQUIRE(rig.forward(7, "wWw.example.com", 0xbeef).ok());
  REQUIRE(rig.run({&upstream}));
  CHECK(rig.outcomes[0].ticket == static_cast<ForwardTicket>(7));
  CHECK(decode(rig.outcomes[0].response).texts() == std::vector<std::string>{"192.0.2.1"});
  REQUIRE(upstream.udp_queries.size() == 1);
  const DnsMessage asked = decode(upstream.udp_queries[0]);
  CHECK(asked.id == 0xbeef);
  CHECK(asked.name == "wWw.example.com");
  CHECK(asked.opt->payload == 1232);
  CHECK(rig.forwarder.in_flight() == 0);
  CHECK(rig.forwarder.next_deadline() == kNever);
}

TEST_CASE("overlapping queries leave from ports of their own") {
  Upstream upstream(good_answer);
  Rig rig(toward({&upstream}, 4s));
  for (std::uint64_t i = 0; i < 20; ++i)
    REQUIRE(rig.forward(i, "h" + std::to_string(i) + ".example.com").ok());
  REQUIRE(rig.run({&upstream}, 20));
  const std::set<std::uint16_t> ports(upstream.source_ports.begin(), upstream.source_ports.end());
  CHECK(ports.size() == 20);
}

TEST_CASE("a truncated answer is asked for again over TCP") {
  Upstream upstream([](const Bytes& query, bool tcp) -> std::vector<Bytes> {
    DnsMessage response = response_to(query);
    if (!tcp) {
      response.flags |= 0x0200;
      return {encode(response)};
    }
    for (unsigned i = 0; i < 2000; ++i) {
      response.answers.push_back(
          address_record(response.name, 60, Ipv4Address{0x0a000000U + i}.to_string()));
    }
    return {encode(response)};
  });
  Rig rig(toward({&upstream}, 4s));
  REQUIRE(rig.forward(1, "www.example.com").ok());
  REQUIRE(rig.run({&upstream}));
  CHECK(decode(rig.outcomes[0].response).answers.size() == 2000);  // more than one read takes
  CHECK(upstream.tcp_queries.size() == 1);
}

TEST_CASE("silence ends within the total timeout, after a retry") {
  Upstream upstream([](const Bytes&, bool) { return std::vector<Bytes>{}; });
  Rig rig(toward({&upstream}));
  const Instant start = monotonic();
  REQUIRE(rig.forward(1, "www.example.com").ok());
  CHECK(rig.forwarder.next_deadline() <= start + 300ms + 100ms);
  REQUIRE(rig.run({&upstream}));
  CHECK(rig.outcomes[0].error == ForwardError::timed_out);
  CHECK(upstream.udp_queries.size() == 2);
  CHECK(rig.forwarder.in_flight() == 0);
}

TEST_CASE("forged answers are not taken, the true one behind them is") {
  Upstream upstream([](const Bytes& query, bool) {
    DnsMessage wrong_id = response_to(query);
    wrong_id.id ^= 1;
    DnsMessage wrong_question = response_to(query);
    wrong_question.name = "evil.example.com";
    return std::vector<Bytes>{encode(wrong_id), encode(wrong_question), Bytes{1, 2, 3},
                              good_answer(query, false)[0]};
  });
  Rig rig(toward({&upstream}, 4s));
  REQUIRE(rig.forward(1, "www.example.com").ok());
  REQUIRE(rig.run({&upstream}));
  CHECK(decode(rig.outcomes[0].response).texts() == std::vector<std::string>{"192.0.2.1"});
}

TEST_CASE("nothing but forged answers is silence") {
  Upstream upstream([](const Bytes& query, bool) {
    DnsMessage wrong = response_to(query);
    wrong.id ^= 1;
    return std::vector<Bytes>{encode(wrong)};
  });
  Rig rig(toward({&upstream}));
  REQUIRE(rig.forward(1, "www.example.com").ok());
  REQUIRE(rig.run({&upstream}));
  CHECK(rig.outcomes[0].error == ForwardError::timed_out);
}

TEST_CASE("a server that refuses or fails is passed over for the next") {
  for (const unsigned rcode : {2U, 5U}) {
    Upstream bad([rcode](const Bytes& query, bool) {
      return std::vector<Bytes>{encode(response_to(query, rcode))};
    });
    Upstream good(good_answer);
    Rig rig(toward({&bad, &good}, 4s));
    REQUIRE(rig.forward(1, "www.example.com").ok());
    REQUIRE(rig.run({&bad, &good}));
    CHECK_FALSE(rig.outcomes[0].error);
    Rig alone(toward({&bad}, 4s));
    REQUIRE(alone.forward(1, "www.example.com").ok());
    REQUIRE(alone.run({&bad}));
    CHECK(alone.outcomes[0].error == ForwardError::failed);
  }
}

TEST_CASE("a server that is not there is passed over, or the failure told soon") {
  SocketAddress gone;
  { gone = Upstream(good_answer).address(); }
  Upstream good(good_answer);
  CaresForwarderConfig config = toward({&good}, 4s);
  config.upstreams.insert(config.upstreams.begin(), gone);
  Rig rig(config);
  REQUIRE(rig.forward(1, "www.example.com").ok());
  REQUIRE(rig.run({&good}));
  CHECK_FALSE(rig.outcomes[0].error);
  config.upstreams.pop_back();
  Rig alone(config);
  REQUIRE(alone.forward(1, "www.example.com").ok());
  REQUIRE(alone.run({}));
  CHECK(alone.outcomes[0].error == ForwardError::failed);
}

TEST_CASE("a server that does not know EDNS is asked without it") {
  Upstream old([](const Bytes& query, bool) {
    if (decode(query).opt) return std::vector<Bytes>{encode(response_to(query, 1))};
    return good_answer(query, false);
  });
  Rig rig(toward({&old}, 4s));
  REQUIRE(rig.forward(1, "www.example.com").ok());
  REQUIRE(rig.run({&old}));
  CHECK(decode(rig.outcomes[0].response).texts() == std::vector<std::string>{"192.0.2.1"});
  CHECK_FALSE(decode(old.udp_queries.back()).opt);
}

TEST_CASE("no server, or only ourselves, fails at once") {
  Upstream upstream(good_answer);
  CaresForwarderConfig config = toward({&upstream});
  config.own_addresses = {Ipv4Address::of(127, 0, 0, 1)};
  Rig loop(config);
  CHECK(loop.forward(1, "www.example.com").error() == ForwardError::no_servers);
  CaresForwarderConfig none;
  none.resolv_conf = "/nonexistent/resolv.conf";
  Rig rig(none);
  CHECK(rig.forward(1, "www.example.com").error() == ForwardError::no_servers);
  CHECK_FALSE(rig.forwarder.has_work());
}

TEST_CASE("cancelled queries are not heard of again, also from within the handler") {
  Upstream upstream(good_answer);
  Rig rig(toward({&upstream}, 4s));
  REQUIRE(rig.forward(1, "a.example.com").ok());
  rig.forwarder.cancel(static_cast<ForwardTicket>(1));
  CHECK(rig.forwarder.in_flight() == 0);
  rig.forwarder.cancel(static_cast<ForwardTicket>(99));
  // The first to come back cancels all the others, some of which are done already.
  for (std::uint64_t i = 10; i < 20; ++i)
    REQUIRE(rig.forward(i, "h" + std::to_string(i) + ".example.com").ok());
  rig.then = [&](ForwardTicket ticket) {
    for (std::uint64_t i = 10; i < 20; ++i) {
      if (static_cast<ForwardTicket>(i) != ticket) {
        rig.forwarder.cancel(static_cast<ForwardTicket>(i));
      }
    }
  };
  REQUIRE(rig.run({&upstream}));
  CHECK(rig.outcomes.size() == 1);
  CHECK(rig.forwarder.in_flight() == 0);
  CHECK(rig.forwarder.next_deadline() == kNever);
}

TEST_CASE("the handler may forward again") {
  Upstream upstream(good_answer);
  Rig rig(toward({&upstream}, 4s));
  std::uint64_t next = 2;
  rig.then = [&](ForwardTicket) {
    if (next < 10) CHECK(rig.forward(next++, "www.example.com").ok());
  };
  REQUIRE(rig.forward(1, "www.example.com").ok());
  REQUIRE(rig.run({&upstream}, 9));
  CHECK(rig.forwarder.in_flight() == 0);
}

TEST_CASE("a forwarder that ends with queries under way calls nobody") {
  Upstream upstream(good_answer);
  host::Poller poller;
  auto forwarder = std::make_unique<CaresForwarder>(toward({&upstream}), poller);
  Question question;
  std::array<std::uint8_t, kMaxUpstreamQueryBytes> query;
  const std::size_t size = write_upstream_query(query, 1, question, false, false);
  CHECK(forwarder->forward(static_cast<ForwardTicket>(1), ByteView(query).first(size), monotonic())
            .ok());
  forwarder.reset();
  CHECK_FALSE(poller.collect());
}
