#include "core/link/memory_port.h"

#include <algorithm>
#include <cstring>

#include "core/link/port_edge.h"

namespace pontoon {
namespace {

class QueueSink final : public FrameSink {
 public:
  QueueSink(std::vector<FrameRef>& queue, DropCounters& drops) noexcept
      : queue_(queue), drops_(drops) {}

  bool accept(FrameRef frame) noexcept override {
    if (queue_.size() >= limits::kPortQueueFrames) {
      drops_.count(DropReason::port_queue_full);
      return false;
    }
    queue_.push_back(std::move(frame));
    return true;
  }

 private:
  std::vector<FrameRef>& queue_;
  DropCounters& drops_;
};

}  // namespace

void MemoryPort::inject(ByteView frame, Offload offload) {
  FrameRef arrived = pool_.allocate(frame.size());
  if (!arrived) {
    counters_.drops.count(DropReason::pool_exhausted);
    return;
  }
  const MutableBytes room = arrived->append(frame.size());
  if (!room.empty()) std::memcpy(room.data(), frame.data(), room.size());
  arrived->offload = offload;
  arrived_.push_back(std::move(arrived));
  if (ready_sink_ != nullptr) ready_sink_->on_ready();
}

std::vector<FrameRef> MemoryPort::take_sent() {
  return std::exchange(sent_, {});
}

void MemoryPort::close() noexcept {
  open_ = false;
  if (ready_sink_ != nullptr) ready_sink_->on_ready();
}

std::size_t MemoryPort::receive(std::span<FrameRef> out, Instant) noexcept {
  const std::size_t count = std::min(out.size(), arrived_.size());
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = std::move(arrived_.front());
    arrived_.pop_front();
    ++counters_.received_frames;
    counters_.received_bytes += out[i]->size();
  }
  return count;
}

void MemoryPort::send(FrameRef frame, Instant) noexcept {
  if (!open_) {
    counters_.drops.count(DropReason::port_closed);
    return;
  }
  QueueSink sink(queued_, counters_.drops);
  PortEdge(pool_, features_, sink, counters_.drops).deliver(std::move(frame));
}

void MemoryPort::flush(Instant) noexcept {
  for (FrameRef& frame : queued_) {
    ++counters_.sent_frames;
    counters_.sent_bytes += frame->size();
    sent_.push_back(std::move(frame));
  }
  queued_.clear();
}

}  // namespace pontoon
