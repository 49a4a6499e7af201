// The engine against the Linux kernel's TCP over a bad wire: in a network namespace of its own, the
// kernel connects through a TAP device or a packet socket to the gateway, which forwards to a
// server on the namespace's loopback. Both ends of the conversation are the test's.
#include <net/if.h>
#include <poll.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "bridge/ports/packet_socket.h"
#include "bridge/ports/port_factory.h"
#include "bridge/ports/tap_device.h"
#include "core/host/kernel_network.h"
#include "core/host/system.h"
#include "core/link/impaired_port.h"
#include "core/stack/gateway.h"
#include "core/stack/tcp/engine.h"
#include "tests/support/own_network.h"
#include "tests/support/tcp_talk.h"

using namespace pontoon;
using namespace std::chrono_literals;
using bridge::LinkHandle;
using test::expect;
using Words = std::vector<std::string>;

namespace {

constexpr std::size_t kBytes = 1 << 20;
constexpr Duration kPatience = 40s;
const MacAddress kKernelMac({0x02, 0x42, 0xac, 0x11, 0, 2});

LinkHandle opened(Result<LinkHandle> link) {
  if (link) return std::move(*link);
  const ErrorCode code = link.error().code;
  if (code == ErrorCode::unavailable || code == ErrorCode::permission_denied)
    throw test::Skip(link.error().message);
  throw std::runtime_error(link.error().message);
}

LinkHandle make_link(LinkHandle::Kind kind) {
  test::command("ip link set lo up");
  const bool tap = kind == LinkHandle::Kind::tap;
  if (!tap) test::command("ip link add eth0 type veth peer name peer0");
  LinkHandle link = opened(tap ? bridge::open_tap("eth0")
                               : bridge::open_packet_socket(::if_nametoindex("peer0")));
  if (!tap) {
    // Two ends in one namespace: the far one must not answer for the near one's address.
    test::command("sysctl -qw net.ipv6.conf.peer0.disable_ipv6=1 net.ipv4.conf.peer0.arp_ignore=8");
    test::command("ip link set peer0 up");
  }
  test::command("sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1");
  test::command("ip link set eth0 address " + kKernelMac.to_string());
  test::command("ip addr add 172.17.0.2/16 dev eth0");
  test::command("ip link set eth0 up");
  test::command("ip route add default via 172.17.0.1");
  return link;
}

stack::GatewayConfig gateway_config() {
  stack::GatewayConfig config;
  config.mac = MacAddress({0x02, 0x42, 0xac, 0x11, 0, 1});
  config.ipv4 = IpPrefix{Ipv4Address::of(172, 17, 0, 1), 16};
  return config;
}

// One end of the conversation: says its piece, ends, and listens until the other has ended.
class Talker final : public StreamHandler {
 public:
  Talker(std::unique_ptr<Stream> stream, unsigned seed)
      : stream_(std::move(stream)), said_(test::pattern(kBytes, seed)) {
    stream_->set_handler(this);
  }
  void on_ready() noexcept override {}

  void work() {
    expect(stream_->state() != Stream::State::failed, "a stream has failed");
    if (stream_->state() == Stream::State::open) {
      say();
      listen();
    }
  }
  bool done() const { return ended_ && at_ == said_.size(); }
  const std::string& said() const { return said_; }
  const std::string& heard() const { return heard_; }

 private:
  void say() {
    while (at_ < said_.size()) {
      const ByteView rest = as_bytes(said_).subspan(at_);
      const IoResult result = stream_->write(std::span(&rest, 1));
      expect(result.kind != IoResult::Kind::failed, "a write has failed");
      if (result.kind != IoResult::Kind::done) return;
      at_ += result.bytes;
      if (at_ == said_.size()) stream_->shutdown_write();
    }
  }
  void listen() {
    std::vector<std::uint8_t> buffer(65536);
    const MutableBytes room(buffer);
    while (!ended_) {
      const IoResult result = stream_->peek(0, std::span(&room, 1));
      expect(result.kind != IoResult::Kind::failed, "a read has failed");
      if (result.kind == IoResult::Kind::would_block) return;
      ended_ = result.kind == IoResult::Kind::end;
      if (ended_) return;
      heard_ += as_text(ByteView(buffer).first(result.bytes));
      stream_->consume(result.bytes);
    }
  }

  std::unique_ptr<Stream> stream_;
  std::string said_;
  std::string heard_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

class World final : public stack::TcpForwarder {
 public:
  World(LinkHandle::Kind kind, const Words& impairment, std::uint64_t seed)
      : wire_(bridge::make_port(make_link(kind), pool_, poller_, 1500), pool_, timers_) {
    for (const bool from_endpoint : {true, false}) {
      if (impairment.empty()) continue;
      const auto parsed = parse_impairment(impairment);
      expect(parsed.has_value(), "no such impairment");
      wire_.add_rule(1, {from_endpoint, std::nullopt, 0}, *parsed, seed * 2 + from_endpoint,
                     clock_.now());
    }
    gateway_.tcp().set_forwarder(this);
    gateway_.learn_neighbour(Ipv4Address::of(172, 17, 0, 2), kKernelMac, clock_.now());
    auto listener = host_.listen({Ipv4Address::of(127, 0, 0, 1), 0});
    expect(listener.has_value(), "no listener");
    listener_ = std::move(*listener);
    auto client = host_.connect({Ipv4Address::of(198, 51, 100, 7), 80});
    expect(client.has_value(), "no client");
    client_ = std::make_unique<Talker>(std::move(*client), 1);
  }

  Result<std::unique_ptr<Stream>, stack::TcpRefusal> open(const stack::FlowKey&,
                                                          Instant) noexcept override {
    auto stream = host_.connect(listener_->local());
    if (!stream) return stack::TcpRefusal::refused;
    return std::move(*stream);
  }

  void run() {
    const Instant end = clock_.now() + kPatience;
    while (!client_->done() || server_ == nullptr || !server_->done()) {
      expect(clock_.now() < end, "not finished in time");
      turn(clock_.now());
      wait();
    }
    expect(server_->heard() == client_->said(), "other bytes came up than were sent");
    expect(client_->heard() == server_->said(), "other bytes came down than were sent");
  }
  std::uint64_t lost() const { return wire_.drops()[DropReason::impaired]; }

 private:
  void turn(Instant now) {
    poller_.collect();
    std::array<FrameRef, 64> batch;
    const std::size_t came = wire_.receive(batch, now);
    for (std::size_t i = 0; i < came; ++i)
      gateway_.send(std::move(batch[i]), now);
    gateway_.run(now);
    timers_.run_due(now, limits::kTurnTimers);
    if (server_ == nullptr) accept();
    client_->work();
    if (server_ != nullptr) server_->work();
    gateway_.pump(now);
    while (const std::size_t count = gateway_.receive(batch, now)) {
      for (std::size_t i = 0; i < count; ++i)
        wire_.send(std::move(batch[i]), now);
    }
    wire_.flush(now);
  }
  void accept() {
    auto accepted = listener_->accept();
    if (accepted && accepted->stream)
      server_ = std::make_unique<Talker>(std::move(accepted->stream), 2);
  }
  // Late frames have no descriptor that tells of them, hence the short wait.
  void wait() {
    pollfd waiting{poller_.fd(), POLLIN, 0};
    (void)::poll(&waiting, 1, 1);
  }

  FramePool pool_;
  TimerQueue timers_;
  host::Poller poller_;
  host::SystemClock clock_;
  SeededRandom random_{1, "gateway"};
  host::KernelNetwork host_{poller_};
  ImpairedPort wire_;
  stack::Gateway gateway_{gateway_config(), stack::StackContext{pool_, timers_, random_}};
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<Talker> client_;
  std::unique_ptr<Talker> server_;
};

void converse(const Words& impairment, bool losses) {
  for (const auto kind : {LinkHandle::Kind::tap, LinkHandle::Kind::packet}) {
    for (const std::uint64_t seed : {1U, 2U}) {
      const test::Outcome outcome = test::in_own_network([&] {
        World world(kind, impairment, seed);
        world.run();
        expect(!losses || world.lost() > 0, "nothing was lost");
      });
      const char* link = kind == LinkHandle::Kind::tap ? "TAP" : "packet socket";
      if (outcome.kind == test::Outcome::Kind::skipped) {
        WARN("skipped over a " << link << ": " << outcome.text);
        break;
      }
      INFO("over a " << link << ", seed " << seed << ": " << outcome.text);
      CHECK(outcome.kind == test::Outcome::Kind::passed);
    }
  }
}

}  // namespace

TEST_CASE("a mebibyte each way with the kernel's TCP over a perfect wire") {
  converse({}, false);
}

TEST_CASE("a mebibyte each way with the kernel's TCP over a wire that loses") {
  converse({"loss=0.5%"}, true);
}

TEST_CASE("a mebibyte each way with the kernel's TCP over a wire that loses, doubles and delays") {
  converse({"loss=0.5%", "duplicate=0.5%", "reorder=1%"}, true);
}

TEST_CASE("a mebibyte each way with the kernel's TCP over a wire that corrupts") {
  converse({"corrupt=0.5%", "delay=1ms"}, false);
}
