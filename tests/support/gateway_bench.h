// Conversations with a gateway in virtual time: send frames, expect frames, let time pass. A
// failing assertion shows the steps so far.
//
//   GatewayBench bench;
//   bench.play(kWeb);                      // ARP and ND for this endpoint are answered unseen
//   bench.send(udp_frame(bench.to_gateway(), 4000, 53, payload));
//   const Received answer = bench.expect("the answer");
//   CHECK(answer.packet.udp->source_port == 53);
//   bench.tick(1s);
//   bench.expect_nothing();
//   bench.expect_drops({{DropReason::udp_no_flow, 1}});
#pragma once

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <string>

#include "core/stack/gateway.h"
#include "core/stack/tcp/engine.h"
#include "tests/support/packets.h"

namespace pontoon::test {

// The cast: what between() gives, so that its frames fit.
inline const std::string kGateway4 = "172.17.0.1";
inline const std::string kGateway6 = "fd00:17::1";
inline const std::string kWeb4 = "172.17.0.2";
inline const std::string kWeb6 = "fd00:17::2";
inline const std::string kForeign4 = "198.51.100.7";
inline const std::string kForeign6 = "2001:db8::7";
MacAddress web_mac();                 // 02:00:00:00:00:01
MacAddress gateway_mac();             // 02:00:00:00:00:02
stack::GatewayConfig bench_config();  // 172.17.0.1/16, fd00:17::1/64, MTU 1500

// A frame from the gateway. `packet` is dissected from a copy whose checksum was finished; the
// frame itself is as the gateway left it.
struct Received {
  FrameRef frame;
  Offload offload;
  Dissected packet;
};

class GatewayBench {
 public:
  explicit GatewayBench(const stack::GatewayConfig& config = bench_config());
  ~GatewayBench();

  // From here on ARP requests and neighbour solicitations for `address` are answered from `mac` and
  // never seen by expect().
  void play(const IpAddress& address, const MacAddress& mac);
  // The endpoint 172.17.0.2 and fd00:17::2, known to the gateway already, and played.
  void play_web();

  // Each of these is a step: one turn of the gateway follows.
  void send(ByteView frame, const Offload& offload = {});
  void send(const SuperFrame& frame) { send(frame.bytes, frame.offload); }
  // Lets time pass; timers fire at their own time.
  void tick(Duration duration);
  // After a call into the gateway or a stream: runs it until it has nothing to do.
  void turn();

  // The next frame from the gateway; fails the test when there is none.
  Received expect(const std::string& what);
  void expect_nothing();
  std::size_t waiting() const { return outbox_.size(); }
  // All drops since the last call, exactly.
  void expect_drops(const std::map<DropReason, std::uint64_t>& expected);

  // A line in the list of steps.
  void note(const std::string& text);

  Instant now{std::chrono::seconds(1000)};
  FramePool pool;
  TimerQueue timers;
  SeededRandom random{1, "bench"};
  stack::Gateway gateway;

 private:
  void collect();
  bool answer_question(const Dissected& packet);

  std::map<IpAddress, MacAddress> played_;
  std::deque<FrameRef> outbox_;
  DropCounters seen_;
  std::deque<Catch::ScopedMessage> steps_;
};

// One line about a frame: "UDP 172.17.0.2:4000 > 172.17.0.1:53, 12 bytes".
std::string summary(const Dissected& packet);

}  // namespace pontoon::test
