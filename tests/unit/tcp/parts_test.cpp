// The small parts: hash, sequence numbers, timeout, congestion window, rate limit, flow table.
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <map>

#include "core/stack/tcp/congestion.h"
#include "core/stack/tcp/flow_table.h"
#include "core/stack/tcp/isn.h"
#include "core/stack/tcp/rate_limit.h"
#include "core/stack/tcp/rtt_estimator.h"
#include "core/stack/tcp/work_list.h"

using namespace pontoon;
using namespace pontoon::stack::tcp;
using namespace std::chrono_literals;

namespace {

class NoEvents final : public FlowEvents {
 public:
  void on_stream_ready(Flow&) noexcept override {}
  void on_flow_timer(Flow&, Instant) noexcept override {}
};

SocketAddress address(std::uint32_t host, std::uint16_t port) {
  return {Ipv4Address{0x0a000000 + host}, port};
}

}  // namespace

TEST_CASE("the hash is SipHash-2-4") {
  // Appendix A of the SipHash paper.
  const HashKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::array<std::uint8_t, 15> input;
  for (std::size_t i = 0; i < input.size(); ++i)
    input[i] = static_cast<std::uint8_t>(i);
  REQUIRE(keyed_hash(key, input) == 0xa129ca6149be45e5);
}

TEST_CASE("sequence numbers depend on the flow, the key and the time") {
  SeededRandom random(1, "a");
  SeededRandom other(2, "a");
  const SequenceGenerator one(random);
  const SequenceGenerator two(other);
  const Instant now{1h};
  const auto here = one.initial(address(1, 1), address(2, 2), now);
  REQUIRE(here == one.initial(address(1, 1), address(2, 2), now));
  REQUIRE_FALSE(here == one.initial(address(1, 2), address(2, 2), now));
  REQUIRE_FALSE(here == one.initial(address(2, 2), address(1, 1), now));
  REQUIRE_FALSE(here == two.initial(address(1, 1), address(2, 2), now));
  REQUIRE(one.initial(address(1, 1), address(2, 2), now + 1s) - here == 250000);
}

TEST_CASE("the retransmission timeout follows RFC 6298",
          "[limit:kTcpInitialRto][limit:kTcpMinRto][limit:kTcpMaxRto]") {
  RttEstimator rtt;
  REQUIRE(rtt.timeout() == limits::kTcpInitialRto);
  rtt.sample(100ms);
  REQUIRE(rtt.smoothed() == 100ms);
  REQUIRE(rtt.timeout() == 300ms);
  rtt.sample(100ms);
  REQUIRE(rtt.timeout() == 250ms);
  SECTION("with a floor") {
    for (int i = 0; i < 50; ++i)
      rtt.sample(1ms);
    REQUIRE(rtt.timeout() == limits::kTcpMinRto);
  }
  SECTION("doubled after each loss up to a ceiling, until the next sample") {
    rtt.back_off();
    REQUIRE(rtt.timeout() == 500ms);
    for (int i = 0; i < 100; ++i)
      rtt.back_off();
    REQUIRE(rtt.timeout() == limits::kTcpMaxRto);
    rtt.sample(100ms);
    REQUIRE(rtt.timeout() < 300ms);
  }
  SECTION("a round trip of nothing is a sample, too") {
    RttEstimator fresh;
    fresh.sample({});
    fresh.sample(1s);
    REQUIRE(fresh.timeout() > limits::kTcpMinRto);
    REQUIRE(fresh.timeout() < limits::kTcpInitialRto * 2);
  }
}

TEST_CASE("the congestion window", "[limit:kTcpFlightBytes]") {
  CongestionWindow window;
  window.start(1000);
  REQUIRE(window.bytes() == 10000);
  window.on_acknowledged(1000);
  REQUIRE(window.bytes() == 11000);
  window.on_acknowledged(9000);
  REQUIRE(window.bytes() == 13000);  // RFC 3465: two segments at most

  window.on_loss(53000);
  REQUIRE(window.bytes() == 26500);
  REQUIRE_FALSE(window.slow_start());
  window.on_acknowledged(26000);
  REQUIRE(window.bytes() == 26500);
  window.on_acknowledged(500);
  REQUIRE(window.bytes() == 27500);  // one segment per window

  window.on_timeout(27500, true);
  REQUIRE(window.bytes() == 1000);
  window.on_timeout(1000, false);
  for (; window.slow_start(); window.on_acknowledged(1000)) {
  }
  REQUIRE(window.bytes() == 14000);  // the threshold is still half of 27500

  window.on_loss(13000);
  REQUIRE(window.bytes() == 10000);  // what may be sent at first may be sent always

  window.start(65000);
  REQUIRE(window.bytes() == 130000);  // two segments, however large
  for (int i = 0; i < 1000; ++i)
    window.on_acknowledged(1 << 20);
  REQUIRE(window.bytes() == limits::kTcpFlightBytes);
  window.on_idle();
  REQUIRE(window.bytes() == 130000);
}

TEST_CASE("the rate limit counts by the second") {
  RateLimit limit(3);
  Instant now{1h};
  for (int i = 0; i < 3; ++i)
    REQUIRE(limit.pass(now));
  REQUIRE_FALSE(limit.pass(now + 999ms));
  REQUIRE(limit.pass(now + 1s));
}

TEST_CASE("flows wait for work in turn, each once") {
  NoEvents events;
  Flow a(events), b(events), c(events);
  WorkList work;
  work.add(a);
  work.add(b);
  work.add(a);
  work.add(c);
  REQUIRE(work.size() == 3);
  work.remove(b);
  work.remove(b);
  REQUIRE(work.take() == &a);
  REQUIRE(work.take() == &c);
  REQUIRE(work.take() == nullptr);
  REQUIRE(work.empty());
}

TEST_CASE("an idle flow is small") {
  REQUIRE(sizeof(Flow) <= 1024);
}

TEST_CASE("the flow table agrees with a map") {
  REQUIRE(rc::check([](std::uint64_t seed) {
    SeededRandom random(seed, "table");
    NoEvents events;
    FlowTable table(random, events);
    std::map<std::pair<SocketAddress, SocketAddress>, Flow*> model;
    const auto steps = *rc::gen::inRange(0, 400);
    for (int i = 0; i < steps; ++i) {
      const auto endpoint = address(random.below(4), static_cast<std::uint16_t>(random.below(30)));
      const auto far = address(100 + random.below(3), 80);
      const auto known = model.find({endpoint, far});
      RC_ASSERT(table.find(endpoint, far) == (known == model.end() ? nullptr : known->second));
      if (known == model.end()) {
        model[{endpoint, far}] = table.insert(endpoint, far);
        RC_ASSERT((model[{endpoint, far}] != nullptr));
      } else if (random.below(2) == 0) {
        if (random.below(2) == 0) {
          known->second->state = FlowState::established;
          table.opened(*known->second);
        }
        table.erase(*known->second);
        model.erase(known);
      }
    }
    RC_ASSERT(table.size() == model.size());
    for (const auto& [pair, flow] : model)
      RC_ASSERT(table.find(pair.first, pair.second) == flow);
    std::size_t half_open = 0;
    for (std::uint32_t host = 0; host < 4; ++host)
      half_open += table.half_open_of(address(host, 0).ip);
    RC_ASSERT(half_open == model.size());
  }));
}

TEST_CASE("a recycled flow remembers nothing") {
  SeededRandom random(1, "table");
  NoEvents events;
  FlowTable table(random, events);
  Flow* flow = table.insert(address(1, 1), address(2, 2));
  flow->sack = true;
  flow->receive.bytes = 77;
  table.erase(*flow);
  Flow* again = table.insert(address(1, 3), address(2, 2));
  REQUIRE(again == flow);
  REQUIRE_FALSE(again->sack);
  REQUIRE(again->receive.bytes == 0);
  REQUIRE(again->endpoint.port == 3);
}

TEST_CASE("the table of all flows is bounded", "[limit:kTcpFlows]") {
  SeededRandom random(1, "table");
  NoEvents events;
  FlowTable table(random, events);
  std::size_t inserted = 0;
  for (std::uint32_t host = 0; inserted < limits::kTcpFlows; ++host)
    for (std::uint16_t port = 1; port <= 1000 && inserted < limits::kTcpFlows; ++port, ++inserted)
      REQUIRE(table.insert(address(host, port), address(1000, 80)) != nullptr);
  REQUIRE(table.full(address(9999, 1).ip));
  REQUIRE(table.insert(address(9999, 1), address(1000, 80)) == nullptr);
}
