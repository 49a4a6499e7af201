// The TCP engine between an endpoint that says anything and a host that does anything, in steps:
// segments made from what a real endpoint's would be, bent by the input; time; host events.
//
// The endpoint's text at each sequence number and the host's at each position are functions of
// that place. So whatever reaches the host must be the endpoint's text in order, without a hole and
// never a byte more than was sent, and whatever reaches the endpoint the host's.
#include <map>
#include <string>
#include <vector>

#include "core/stack/tcp/engine.h"
#include "tests/fuzz/input.h"
#include "tests/support/scripted_stream.h"

namespace pontoon::fuzz {
namespace {

using wire::TcpSequence;

const SocketAddress kEndpoint{Ipv4Address::of(172, 17, 0, 2), 40000};
const SocketAddress kFar{Ipv4Address::of(93, 184, 216, 34), 80};
constexpr std::uint32_t kInitial = 0xfffff000;  // wraps soon
constexpr unsigned kSteps = 200;
constexpr unsigned kSettleTurns = 2000;

char endpoint_byte(std::uint32_t sequence) {
  return static_cast<char>(sequence * 7 + (sequence >> 8));
}
char host_byte(std::size_t position) {
  return static_cast<char>(position * 13 + (position >> 8));
}

class Bench final : public stack::SegmentOutput, public stack::TcpForwarder {
 public:
  Bench() { engine_.set_forwarder(this); }

  void step(Input& input) {
    const unsigned kind = input.below(16);
    out_ = 0;
    if (kind < 9) {
      segment(input);
    } else if (kind < 12) {
      pass(std::chrono::milliseconds(1 << input.below(18)));
    } else if (kind == 12) {
      icmp_error(input);
    } else {
      host_event(input);
    }
    settle();
    check_host();
  }
  void greet(bool published) {
    if (published) {
      const stack::FlowKey flow{kFar, kEndpoint};
      host_ = std::make_shared<test::ScriptedHost>();
      published_ = engine_.open(flow, std::make_unique<test::ScriptedStream>(host_), now_);
      settle();
    }
  }
  void end() {
    engine_.drop_endpoint(kEndpoint.ip);
    ORACLE(engine_.flow_count() == 0, "a flow outlives its endpoint");
    check_host();
    ORACLE(pool_.in_use() == 0, "frames are held");
  }

 private:
  void segment(Input& input) {
    wire::TcpRepr repr;
    repr.source_port = kEndpoint.port;
    repr.destination_port = kFar.port;
    const std::uint8_t flags = input.u8();
    repr.flags = wire::TcpFlags::from_bits(flags & 0x3f);
    // Mostly where an honest endpoint would be; at times a little or far off.
    const std::uint8_t where = input.u8();
    repr.sequence = next_ + static_cast<std::uint32_t>(shift(where & 15, input));
    repr.acknowledgement = theirs_ + static_cast<std::uint32_t>(shift(where >> 4, input));
    repr.window = input.flag() ? 65535 : input.u16();
    options(repr, input);
    const std::size_t length = repr.flags.syn ? 0 : input.u16() % 4000;
    send(repr, length);
  }
  static std::int32_t shift(unsigned kind, Input& input) {
    if (kind < 10) return 0;
    if (kind < 12) return static_cast<std::int16_t>(input.u16());
    if (kind < 14) return -static_cast<std::int32_t>(input.u8());
    if (kind < 15) return input.u8();
    return static_cast<std::int32_t>(input.u32());
  }
  void options(wire::TcpRepr& repr, Input& input) {
    const std::uint8_t with = input.u8();
    if (repr.flags.syn) {
      if ((with & 1) != 0) repr.options.mss = input.u16();
      if ((with & 2) != 0) repr.options.window_scale = input.u8();
      repr.options.sack_permitted = (with & 4) != 0;
    }
    if ((with & 8) != 0) repr.options.timestamps = {input.u32(), echo_};
    for (unsigned i = 0; i < unsigned{with} >> 6; ++i) {
      const TcpSequence left = theirs_ + input.u16();
      repr.options.add_sack({left, left + input.u16()});
    }
  }
  void send(const wire::TcpRepr& repr, std::size_t length) {
    std::vector<std::uint8_t> bytes(repr.header_size() + length);
    const auto text = std::span(bytes).subspan(repr.header_size());
    for (std::size_t i = 0; i < length; ++i) {
      const TcpSequence at = repr.sequence + static_cast<std::uint32_t>(i);
      text[i] = static_cast<std::uint8_t>(endpoint_byte(at.value));
    }
    last_sent_ = repr.sequence;
    repr.emit(std::span(bytes).first(repr.header_size()), text, kEndpoint.ip, kFar.ip);
    const auto view = wire::TcpView::parse(bytes);
    ORACLE(view, "an emitted segment does not parse");
    if (repr.flags.syn && !synchronized_) next_ = repr.sequence + 1;
    const TcpSequence end = repr.sequence + view->sequence_length();
    if (end > next_ && end - next_ < 70000) next_ = end;
    engine_.on_segment(kEndpoint.ip, kFar.ip, *view, now_);
  }

  void icmp_error(Input& input) {
    const auto reason = static_cast<stack::Unreachable>(input.below(6));
    const stack::FlowKey flow{kFar, kEndpoint};
    engine_.on_icmp_error(flow, reason, input.u16(), now_);
  }

  void host_event(Input& input) {
    if (!host_) return;
    switch (input.below(8)) {
      case 0:
        return host_->end();
      case 1:
        return host_->fail(static_cast<SocketError>(input.below(12)));
      case 2:
      case 3:
        return host_->give_room(input.u16());
      case 4:
        if (host_->state == Stream::State::connecting) host_->connect();
        return;
      default:
        return say(input.u16());
    }
  }
  void say(std::size_t count) {
    if (host_->ended) return;
    std::string text(count, 0);
    for (char& byte : text)
      byte = host_byte(said_++);
    host_->say(text);
  }

  void pass(Duration time) {
    const Instant end = now_ + time;
    while (timers_.next_deadline() <= end) {
      now_ = std::max(now_, timers_.next_deadline());
      settle();
    }
    now_ = end;
  }
  void settle() {
    for (unsigned turn = 0; turn < kSettleTurns; ++turn) {
      timers_.run_due(now_, limits::kTurnTimers);
      engine_.pump(now_);
      if (!engine_.has_work() && timers_.next_deadline() > now_) return;
    }
    ORACLE(false, "the engine never comes to rest");
  }

  // Only the first flow's text is followed: a new SYN may begin anew.
  void check_host() const {
    if (!host_ || opens_ > 1 || published_) return;
    const std::string& written = host_->written;
    for (std::size_t i = 0; i < written.size(); ++i) {
      const TcpSequence at = opened_by_ + (1U + static_cast<std::uint32_t>(i));
      ORACLE(written[i] == endpoint_byte(at.value), "the host got other text");
    }
  }

  Result<std::unique_ptr<Stream>, stack::TcpRefusal> open(const stack::FlowKey&,
                                                          Instant) noexcept override {
    ++opens_;
    opened_by_ = last_sent_;
    if (opens_ > 3) return stack::TcpRefusal::refused;
    host_ = std::make_shared<test::ScriptedHost>();
    said_ = 0;
    if (opens_ == 2) host_->state = Stream::State::connecting;
    return std::unique_ptr<Stream>(std::make_unique<test::ScriptedStream>(host_));
  }
  bool send_segment(const IpAddress& source, const IpAddress& target, FrameRef frame,
                    std::uint16_t segment_size, Instant) noexcept override {
    const auto view = wire::TcpView::parse(frame->bytes());
    ORACLE(view, "the engine sends what is no segment");
    ORACLE(source == kFar.ip && target == kEndpoint.ip, "between the wrong addresses");
    const std::size_t length = view->payload().size();
    ORACLE(segment_size > 0 || length + view->header_length() + 20 <= 1500, "more than the MTU");
    // A megabyte in one step is what its window may ask for; more is amplification.
    out_ += length + 1;
    ORACLE(out_ <= 4U * limits::kTcpFlightBytes + kSettleTurns, "too much for one step");
    const TcpSequence end = view->sequence() + view->sequence_length();
    if (view->flags().syn) {
      theirs_ = end;
      first_ = end;
      synchronized_ = true;
    } else {
      check_text(*view);
      if (end > theirs_ && end - theirs_ < 1 << 24) theirs_ = end;
    }
    if (const auto options = view->options_parsed(); options.timestamps)
      echo_ = options.timestamps->value;
    return true;
  }
  void check_text(const wire::TcpView& view) const {
    if (!synchronized_ || opens_ > 1) return;
    const ByteView text = view.payload();
    const std::uint32_t at = view.sequence().value - first_.value;
    for (std::size_t i = 0; i < text.size(); ++i)
      ORACLE(static_cast<char>(text[i]) == host_byte(at + i), "the endpoint got other text");
  }
  void send_icmp_error(const stack::IcmpErrorSpec&, Instant) noexcept override {}
  std::uint16_t mtu_to(const IpAddress&) const noexcept override { return 1500; }

  FramePool pool_;
  TimerQueue timers_;
  SeededRandom random_{1, "fuzz"};
  DropCounters drops_;
  Instant now_{std::chrono::hours(1)};
  std::shared_ptr<test::ScriptedHost> host_;
  bool published_ = false;
  bool synchronized_ = false;
  unsigned opens_ = 0;
  std::size_t said_ = 0;
  std::size_t out_ = 0;
  TcpSequence next_{kInitial};
  TcpSequence theirs_{};
  TcpSequence first_{};
  TcpSequence last_sent_{};
  TcpSequence opened_by_{};  // the SYN's
  std::uint32_t echo_ = 0;
  stack::TcpEngine engine_{{pool_, timers_, random_}, *this, drops_};
};

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon::fuzz;
  Input input(data, size);
  Bench bench;
  bench.greet(input.flag());
  for (unsigned i = 0; i < kSteps && !input.empty(); ++i)
    bench.step(input);
  bench.end();
  return 0;
}
