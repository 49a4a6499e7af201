// Who watches frames pass: captures, the flight recorder, a replay. The observer sees frames as
// they are inside (super-frames, partial checksums) and must not keep a reference beyond the call
// unless it shares the frame.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/drop.h"
#include "core/base/time.h"
#include "core/frame/frame.h"

namespace pontoon {

enum class FrameEvent : std::uint8_t {
  from_endpoint,  // it came out of the endpoint's link
  to_endpoint,    // it is queued into the endpoint's link
  dropped,        // it went no further; `reason` says why
};

class FrameObserver {
 public:
  virtual ~FrameObserver() = default;
  // `tag` is the one that the observed port or engine was given: the owner's name for it.
  virtual void on_frame(std::uint32_t tag, FrameEvent event, const FrameRef& frame,
                        std::optional<DropReason> reason, Instant now) noexcept = 0;
};

}  // namespace pontoon
