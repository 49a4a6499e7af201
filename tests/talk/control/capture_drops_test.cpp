// What an observer of a whole network is told: each frame at each link, and each drop once with the
// port that it is about and its reason.
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

struct Seen {
  std::string who;  // the endpoint, or "gateway"
  FrameEvent event{};
  Bytes bytes;
  std::optional<DropReason> reason;
};

struct Watcher final : FrameObserver {
  explicit Watcher(NetworkBench& watched) : bench(watched) { bench.network->set_observer(this); }
  ~Watcher() override { bench.network->set_observer(nullptr); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void on_frame(std::uint32_t tag, FrameEvent event, const FrameRef& frame,
                std::optional<DropReason> reason, Instant now) noexcept override {
    CHECK(now == bench.now);
    const control::EndpointInfo* info = bench.network->find_tag(tag);
    const bool gateway = tag == control::Network::kGatewayTag;
    CHECK(gateway == (info == nullptr));
    seen.push_back({gateway ? "gateway" : info->name, event, to_bytes(frame->bytes()), reason});
  }

  // "web from", "db to", "web dropped guard_arp", in order.
  std::vector<std::string> take() {
    std::vector<std::string> out;
    for (const Seen& each : std::exchange(seen, {})) {
      const char* what = each.event == FrameEvent::from_endpoint ? " from"
                         : each.event == FrameEvent::to_endpoint ? " to"
                                                                 : " dropped ";
      out.push_back(each.who + what +
                    (each.reason ? std::string(to_string(*each.reason)) : std::string()));
    }
    return out;
  }

  NetworkBench& bench;
  std::vector<Seen> seen;
};

// With the header's checksum made right again.
void set_ipv4_fragment(Bytes& frame, std::uint16_t flags_and_offset) {
  frame[14 + 6] = static_cast<std::uint8_t>(flags_and_offset >> 8);
  frame[14 + 7] = static_cast<std::uint8_t>(flags_and_offset);
  frame[14 + 10] = frame[14 + 11] = 0;
  wire::Checksum sum;
  sum.add(ByteView(frame).subspan(14, 20));
  const std::uint16_t value = sum.value();
  frame[14 + 10] = static_cast<std::uint8_t>(value >> 8);
  frame[14 + 11] = static_cast<std::uint8_t>(value);
}

using Words = std::vector<std::string>;

struct Pair {
  Pair() : net(outside, "default", "172.17.0.0/16"), web(net.add("web")), db(net.add("db")) {
    net.turn();
  }
  Outside outside;
  NetworkBench net;
  Member& web;
  Member& db;
};

}  // namespace

TEST_CASE("a frame between endpoints is seen where it comes out and where it goes in") {
  Pair pair;
  Watcher watcher(pair.net);
  const Bytes frame =
      udp_frame(pair.net.between_members(pair.web, pair.db), 1000, 2000, pattern(9));
  pair.net.send(pair.web, frame);
  REQUIRE(watcher.seen.size() == 2);
  CHECK(watcher.seen[0].bytes == frame);
  CHECK(watcher.seen[1].bytes == frame);
  CHECK(watcher.take() == Words{"web from", "db to"});
}

TEST_CASE("what the gateway answers is seen at the endpoint only") {
  Pair pair;
  Watcher watcher(pair.net);
  pair.net.send(pair.web, echo_frame(pair.net.to_gateway(pair.web), true, 1, 1));
  CHECK(watcher.take() == Words{"web from", "web to"});
}

TEST_CASE("the guard's verdicts carry the sender and the reason") {
  Pair pair;
  Watcher watcher(pair.net);
  PacketEnds ends = pair.net.between_members(pair.web, pair.db);
  ends.source = ip("172.17.99.99");
  pair.net.send(pair.web, udp_frame(ends, 1, 2, pattern(1)));
  CHECK(watcher.take() == Words{"web from", "web dropped guard_source_ip"});

  ends = pair.net.between_members(pair.web, pair.db);
  ends.source_mac = pair.db.mac();
  pair.net.send(pair.web, udp_frame(ends, 1, 2, pattern(1)));
  CHECK(watcher.take() == Words{"web from", "web dropped guard_source_mac"});

  pair.net.send(pair.db, arp_frame({wire::ArpOperation::reply, pair.db.mac(),
                                    pair.web.address().v4(), pair.web.mac(), pair.net.gateway()}));
  CHECK(watcher.take() == Words{"db from", "db dropped guard_arp"});
}

TEST_CASE("frames that the switch cannot place are told, however short") {
  Pair pair;
  Watcher watcher(pair.net);
  pair.net.send(pair.web, pattern(9));
  CHECK(watcher.take() == Words{"web from", "web dropped malformed_ethernet"});
  PacketEnds ends = pair.net.between_members(pair.web, pair.web);
  pair.net.send(pair.web, udp_frame(ends, 1, 2, pattern(1)));
  CHECK(watcher.take() == Words{"web from", "web dropped no_destination_port"});
}

TEST_CASE("what the gateway discards is told once, with the gateway's tag") {
  Pair pair;
  Watcher watcher(pair.net);
  PacketEnds ends = pair.net.to_gateway(pair.web);
  Bytes frame = udp_frame(ends, 1000, 2000, pattern(20));
  frame[14 + 10] ^= 0xff;
  pair.net.send(pair.web, frame);
  REQUIRE(watcher.seen.size() == 2);
  CHECK(watcher.seen[1].bytes == frame);
  CHECK(watcher.take() == Words{"web from", "gateway dropped ip_checksum"});
}

TEST_CASE("what a service at the gateway discards is told like the gateway's own") {
  Pair pair;
  Watcher watcher(pair.net);
  pair.net.send(pair.web, udp_frame(pair.net.to_gateway(pair.web), 68, 67, pattern(20)));
  CHECK(watcher.take() == Words{"web from", "gateway dropped dhcp_malformed"});
  pair.net.send(pair.web, udp_frame(pair.net.to_gateway(pair.web), 5000, 53, pattern(3)));
  CHECK(watcher.take() == Words{"web from", "gateway dropped dns_malformed"});
  // The policy's refusal is answered as well.
  pair.net.send(pair.web,
                udp_frame(pair.net.to_foreign(pair.web, "169.254.169.254"), 5000, 80, pattern(3)));
  CHECK(watcher.take() == Words{"web from", "gateway dropped policy_denied", "web to"});
}

TEST_CASE("drops that belong to no frame at hand are not blamed on the next one") {
  Pair pair;
  Watcher watcher(pair.net);
  // The first fragment of a datagram whose rest never comes: a drop of a timer's, half a minute on.
  PacketEnds ends = pair.net.to_gateway(pair.web);
  ends.dont_fragment = false;
  Bytes fragment = udp_frame(ends, 1000, 2000, pattern(24));
  set_ipv4_fragment(fragment, 0x2000);
  pair.net.send(pair.web, fragment);
  CHECK(watcher.take() == Words{"web from"});
  pair.net.tick(1min);
  (void)watcher.take();
  REQUIRE(pair.net.drops()["gateway/fragment_timeout"] == 1);
  pair.net.send(pair.web, echo_frame(pair.net.to_gateway(pair.web), true, 1, 1));
  for (const std::string& word : watcher.take())
    CHECK(word.find("dropped") == std::string::npos);
}

TEST_CASE("a link whose queue is full drops towards the endpoint, with the endpoint's tag") {
  Pair pair;
  Watcher watcher(pair.net);
  // All in one turn, so that nothing is flushed between.
  const Bytes frame = udp_frame(pair.net.between_members(pair.web, pair.db), 1, 2, pattern(8000));
  Offload offload;
  for (int i = 0; i < 2; ++i)
    pair.web.port->inject(frame, offload);
  pair.net.turn();
  // Longer than db's MTU.
  CHECK(watcher.take() ==
        Words{"web from", "web from", "db dropped too_big", "db dropped too_big"});
}

TEST_CASE("an endpoint that comes back has another tag, and one that came later is observed too") {
  Pair pair;
  Watcher watcher(pair.net);
  Member& late = pair.net.add("late");
  pair.net.send(late, echo_frame(pair.net.to_gateway(late), true, 1, 1));
  CHECK(watcher.take() == Words{"late from", "late to"});
  std::uint32_t tag = 0;
  while (pair.net.network->find_tag(tag) == nullptr ||
         pair.net.network->find_tag(tag)->name != "late")
    ++tag;
  pair.net.remove(late);
  CHECK(pair.net.network->find_tag(tag) == nullptr);
  const std::uint32_t serial = pair.net.network->names_serial();
  Member& again = pair.net.add("late");
  CHECK(pair.net.network->names_serial() > serial);
  CHECK(pair.net.network->find_tag(tag) == nullptr);
  pair.net.send(again, echo_frame(pair.net.to_gateway(again), true, 1, 1));
  CHECK(watcher.take() == Words{"late from", "late to"});
}

TEST_CASE("without an observer the same happens as with one") {
  const auto play = [](bool observed) {
    Pair pair;
    std::optional<Watcher> watcher;
    if (observed) watcher.emplace(pair.net);
    (void)pair.net.resolve(pair.db, "web");
    pair.net.send(pair.web,
                  udp_frame(pair.net.between_members(pair.web, pair.db), 1, 2, pattern(9)));
    const SuperFrame super =
        tcp_super_frame(pair.net.between_members(pair.web, pair.db), {}, pattern(9000), 1400);
    pair.net.send(pair.web, super.bytes, super.offload);
    return pair.net.transcript();
  };
  CHECK(play(false) == play(true));
}
