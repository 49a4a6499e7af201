// Software offloads, for the port that cannot take what a frame asks for. Segmentation and checksum
// finishing happen at that port's edge only; everything before it passes super-frames untouched.
#pragma once

#include "core/frame/frame.h"

namespace pontoon {

struct PortFeatures;

// Fills in the checksum that the frame's offload asks for; the frame is then plain in that respect.
// False (and the frame unchanged) when the offsets lie outside the frame.
bool finish_checksum(Frame& frame) noexcept;

// Where segments go. `false` stops the segmentation.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual bool accept(FrameRef frame) noexcept = 0;
};

enum class SegmentResult : std::uint8_t { ok, malformed, pool_exhausted, sink_stopped };

// Cuts a gso frame (TCP over IPv4 or IPv6, or UDP) into frames of at most segment_size payload
// bytes with lengths, IPv4 identification, sequence numbers, flags (FIN and PSH only on the last,
// CWR only on the first) and checksums set. Does not change `frame`.
SegmentResult segment(const Frame& frame, FramePool& pool, FrameSink& sink) noexcept;

}  // namespace pontoon
