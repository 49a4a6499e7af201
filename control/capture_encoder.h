// One capture in the making: frames in, pcapng out, in a queue that is bounded. Sans-IO: whoever
// owns the descriptor takes the bytes. What finds no room in the queue is counted, never waited
// for.
//
// An interface block is written once for each place, before the first packet there. Super-frames
// are written as their segments, partial checksums finished: what a wire would have shown, and what
// can be replayed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/capture_names.h"
#include "control/model.h"
#include "core/capture/filter.h"
#include "core/capture/recorder.h"
#include "core/capture/writer.h"

namespace pontoon::control {

// One frame as a tap saw it.
struct CapturedFrame {
  const FrameRef& frame;
  const CapturePlace& place;
  capture::Direction direction = capture::Direction::unknown;
  std::optional<DropReason> reason;
  std::int64_t time_ns = 0;
};

class CaptureEncoder {
 public:
  // `snap_length` 0: whole frames. Begins the file: header, interfaces, names.
  CaptureEncoder(const CaptureNames& names, capture::Filter filter, std::uint32_t snap_length,
                 const std::vector<CapturePlace>& places);

  void add(const CapturedFrame& captured);
  // One out of the flight recorder. There is no bound on the queue here: the recorder is one.
  void add_recorded(const capture::Recorded& recorded, const CapturePlace& place,
                    std::int64_t time_ns);
  // The interfaces' statistics end the file.
  void finish(std::int64_t time_ns);

  ByteView queued() const noexcept { return ByteView(queue_).subspan(taken_); }
  void take(std::size_t bytes);
  const CaptureCounts& counts() const noexcept { return counts_; }

 private:
  class SegmentSink;
  struct Known {
    CapturePlace place;
    std::uint64_t received = 0;
    std::uint64_t missed = 0;
  };

  // Nullopt when a file would have too many.
  std::optional<std::uint32_t> interface_of(const CapturePlace& place);
  void miss(const CapturePlace& place, std::size_t frames);
  void declare(const CapturePlace& place);
  bool wanted(const Frame& frame, bool dropped) const noexcept;
  void write(ByteView bytes, std::size_t original_length);

  const CaptureNames& names_;
  capture::Filter filter_;
  std::uint32_t snap_length_;
  FramePool pool_;
  std::vector<Known> interfaces_;
  std::unordered_map<std::string, std::uint32_t> latest_;  // by the place's name
  capture::Packet packet_;                                 // kept for its memory
  CaptureCounts counts_;
  std::vector<std::uint8_t> queue_;
  std::size_t taken_ = 0;
};

}  // namespace pontoon::control
