#include "core/capture/frame_writer.h"

namespace pontoon::capture {
namespace {

WireForm as_it_is(const FrameRef& frame, FrameSink& sink) noexcept {
  (void)sink.accept(frame.share());
  return WireForm::as_it_is;
}

WireForm write_finished(const FrameRef& frame, FramePool& pool, FrameSink& sink) noexcept {
  FrameRef copy = pool.copy(*frame);
  if (!copy) return WireForm::pool_exhausted;
  if (!finish_checksum(*copy)) return as_it_is(frame, sink);
  (void)sink.accept(std::move(copy));
  return WireForm::whole;
}

}  // namespace

WireForm write_wire_frames(const FrameRef& frame, FramePool& pool, FrameSink& sink) noexcept {
  if (frame->offload.gso == Gso::none) {
    if (frame->offload.needs_checksum) return write_finished(frame, pool, sink);
    (void)sink.accept(frame.share());
    return WireForm::whole;
  }
  switch (segment(*frame, pool, sink)) {
    case SegmentResult::malformed:
      return as_it_is(frame, sink);
    case SegmentResult::pool_exhausted:
      return WireForm::pool_exhausted;
    case SegmentResult::ok:
    case SegmentResult::sink_stopped:
      return WireForm::whole;
  }
  return WireForm::whole;
}

}  // namespace pontoon::capture
