// The gateway's link side: ARP, neighbour discovery, ICMP, fragments and garbage from an endpoint,
// with time in between and packets that wait for an answer.
//
// What one frame can make the gateway say is bounded, what it says is well-formed, and no frame is
// kept for ever.
#include "core/stack/gateway.h"

#include "core/frame/offload.h"
#include "core/stack/tcp/engine.h"
#include "tests/fuzz/support/frames.h"
#include "tests/support/packets.h"

namespace pontoon::fuzz {
namespace {

constexpr unsigned kSteps = 150;
// For one frame: the packets that waited for this answer, a question and an error each.
constexpr std::size_t kMostForOne = 2 * limits::kNeighbourQueue + 4;

class Bench {
 public:
  void step(Input& input) {
    const unsigned kind = input.below(8);
    if (kind == 0) return pass(std::chrono::milliseconds(input.u16() * 8));
    if (kind == 1) {
      const std::vector<std::uint8_t> payload(input.u16() % 4000);
      const SocketAddress target{Ipv4Address::of(172, 17, 0, input.u8()), 4000};
      gateway_.send_udp({gateway_ip(), 53}, target, payload, now_);
      return turn(kMostForOne);
    }
    const std::vector<std::uint8_t> bytes = make_frame(input, input.below(4));
    FrameRef frame = pool_.allocate(bytes.size());
    if (!frame) return;
    const MutableBytes room = frame->append(bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    gateway_.send(std::move(frame), now_);
    turn(kMostForOne);
  }
  void end() {
    pass(std::chrono::minutes(10));
    ORACLE(pool_.in_use() == 0, "frames are held");
  }

 private:
  static stack::GatewayConfig config() {
    stack::GatewayConfig config;
    config.mac = gateway_mac();
    config.ipv4 = {gateway_ip(), 16};
    config.ipv6 = IpPrefix::parse("fd00:17::1/64");
    return config;
  }
  void turn(std::size_t most) {
    std::size_t count = 0;
    for (unsigned i = 0; i < 1000; ++i) {
      gateway_.run(now_);
      gateway_.pump(now_);
      count += collect();
      if (!gateway_.has_work()) break;
    }
    ORACLE(!gateway_.has_work(), "the gateway never comes to rest");
    ORACLE(count <= most, "too many frames for one");
  }
  std::size_t collect() {
    std::size_t count = 0;
    FrameRef frames[16];
    while (const std::size_t got = gateway_.receive(frames, now_)) {
      for (std::size_t i = 0; i < got; ++i) {
        check(*frames[i]);
        frames[i].reset();
      }
      count += got;
    }
    return count;
  }
  void check(Frame& frame) {
    ORACLE(frame.offload.gso == Gso::none || frame.offload.needs_checksum, "a bare super-frame");
    if (frame.offload.needs_checksum) ORACLE(finish_checksum(frame), "offsets beyond the frame");
    const auto dissected = test::dissect(frame.bytes());
    ORACLE(dissected.ethernet && dissected.ethernet->source == gateway_mac(), "not our MAC");
    ORACLE(frame.offload.gso != Gso::none || dissected.problem.empty() || is_fragment(frame),
           "what we send is malformed");
  }
  static bool is_fragment(const Frame& frame) {
    const auto packet = wire::Ipv4View::parse(frame.bytes().subspan(14));
    return packet && packet->is_fragment();
  }
  void pass(Duration time) {
    const Instant end = now_ + time;
    while (timers_.next_deadline() <= end) {
      now_ = std::max(now_, timers_.next_deadline());
      timers_.run_due(now_, limits::kTurnTimers);
      turn(10000);
    }
    now_ = end;
  }

  FramePool pool_;
  TimerQueue timers_;
  SeededRandom random_{1, "fuzz"};
  Instant now_{std::chrono::hours(1)};
  stack::Gateway gateway_{config(), {pool_, timers_, random_}};
};

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon::fuzz;
  Input input(data, size);
  Bench bench;
  for (unsigned i = 0; i < kSteps && !input.empty(); ++i)
    bench.step(input);
  bench.end();
  return 0;
}
