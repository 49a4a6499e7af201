// An impaired port over a memory port, in virtual time, served as the switch serves it: receive()
// and flush() follow whenever the port said that it is ready.
//
//   ImpairedBench bench;
//   bench.impair("delay=20ms", {.from_endpoint = false});
//   bench.send(frame(1));
//   bench.run_for(1s);
//   CHECK(bench.delivered() == Arrivals{{20ms, 1}});
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <ostream>
#include <string>
#include <vector>

#include "core/link/impaired_port.h"
#include "core/link/memory_port.h"
#include "tests/support/packets.h"

namespace pontoon::test {

// A numbered frame came through, so long after the bench's start.
struct Arrival {
  Duration at{};
  std::uint32_t number = 0;
  friend bool operator==(const Arrival&, const Arrival&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Arrival& it) {
    return out << it.number << " at " << it.at.count() << " ns";
  }
};
using Arrivals = std::vector<Arrival>;

inline const MacAddress kNear = mac("02:00:00:00:00:01");   // the endpoint
inline const MacAddress kPeer = mac("02:00:00:00:00:02");   // who it talks to
inline const MacAddress kOther = mac("02:00:00:00:00:03");  // somebody else

// `size` bytes with the number behind the header; no IP, so nothing but its size matters.
inline Bytes numbered(std::uint32_t number, std::size_t size = 100, const MacAddress& from = kPeer,
                      const MacAddress& to = kNear) {
  Bytes payload(size - 14);
  store_be(payload.data(), number);
  return ethernet_frame(from, to, static_cast<wire::EtherType>(0x88b5), payload);
}
inline std::uint32_t number_of(const Frame& frame) {
  return load_be<std::uint32_t>(frame.bytes().data() + 14);
}

class ImpairedBench final : private ReadySink, private FrameObserver {
 public:
  explicit ImpairedBench(std::size_t frames = limits::kPoolFrames) : pool(frames) {
    auto memory = std::make_unique<MemoryPort>(pool, features);
    inner = memory.get();
    port = std::make_unique<ImpairedPort>(std::move(memory), pool, timers);
    port->set_ready_sink(this);
    port->set_observer(this, 7);
  }
  ~ImpairedBench() override { port->set_ready_sink(nullptr); }

  static constexpr ImpairmentMatch kIn{true, std::nullopt, 0};
  static constexpr ImpairmentMatch kOut{false, std::nullopt, 0};

  void impair(const std::string& words, const ImpairmentMatch& match = kOut, std::uint64_t seed = 1,
              std::uint64_t id = 1) {
    std::vector<std::string> list;
    for (std::size_t at = 0; at < words.size();) {
      const std::size_t end = std::min(words.find(' ', at), words.size());
      list.push_back(words.substr(at, end - at));
      at = end + 1;
    }
    const auto impairment = parse_impairment(list);
    INFO(words << ": " << (impairment ? "" : impairment.error().message));
    REQUIRE(impairment);
    port->add_rule(id, match, *impairment, seed, now);
  }

  // Towards the endpoint; the flush follows as at the end of a turn.
  void send(const Bytes& frame, const Offload& offload = {}) {
    ++came;
    port->send(to_frame(pool, frame, offload), now);
    serve();
  }
  // Out of the endpoint's link.
  void inject(const Bytes& frame, const Offload& offload = {}) {
    ++came;
    inner->inject(frame, offload);
    serve();
  }

  void run_for(Duration duration) {
    const Instant end = now + duration;
    while (timers.next_deadline() <= end) {
      now = std::max(now, timers.next_deadline());
      timers.run_due(now, limits::kTurnTimers);
      if (ready_) serve();
    }
    now = end;
  }

  void serve() {
    ready_ = false;
    std::array<FrameRef, 8> batch;
    std::size_t count = batch.size();
    while (count == batch.size()) {
      count = port->receive(batch, now);
      for (std::size_t i = 0; i < count; ++i)
        received_.push_back({now, std::move(batch[i])});
    }
    port->flush(now);
    for (FrameRef& frame : inner->take_sent())
      delivered_.push_back({now, std::move(frame)});
  }

  struct Seen {
    Instant at;
    FrameRef frame;
  };
  std::vector<Seen> take_received() { return std::exchange(received_, {}); }
  std::vector<Seen> take_delivered() { return std::exchange(delivered_, {}); }
  Arrivals received() { return arrivals(take_received()); }
  Arrivals delivered() { return arrivals(take_delivered()); }
  std::uint64_t lost() const { return port->drops()[DropReason::impaired]; }

  static constexpr PortFeatures features{.checksum = true, .tso4 = true, .tso6 = true, .uso = true};
  FramePool pool;
  TimerQueue timers;
  Instant now = start_;
  std::uint64_t came = 0;
  std::uint64_t observed_drops = 0;
  MemoryPort* inner = nullptr;
  std::unique_ptr<ImpairedPort> port;

 private:
  static constexpr Instant start_{std::chrono::seconds(1000)};

  void on_ready() noexcept override { ready_ = true; }
  void on_frame(std::uint32_t tag, FrameEvent event, const FrameRef&,
                std::optional<DropReason> reason, Instant) noexcept override {
    if (tag == 7 && event == FrameEvent::dropped && reason == DropReason::impaired)
      ++observed_drops;
  }
  static Arrivals arrivals(const std::vector<Seen>& seen) {
    Arrivals out;
    for (const Seen& one : seen)
      out.push_back({one.at - start_, number_of(*one.frame)});
    return out;
  }

  bool ready_ = false;
  std::vector<Seen> received_;
  std::vector<Seen> delivered_;
};

}  // namespace pontoon::test
