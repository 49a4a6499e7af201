// A port behind a bad wire: frames get lost, come twice, or fall behind those that were sent later,
// in both directions. Super-frames are cut first, so that a loss is one packet's. What happens to a
// frame depends on the seed and the order of frames only.
#pragma once

#include <array>
#include <deque>
#include <utility>

#include "core/base/random.h"
#include "core/link/decorator.h"
#include "core/link/port_edge.h"

namespace pontoon::test {

struct Impairment {
  // Of 10,000 frames each.
  std::uint32_t lost = 0;
  std::uint32_t doubled = 0;
  std::uint32_t late = 0;
  Duration lateness = std::chrono::milliseconds(1);
};

class ImpairedPort final : public PortDecorator {
 public:
  ImpairedPort(Port& inner, FramePool& pool, const Impairment& impairment, std::uint64_t seed);

  std::size_t receive(std::span<FrameRef> out, Instant now) noexcept override;
  void send(FrameRef frame, Instant now) noexcept override;
  void flush(Instant now) noexcept override;

  std::uint64_t lost() const noexcept { return lost_; }

 private:
  // One direction: what has come out of the wire, and what is still on it.
  class Wire final : public FrameSink {
   public:
    explicit Wire(ImpairedPort& port) noexcept : port_(port) {}
    bool accept(FrameRef frame) noexcept override;
    void release(Instant now);

    Instant now{};
    std::deque<FrameRef> arrived;

   private:
    ImpairedPort& port_;
    std::deque<std::pair<Instant, FrameRef>> late_;
  };

  bool happens(std::uint32_t share) noexcept { return random_.below(10000) < share; }

  FramePool& pool_;
  Impairment impairment_;
  SeededRandom random_;
  DropCounters drops_;
  std::uint64_t lost_ = 0;
  Wire outward_{*this};
  Wire inward_{*this};
  PortEdge outward_edge_;
  PortEdge inward_edge_;
};

}  // namespace pontoon::test
