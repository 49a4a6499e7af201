// Only what the gateway adds to TCP: the way out, the way in, and errors. The rest is talk_tcp's.
#include "core/socket/pipe_stream.h"
#include "tests/support/gateway_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

struct Client {
  explicit Client(GatewayBench& bench, const std::string& client, const std::string& web)
      : flow{{ip(client), 50000}, {ip(web), 80}} {
    StreamPair pair = make_pipe(4096);
    far = std::move(pair.second);
    opened = bench.gateway.tcp().open(flow, std::move(pair.first), bench.now);
    bench.turn();
  }
  stack::FlowKey flow;
  std::unique_ptr<Stream> far;
  bool opened = false;
};

const std::pair<std::string, std::string> kPairs[] = {{kForeign4, kWeb4}, {kForeign6, kWeb6}};

}  // namespace

TEST_CASE("a published connection reaches its endpoint from the client's address") {
  for (const auto& [foreign, web] : kPairs) {
    GatewayBench bench;
    bench.play_web();
    Client client(bench, foreign, web);
    REQUIRE(client.opened);
    const Received syn = bench.expect("SYN");
    REQUIRE(syn.packet.tcp);
    CHECK(syn.packet.problem.empty());
    CHECK(syn.packet.tcp->flags.syn);
    CHECK(syn.packet.source == ip(foreign));
    CHECK(syn.packet.ethernet->destination == web_mac());
  }
}

TEST_CASE("an endpoint that has gone from the link ends the connection soon") {
  for (const auto& [foreign, web] : kPairs) {
    GatewayBench bench;
    Client client(bench, foreign, web);
    REQUIRE(client.opened);
    CHECK(client.far->state() == Stream::State::open);
    bench.tick(limits::kNeighbourRetry * limits::kNeighbourProbes);
    CHECK(client.far->state() == Stream::State::failed);
    CHECK(bench.gateway.tcp().flow_count() == 0);
  }
}

TEST_CASE("an endpoint's own ICMP error ends the connection that it is about, and no other") {
  for (const auto& [foreign, web] : kPairs) {
    GatewayBench bench;
    bench.play_web();
    Client client(bench, foreign, web);
    const Received syn = bench.expect("SYN");
    const Bytes packet = to_bytes(syn.frame->bytes().subspan(14));
    // As little as RFC 792 asks for: the header and eight bytes.
    const Bytes quoted =
        to_bytes(ByteView(packet).first(packet.size() - syn.packet.transport.size() + 8));
    const auto complain = [&](const std::string& from, ByteView about) {
      const PacketEnds ends = between(from, foreign);
      bench.send(
          ip(web).is_v4()
              ? icmp_frame(ends, wire::IcmpRepr::unreachable(wire::IcmpUnreachable::port), about)
              : icmpv6_frame(ends, wire::Icmpv6Repr::unreachable(wire::Icmpv6Unreachable::port),
                             about));
    };
    complain(ip(web).is_v4() ? "172.17.0.3" : "fd00:17::3", quoted);
    bench.expect_drops({{DropReason::icmp_unhandled, 1}});
    CHECK(client.far->state() == Stream::State::open);
    complain(web, quoted);
    bench.expect_drops({});
    CHECK(client.far->state() == Stream::State::failed);
  }
}
