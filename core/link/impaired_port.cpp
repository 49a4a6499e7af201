// Both directions go through a wire of their own (impaired_wire.cpp has the theory of what happens
// there). receive() and flush() take from the wires what is due; for what is due later, or for the
// end of a rule, one timer is armed, which only tells the ready sink, as every port does. The
// switch then calls receive() and flush() in its next turn.
#include "core/link/impaired_port.h"

#include <algorithm>
#include <array>

#include "core/base/limits.h"

namespace pontoon {

class ImpairedPort::Impl {
 public:
  Impl(Port& port, FramePool& pool, TimerQueue& timers) noexcept
      : inner(port),
        inward(ImpairedWire::Direction::from_endpoint, pool, drops),
        outward(ImpairedWire::Direction::to_endpoint, pool, drops),
        timers_(timers),
        timer_(Timer::bind<&Impl::on_timer>(*this)) {}

  std::size_t receive(std::span<FrameRef> out, Instant now) noexcept;
  void send(FrameRef frame, Instant now) noexcept;
  void release(Instant now) noexcept;
  void rearm() noexcept;
  void tell() noexcept {
    if (sink != nullptr) sink->on_ready();
  }

  Port& inner;
  DropCounters drops;
  ImpairedWire inward;
  ImpairedWire outward;
  ReadySink* sink = nullptr;

 private:
  std::size_t take_inward(std::span<FrameRef> out, Instant now) noexcept;
  void on_timer(Instant) { tell(); }

  TimerQueue& timers_;
  Timer timer_;
};

std::size_t ImpairedPort::Impl::take_inward(std::span<FrameRef> out, Instant now) noexcept {
  std::size_t count = 0;
  while (count < out.size()) {
    out[count] = inward.take(now);
    if (!out[count]) break;
    ++count;
  }
  return count;
}

// Nothing is pulled from the inner port while a frame is due here: order is kept.
std::size_t ImpairedPort::Impl::receive(std::span<FrameRef> out, Instant now) noexcept {
  inward.expire(now);
  std::array<FrameRef, 16> batch;
  std::size_t count = take_inward(out, now);
  bool more = true;
  while (more && count < out.size()) {
    const std::size_t room = std::min(batch.size(), out.size() - count);
    const std::size_t came = inner.receive(std::span(batch).first(room), now);
    more = came == room;
    for (std::size_t i = 0; i < came; ++i) {
      if (WireRule* rule = inward.match(*batch[i])) {
        inward.carry(*rule, std::move(batch[i]), now);
      } else {
        out[count++] = std::move(batch[i]);
      }
    }
    count += take_inward(out.subspan(count), now);
  }
  return count;
}

void ImpairedPort::Impl::send(FrameRef frame, Instant now) noexcept {
  outward.expire(now);
  if (WireRule* rule = outward.match(*frame)) {
    outward.carry(*rule, std::move(frame), now);
    return;
  }
  release(now);
  inner.send(std::move(frame), now);
}

// Many may be due at once, when a rule has gone: no more than the inner port's queue takes.
void ImpairedPort::Impl::release(Instant now) noexcept {
  std::size_t queued = 0;
  while (FrameRef frame = outward.take(now)) {
    inner.send(std::move(frame), now);
    if (++queued % (limits::kPortQueueFrames / 2) == 0) inner.flush(now);
  }
}

void ImpairedPort::Impl::rearm() noexcept {
  const Instant next = std::min(inward.next_event(), outward.next_event());
  if (next == kNever) {
    timer_.cancel();
  } else if (!timer_.armed() || timer_.deadline() != next) {
    timers_.arm(timer_, next);
  }
}

ImpairedPort::ImpairedPort(std::unique_ptr<Port> inner, FramePool& pool, TimerQueue& timers)
    : PortDecorator(*inner),
      owned_(std::move(inner)),
      impl_(std::make_unique<Impl>(*owned_, pool, timers)) {}

ImpairedPort::~ImpairedPort() = default;

void ImpairedPort::add_rule(std::uint64_t id, const ImpairmentMatch& match,
                            const Impairment& impairment, std::uint64_t seed, Instant now) {
  ImpairedWire& wire = match.from_endpoint ? impl_->inward : impl_->outward;
  wire.add(std::make_unique<WireRule>(id, match.peer, match.rank, impairment, seed, now));
  impl_->rearm();
}

void ImpairedPort::remove_rule(std::uint64_t id, Instant now) noexcept {
  const bool inward = impl_->inward.remove(id, now);
  const bool outward = impl_->outward.remove(id, now);
  if (!inward && !outward) return;
  impl_->rearm();
  impl_->tell();
}

bool ImpairedPort::impaired() const noexcept {
  return impl_->inward.has_rules() || impl_->outward.has_rules();
}

ImpairmentCounters ImpairedPort::counters_of(std::uint64_t id) const noexcept {
  ImpairmentCounters sum = impl_->inward.counters(id);
  sum.add(impl_->outward.counters(id));
  return sum;
}

const DropCounters& ImpairedPort::drops() const noexcept {
  return impl_->drops;
}

void ImpairedPort::set_observer(FrameObserver* observer, std::uint32_t tag) noexcept {
  impl_->inward.set_observer(observer, tag);
  impl_->outward.set_observer(observer, tag);
}

std::size_t ImpairedPort::receive(std::span<FrameRef> out, Instant now) noexcept {
  if (impl_->inward.idle()) return inner().receive(out, now);
  const std::size_t count = impl_->receive(out, now);
  impl_->rearm();
  return count;
}

void ImpairedPort::send(FrameRef frame, Instant now) noexcept {
  if (impl_->outward.idle()) return inner().send(std::move(frame), now);
  impl_->send(std::move(frame), now);
}

void ImpairedPort::flush(Instant now) noexcept {
  if (!impl_->outward.idle()) {
    impl_->outward.expire(now);
    impl_->release(now);
    impl_->rearm();
  }
  inner().flush(now);
}

void ImpairedPort::set_ready_sink(ReadySink* sink) noexcept {
  impl_->sink = sink;
  inner().set_ready_sink(sink);
}

}  // namespace pontoon
