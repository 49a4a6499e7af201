// A conversation with the TCP engine in virtual time. The test plays the endpoint, segment by
// segment, and holds the host's side as a ScriptedHost. Every step is noted; a failing expectation
// prints what was said so far.
//
//   TcpTalk talk;
//   talk.connect();
//   talk.send(talk.segment("A", "hello"));
//   talk.expect_ack();
#pragma once

#include <catch2/catch.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/drop.h"
#include "core/stack/tcp/engine.h"
#include "tests/support/scripted_stream.h"

namespace pontoon::test {

using wire::TcpFlags;
using wire::TcpOptions;
using wire::TcpRepr;
using wire::TcpSequence;

// "SA" is SYN and ACK; order does not matter, P is dropped from what is shown.
TcpFlags flags_from(std::string_view letters);
std::string to_string(TcpFlags flags);
// `count` bytes that tell their position.
std::string pattern(std::size_t count, unsigned seed = 0);

struct Sent {
  TcpRepr tcp;
  std::string text;
  std::uint16_t segment_size = 0;
  IpAddress source;
  IpAddress target;

  TcpSequence end() const {
    return tcp.sequence + static_cast<std::uint32_t>(text.size() + (tcp.flags.syn ? 1U : 0U) +
                                                     (tcp.flags.fin ? 1U : 0U));
  }
};

class TcpTalk : public stack::SegmentOutput, public stack::TcpForwarder {
 public:
  explicit TcpTalk(std::uint64_t seed = 1);

  // What the endpoint's next segment says by default; tests change it at will.
  SocketAddress endpoint{Ipv4Address::of(172, 17, 0, 2), 40000};
  SocketAddress far{Ipv4Address::of(93, 184, 216, 34), 80};
  TcpSequence our_next{1000};    // the endpoint's SND.NXT
  TcpSequence their_next{};      // the endpoint's RCV.NXT
  std::uint16_t window = 65535;  // not scaled
  std::uint32_t timestamp = 5000;
  std::uint32_t timestamp_echo = 0;
  bool timestamps = false;
  bool advance = true;  // our_next moves with what is sent
  TcpOptions syn_options;

  // What the forwarder says to the next SYN.
  std::shared_ptr<ScriptedHost> host = std::make_shared<ScriptedHost>();
  std::optional<stack::TcpRefusal> refusal;
  unsigned opens = 0;

  std::uint16_t mtu = 1500;
  std::vector<stack::IcmpErrorSpec> icmp_errors;
  std::deque<Sent> sent;

  FramePool pool;
  TimerQueue timers;
  SeededRandom random;
  DropCounters drops;
  Instant now{std::chrono::hours(1)};
  stack::TcpEngine engine;

  // --- the endpoint
  // A segment from the present state; text and FIN move our_next when it is sent.
  struct Draft {
    TcpRepr tcp;
    std::string text;
  };
  Draft segment(std::string_view flags, std::string_view text = {}) const;
  // To the engine, without letting it work.
  void deliver(const Draft& draft);
  // To the engine, which then works until it is silent.
  void send(const Draft& draft);
  void settle();
  void tick(Duration by);  // in steps from timer to timer

  // --- expectations
  Sent expect(std::string_view flags);
  Sent expect_text(std::string_view text);
  void expect_ack(std::uint32_t back_by = 0);  // of our_next - back_by
  void expect_nothing();
  // Everything that came, put together as far as it is in order; the acknowledgement is not sent.
  std::string take_text();
  void fail(const std::string& why) const;
  std::string state() const;  // of the only flow; "" when there is none

  // --- handshakes
  void send_syn();
  void connect();           // from the endpoint, established at the end, nothing left to expect
  void accept_from_host();  // through open()
  stack::FlowKey published_key() const { return {far, endpoint}; }

  Result<std::unique_ptr<Stream>, stack::TcpRefusal> open(const stack::FlowKey& flow,
                                                          Instant at) noexcept override;
  bool send_segment(const IpAddress& source, const IpAddress& target, FrameRef frame,
                    std::uint16_t segment_size, Instant at) noexcept override;
  void send_icmp_error(const stack::IcmpErrorSpec& error, Instant at) noexcept override;
  std::uint16_t mtu_to(const IpAddress& target) const noexcept override;

 private:
  void note(const std::string& step) { steps_.push_back(step); }
  std::vector<std::string> steps_;
};

}  // namespace pontoon::test
