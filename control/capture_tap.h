// Where a network's frames are seen by captures: the network's one observer, which keeps the flight
// recorder and hands the frames of each turn to the captures that are on.
//
// A frame that an endpoint sends has one place in a capture, whatever becomes of it: what the
// switch or the gateway drops later in the turn is written where it came out, with the reason
// beside it. So frames are held until the turn ends, shared with whoever else has them. What a
// link's queue refuses is written at that link, inbound; a part of a frame that an impairment loses
// on its way out has a place of its own, since the frame stands at the link already.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/capture_encoder.h"
#include "control/capture_names.h"
#include "core/capture/recorder.h"
#include "core/link/observer.h"

namespace pontoon::control {

// A capture, as the tap knows it.
class CaptureListener {
 public:
  virtual ~CaptureListener() = default;
  virtual CaptureEncoder& encoder() noexcept = 0;
  // Only of this endpoint; empty: of the whole network.
  virtual const std::string& endpoint() const noexcept = 0;
  // Something was added to the encoder. Must not remove itself from within.
  virtual void on_captured() = 0;
  // The endpoint has gone, or has come back.
  virtual void on_endpoint(bool present) = 0;
  // The network goes, and the tap with it: nothing of either may be used from now on.
  virtual void on_network_gone() = 0;
};

class CaptureTap final : public FrameObserver {
 public:
  // `recorder_bytes` 0: no recorder.
  CaptureTap(Network& network, std::size_t recorder_bytes);
  ~CaptureTap() override;
  CaptureTap(const CaptureTap&) = delete;
  CaptureTap& operator=(const CaptureTap&) = delete;

  CaptureNames& names() noexcept { return names_; }
  bool has_recorder() const noexcept { return recorder_ != nullptr; }
  // A capture is on, so that end_turn() needs the right time.
  bool live() const noexcept { return !listeners_.empty(); }

  void add(CaptureListener& listener);
  void remove(CaptureListener& listener) noexcept;
  // What the recorder holds of the time since `since`, into the listener's encoder. `wall_ns` is
  // what the zero of the engine's clock is in nanoseconds since 1970.
  void dump(CaptureListener& listener, Instant since, std::int64_t wall_ns);

  // After every turn.
  void end_turn(std::int64_t wall_ns);

  void on_frame(std::uint32_t tag, FrameEvent event, const FrameRef& frame,
                std::optional<DropReason> reason, Instant now) noexcept override;

 private:
  struct Pending {
    FrameRef frame;
    std::uint32_t tag = 0;
    capture::Direction direction = capture::Direction::unknown;
    std::optional<DropReason> reason;
    Instant now;
  };

  struct Seen {
    const CapturePlace& place;
    capture::Direction direction;
  };

  Seen locate(std::uint32_t tag, capture::Direction direction, ByteView frame) const noexcept;
  void observe() noexcept;
  bool mark_dropped(std::uint32_t tag, const FrameRef& frame, DropReason reason) noexcept;
  void hand_over(std::int64_t wall_ns);
  void tell_of_endpoints();

  Network& network_;
  CaptureNames names_;
  std::unique_ptr<capture::Recorder> recorder_;
  std::vector<CaptureListener*> listeners_;
  std::vector<Pending> pending_;
  std::int64_t wall_ns_ = 0;  // of the last turn
};

}  // namespace pontoon::control
