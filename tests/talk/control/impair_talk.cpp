// Impairments of a network: which frames meet which rule, and what happens when endpoints come and
// go.
#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;
using Words = std::vector<std::string>;

namespace {

const Words kDelay{"delay=100ms"};
const Words kPartition{"partition"};

class Impaired {
 public:
  Impaired() : net(outside, "default", "172.17.0.0/16"), a(net.add("a")), b(net.add("b")) {
    c = &net.add("c");
    quiet();
  }

  control::ImpairmentInfo impair(const std::string& target, const Words& words,
                                 std::optional<std::uint64_t> seed = 1) {
    const auto info = net.network->impair(target, words, seed, net.now);
    if (!info) FAIL(info.error().message);
    return *info;
  }
  std::string error_of(const std::string& target, const Words& words) {
    const auto info = net.network->impair(target, words, 1, net.now);
    REQUIRE_FALSE(info);
    return info.error().message;
  }
  std::size_t clear(const std::string& target) {
    const auto cleared = net.network->clear_impairments(target, net.now);
    REQUIRE(cleared);
    net.turn();
    return *cleared;
  }

  // After how long a datagram comes through; nullopt: not within two seconds.
  std::optional<Duration> way(Member& from, Member& to) {
    return travel(from, to, udp_frame(net.between_members(from, to), 1000, 2000, pattern(20)));
  }
  // The same with a broadcast (an ARP request for somebody who isn't there).
  std::optional<Duration> broadcast(Member& from, Member& to) {
    return travel(from, to, request(from, "172.17.9.9"));
  }
  // An ARP request to the gateway, and its reply: the way there and back.
  std::optional<Duration> to_gateway_and_back(Member& member) {
    return travel(member, member, request(member, "172.17.0.1"));
  }

  Outside outside;
  NetworkBench net;
  Member& a;
  Member& b;
  Member* c = nullptr;

 private:
  static Bytes request(Member& from, const std::string& about) {
    wire::ArpRepr arp;
    arp.operation = wire::ArpOperation::request;
    arp.sender_mac = from.mac();
    arp.sender_ip = from.address().v4();
    arp.target_ip = ip4(about);
    return arp_frame(arp);
  }
  void quiet() {
    net.tick(2s);
    for (Member* member : {&a, &b, c})
      if (member != nullptr) member->inbox.clear();
  }
  std::optional<Duration> travel(Member& from, Member& to, const Bytes& frame) {
    quiet();
    const Instant sent = net.now;
    net.send(from, frame);
    for (; to.inbox.empty(); net.tick(1ms))
      if (net.now - sent > 2s) return std::nullopt;
    const Duration took = net.now - sent;
    quiet();
    return took;
  }
};

constexpr auto kAtOnce = Duration{};

}  // namespace

TEST_CASE("impair: an endpoint's link, both directions") {
  Impaired it;
  const auto info = it.impair("a", kDelay, 7);
  CHECK(info.network == "default");
  CHECK(info.target == "a");
  CHECK(info.impairment == "delay=100ms");
  CHECK(info.seed == 7);
  CHECK(it.way(it.a, it.b) == 100ms);
  CHECK(it.way(it.b, it.a) == 100ms);
  CHECK(it.way(it.b, *it.c) == kAtOnce);
  CHECK(it.broadcast(it.a, *it.c) == 100ms);
  CHECK(it.to_gateway_and_back(it.a) == 200ms);
  CHECK(it.to_gateway_and_back(it.b) == kAtOnce);
}

TEST_CASE("impair: two links on a frame's way are two impairments") {
  Impaired it;
  it.impair("a", kDelay);
  it.impair("b", {"delay=50ms"});
  CHECK(it.way(it.a, it.b) == 150ms);
  CHECK(it.way(it.b, it.a) == 150ms);
}

TEST_CASE("impair: a network, each frame once") {
  for (const char* target : {"default", "network:default", "DEFAULT"}) {
    Impaired it;
    CHECK(it.impair(target, kDelay).target == "network:default");
    CHECK(it.way(it.a, it.b) == 100ms);
    CHECK(it.way(*it.c, it.a) == 100ms);
    CHECK(it.broadcast(it.a, it.b) == 100ms);
    CHECK(it.to_gateway_and_back(it.a) == 200ms);
  }
}

TEST_CASE("impair: a pair, both directions and nobody else") {
  Impaired it;
  CHECK(it.impair("a b", kDelay).target == "a b");
  CHECK(it.way(it.a, it.b) == 100ms);
  CHECK(it.way(it.b, it.a) == 100ms);
  CHECK(it.broadcast(it.a, it.b) == 100ms);
  CHECK(it.broadcast(it.a, *it.c) == kAtOnce);
  CHECK(it.way(it.a, *it.c) == kAtOnce);
  CHECK(it.way(*it.c, it.b) == kAtOnce);
  CHECK(it.to_gateway_and_back(it.a) == kAtOnce);
}

TEST_CASE("impair: one direction") {
  for (const char* target : {"a -> b", "a->b", " a ->b ", "a → b", "A -> B"}) {
    Impaired it;
    it.impair(target, kDelay);
    CHECK(it.way(it.a, it.b) == 100ms);
    CHECK(it.way(it.b, it.a) == kAtOnce);
    CHECK(it.way(*it.c, it.b) == kAtOnce);
  }
}

TEST_CASE("impair: the host stands for the gateway and all behind it") {
  Impaired it;
  it.impair("host -> a", kDelay);
  CHECK(it.to_gateway_and_back(it.a) == 100ms);
  CHECK(it.way(it.b, it.a) == kAtOnce);
  CHECK(it.clear("host -> a") == 1);
  it.impair("a host", kPartition);
  const Bytes query = udp_frame(it.net.to_gateway(it.a), 5353, 53, encode(question("b", 1)));
  it.net.send(it.a, query);
  it.net.tick(1s);
  it.net.expect_nothing(it.a);
  CHECK(it.way(it.a, it.b) == kAtOnce);
  CHECK(it.clear("host a") == 1);
  it.impair("a -> host", kDelay);
  it.net.send(it.a, query);
  it.net.expect_nothing(it.a);
  it.net.tick(100ms);
  CHECK(it.net.expect(it.a, "the answer").udp);
}

TEST_CASE("impair: the closest rule counts where a frame meets several") {
  Impaired it;
  it.impair("b", {"delay=300ms"});
  it.impair("a b", {"delay=200ms"});
  it.impair("a -> b", {"delay=100ms"});
  CHECK(it.way(it.a, it.b) == 100ms);
  // b's own link on the way out, then the pair on the way into a.
  CHECK(it.way(it.b, it.a) == 500ms);
  CHECK(it.way(*it.c, it.b) == 300ms);
  it.impair("default", {"delay=1s"});
  CHECK(it.way(it.b, *it.c) == 300ms);
  CHECK(it.way(it.a, *it.c) == 1s);
}

TEST_CASE("impair: a later rule on the same target replaces the earlier") {
  Impaired it;
  it.impair("a b", kPartition);
  CHECK(it.way(it.a, it.b) == std::nullopt);
  it.impair("B A", kDelay);
  CHECK(it.net.network->impairments(it.net.now).size() == 1);
  CHECK(it.way(it.a, it.b) == 100ms);
  it.impair("b -> a", kDelay);
  it.impair("a -> b", kDelay);
  CHECK(it.net.network->impairments(it.net.now).size() == 3);
}

TEST_CASE("impair: clearing is by target or altogether") {
  Impaired it;
  it.impair("a", kPartition);
  it.impair("a b", kPartition);
  it.impair("default", kPartition);
  CHECK(it.clear("b") == 0);
  CHECK(it.clear("a") == 1);
  CHECK(it.clear("a") == 0);
  CHECK(it.clear("") == 2);
  CHECK(it.way(it.a, it.b) == kAtOnce);
  CHECK(it.net.network->impairments(it.net.now).empty());
  it.impair("default", kPartition);
  CHECK(it.clear("default") == 1);
}

TEST_CASE("impair: what is cleared lets go of the frames that it held") {
  Impaired it;
  it.impair("a -> b", {"delay=60s"});
  it.net.send(it.a, udp_frame(it.net.between_members(it.a, it.b), 1, 2, pattern(20)));
  it.net.expect_nothing(it.b);
  it.clear("a -> b");
  CHECK(it.net.expect(it.b, "the datagram").udp);
}

TEST_CASE("impair: a rule ends after its time") {
  Impaired it;
  CHECK(it.impair("a b", {"partition", "for=10s"}).ends_in_s == 10);
  CHECK(it.way(it.a, it.b) == std::nullopt);
  it.net.tick(10s);
  CHECK(it.net.network->impairments(it.net.now).empty());
  CHECK(it.net.network->endpoints().front().impairments.empty());
  CHECK(it.way(it.a, it.b) == kAtOnce);
}

TEST_CASE("impair: a rule outlives its endpoints") {
  Impaired it;
  it.impair("a b", kDelay);
  it.impair("a", {"delay=10ms"});
  it.net.remove(it.a);
  CHECK(it.net.network->impairments(it.net.now).size() == 2);
  // It comes back with another MAC: the pair is the same.
  control::EndpointRequest request = NetworkBench::request("A");
  request.mac = mac("02:00:00:00:00:77");
  Member& again = it.net.add(request);
  CHECK(it.way(again, it.b) == 110ms);
  CHECK(it.way(again, *it.c) == 10ms);
  CHECK(it.way(it.b, again) == 100ms);
}

TEST_CASE("impair: a rule's end comes even if the endpoint was away meanwhile") {
  Impaired it;
  it.impair("a", {"delay=100ms", "for=10s"});
  it.net.remove(it.a);
  it.net.tick(4s);
  Member& again = it.net.add("a");
  CHECK(it.way(again, it.b) == 100ms);
  it.net.tick(4s);
  CHECK(it.way(again, it.b) == kAtOnce);
}

TEST_CASE("impair: counters tell what became of frames, also of ports that have gone",
          "[drop:impaired]") {
  Impaired it;
  it.impair("a", {"loss=100%"});
  CHECK(it.way(it.a, it.b) == std::nullopt);
  CHECK(it.way(it.b, it.a) == std::nullopt);
  auto info = it.net.network->impairments(it.net.now).front();
  CHECK(info.lost == 2);
  CHECK(info.passed == 0);
  CHECK(it.net.drops()["a/impaired"] == 2);
  CHECK(it.net.network->endpoints().front().dropped_frames == 2);
  it.net.remove(it.a);
  CHECK(it.net.drops()["(detached)/impaired"] == 2);
  CHECK(it.net.network->impairments(it.net.now).front().lost == 2);
}

TEST_CASE("impair: endpoints tell what touches them") {
  Impaired it;
  it.impair("default", {"loss=1%"});
  it.impair("a -> b", kDelay);
  it.impair("b", {"rate=1mbit"});
  const auto all = it.net.network->endpoints();
  CHECK(all[0].impairments == Words{"network:default loss=1%", "a -> b delay=100ms"});
  CHECK(all[1].impairments ==
        Words{"network:default loss=1%", "a -> b delay=100ms", "b rate=1mbit"});
  CHECK(all[2].impairments == Words{"network:default loss=1%"});
}

TEST_CASE("impair: the same seed loses the same frames, each port others") {
  const auto survivors = [](std::uint64_t seed, Duration start) {
    Impaired it;
    it.net.tick(start);
    it.impair("default", {"loss=50%"}, seed);
    std::string out;
    for (int i = 0; i < 64; ++i)
      for (Member* from : {&it.a, it.c}) {
        it.net.send(*from, udp_frame(it.net.between_members(*from, it.b), 1, 2, pattern(20)));
        out += it.b.inbox.empty() ? '-' : '+';
        it.b.inbox.clear();
      }
    return out;
  };
  const std::string first = survivors(1, 0s);
  CHECK(first == survivors(1, 3s));
  CHECK(first != survivors(2, 0s));
  std::string of_a;
  std::string of_c;
  for (std::size_t i = 0; i < first.size(); i += 2) {
    of_a += first[i];
    of_c += first[i + 1];
  }
  CHECK(of_a != of_c);
}

TEST_CASE("impair: without a seed one is drawn and told") {
  Impaired it;
  const auto info = it.impair("a", kDelay, std::nullopt);
  CHECK(it.net.network->impairments(it.net.now).front().seed == info.seed);
}

TEST_CASE("impair: every wrong target says what would be right") {
  Impaired it;
  CHECK_THAT(it.error_of("nobody", kDelay), Catch::Contains("No such endpoint or network: nobody"));
  CHECK_THAT(it.error_of("a nobody", kDelay),
             Catch::Contains("No such endpoint on network default"));
  CHECK_THAT(it.error_of("nobody -> host", kDelay), Catch::Contains(": nobody."));
  CHECK_THAT(it.error_of("network:other", kDelay), Catch::Contains("No such network: other"));
  CHECK_THAT(it.error_of("", kDelay), Catch::Contains("it is empty"));
  CHECK_THAT(it.error_of("a b c", kDelay), Catch::Contains("neither one name nor two"));
  CHECK_THAT(it.error_of("a ->", kDelay), Catch::Contains("Invalid name \"->\""));
  CHECK_THAT(it.error_of("-> a", kDelay), Catch::Contains("Invalid name \"->\""));
  CHECK_THAT(it.error_of("a <- b", kDelay), Catch::Contains("neither one name nor two"));
  CHECK_THAT(it.error_of("a A", kDelay), Catch::Contains("both ends are the same"));
  CHECK_THAT(it.error_of("host", kDelay), Catch::Contains("name the other one"));
  CHECK_THAT(it.error_of("host host", kDelay), Catch::Contains("both ends are the same"));
  CHECK_THAT(it.error_of("a", {}), Catch::Contains("nothing is said"));
  CHECK_THAT(it.error_of("a", {"loss=2"}), Catch::Contains("use a percentage"));
  CHECK(it.net.network->impairments(it.net.now).empty());
  CHECK_FALSE(it.net.network->clear_impairments("a b c", it.net.now));
}

TEST_CASE("impair: kImpairments bounds the rules of a network", "[limit:kImpairments]") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  std::vector<std::string> names;
  for (std::size_t i = 0; i <= limits::kImpairments; ++i) {
    names.push_back("e" + std::to_string(i));
    REQUIRE(net.network->reserve(NetworkBench::request(names.back()), "id", WallTime{}, net.now));
  }
  for (std::size_t i = 0; i < limits::kImpairments; ++i)
    REQUIRE(net.network->impair(names[i], kDelay, 1, net.now));
  const auto refused = net.network->impair(names.back(), kDelay, 1, net.now);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
  CHECK_THAT(refused.error().message, Catch::Contains("its limit"));
  // One that is there already is replaced.
  CHECK(net.network->impair(names.front(), kPartition, 1, net.now));
}

TEST_CASE("impair: an endpoint of the network's name is meant first") {
  Outside outside;
  NetworkBench net(outside, "web", "172.17.0.0/16");
  net.add("web");
  CHECK(net.network->impair("web", kDelay, 1, net.now)->target == "web");
  CHECK(net.network->impair("network:web", kDelay, 1, net.now)->target == "network:web");
  CHECK(net.network->clear_impairments("web", net.now).value() == 1);
  CHECK(net.network->impairments(net.now).size() == 1);
}
