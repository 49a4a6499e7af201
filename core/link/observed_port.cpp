#include "core/link/observed_port.h"

namespace pontoon {

std::size_t ObservedPort::receive(std::span<FrameRef> out, Instant now) noexcept {
  const std::size_t count = inner().receive(out, now);
  if (observer_ == nullptr) return count;
  for (const FrameRef& frame : out.first(count))
    observer_->on_frame(tag_, FrameEvent::from_endpoint, frame, std::nullopt, now);
  return count;
}

void ObservedPort::send(FrameRef frame, Instant now) noexcept {
  if (observer_ == nullptr) return inner().send(std::move(frame), now);
  const DropCounters& drops = inner().counters().drops;
  const std::uint64_t before = drops.total();
  const FrameRef kept = frame.share();
  inner().send(std::move(frame), now);
  if (drops.total() == before) {
    observer_->on_frame(tag_, FrameEvent::to_endpoint, kept, std::nullopt, now);
  } else {
    observer_->on_frame(tag_, FrameEvent::dropped, kept, drops.last(), now);
  }
}

}  // namespace pontoon
