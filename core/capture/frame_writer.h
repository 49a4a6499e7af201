// Inner frames as they would be on a wire: super-frames cut into their segments, partial checksums
// finished, without a change to the frame itself, which others share.
#pragma once

#include "core/frame/frame.h"
#include "core/frame/offload.h"

namespace pontoon::capture {

enum class WireForm : std::uint8_t {
  whole,           // as on a wire
  as_it_is,        // offload metadata that disagrees with the frame: given as it is, once
  pool_exhausted,  // no free frame: what is missing was not given
};

// Gives `sink` the wire's frames in their order. A plain frame is shared, not copied. A sink that
// stops gets no more.
WireForm write_wire_frames(const FrameRef& frame, FramePool& pool, FrameSink& sink) noexcept;

}  // namespace pontoon::capture
