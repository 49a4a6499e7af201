// A port that somebody may watch: tells an observer of every frame that comes out of the inner port
// and of every one that goes in, or that the inner port refused to queue. It stands right around
// the real port, so what an impairment outside of it loses was seen here first. Without an observer
// each call costs one branch.
//
// A super-frame of which the inner port queued a part only (its queue became full) is told as
// dropped, with the reason of the first segment that found no room.
#pragma once

#include <memory>

#include "core/link/decorator.h"
#include "core/link/observer.h"

namespace pontoon {

class ObservedPort final : public PortDecorator {
 public:
  ObservedPort(std::unique_ptr<Port> inner, std::uint32_t tag) noexcept
      : PortDecorator(*inner), owned_(std::move(inner)), tag_(tag) {}

  // Null: nobody watches.
  void set_observer(FrameObserver* observer) noexcept { observer_ = observer; }
  std::uint32_t tag() const noexcept { return tag_; }

  std::size_t receive(std::span<FrameRef> out, Instant now) noexcept override;
  void send(FrameRef frame, Instant now) noexcept override;

 private:
  std::unique_ptr<Port> owned_;
  FrameObserver* observer_ = nullptr;
  std::uint32_t tag_;
};

}  // namespace pontoon
