// The last step before a port: turns a frame into what the port can take.
//
//   gso frame:    passed as it is, or cut into segments with complete checksums
//   partial sum:  kept when the port finishes checksums itself, else finished (in a copy, when the
//                 frame is shared)
//   plain frame:  passed when its IP packet fits the MTU
//
// Every frame that does not reach the sink counts one reason: malformed_offload, pool_exhausted or
// too_big here; a sink that refuses a frame counts that itself.
#pragma once

#include "core/frame/offload.h"
#include "core/link/port.h"

namespace pontoon {

class PortEdge {
 public:
  PortEdge(FramePool& pool, const PortFeatures& features, FrameSink& sink,
           DropCounters& drops) noexcept
      : pool_(pool), features_(features), sink_(sink), drops_(drops) {}

  void deliver(FrameRef frame) noexcept;

 private:
  bool takes_gso(const Frame& frame) const noexcept;
  void deliver_segments(const Frame& frame) noexcept;
  void deliver_finished(FrameRef frame) noexcept;

  FramePool& pool_;
  PortFeatures features_;
  FrameSink& sink_;
  DropCounters& drops_;
};

}  // namespace pontoon
