#include "control/capture_tap.h"

#include <algorithm>

#include "core/base/limits.h"
#include "core/wire/ethernet.h"

namespace pontoon::control {
namespace {

using capture::Direction;
using capture::Recorded;

std::int64_t nanoseconds(Instant instant) noexcept {
  return instant.time_since_epoch().count();
}

Direction direction_of(FrameEvent event) noexcept {
  switch (event) {
    case FrameEvent::from_endpoint:
      return Direction::outbound;
    case FrameEvent::to_endpoint:
      return Direction::inbound;
    case FrameEvent::dropped:
      return Direction::unknown;
  }
  return Direction::unknown;
}

// That the gateway does not care for what was sent to all is no loss: others got it.
bool is_loss(std::uint32_t tag, const Frame& frame, DropReason reason) noexcept {
  if (tag != Network::kGatewayTag) return true;
  if (reason != DropReason::link_not_ours && reason != DropReason::multicast_not_routed)
    return true;
  const auto view = wire::EthernetView::parse(frame.bytes());
  return !view || !view->destination().is_multicast();
}

bool sent_by(const CapturePlace& place, ByteView frame) noexcept {
  const auto view = wire::EthernetView::parse(frame);
  return view && view->source() == place.mac;
}

// The record of the same frame as it came out of its endpoint, in the same turn.
Recorded* find_sent(std::vector<Recorded>& records, const Recorded& dropped) noexcept {
  for (auto it = records.rbegin(); it != records.rend() && it->time_ns == dropped.time_ns; ++it) {
    if (it->direction != Direction::outbound || it->reason) continue;
    if (dropped.tag != Network::kGatewayTag && dropped.tag != it->tag) continue;
    if (it->original_length == dropped.original_length &&
        std::equal(it->bytes.begin(), it->bytes.end(), dropped.bytes.begin(), dropped.bytes.end()))
      return &*it;
  }
  return nullptr;
}

}  // namespace

CaptureTap::CaptureTap(Network& network, std::size_t recorder_bytes)
    : network_(network), names_(network) {
  if (recorder_bytes > 0) recorder_ = std::make_unique<capture::Recorder>(recorder_bytes);
  observe();
}

CaptureTap::~CaptureTap() {
  network_.set_observer(nullptr);
  pending_.clear();
  for (CaptureListener* listener : std::exchange(listeners_, {}))
    listener->on_network_gone();
}

void CaptureTap::observe() noexcept {
  network_.set_observer(recorder_ != nullptr || live() ? this : nullptr);
}

void CaptureTap::add(CaptureListener& listener) {
  pending_.reserve(limits::kCapturePendingFrames);
  listeners_.push_back(&listener);
  observe();
}

void CaptureTap::remove(CaptureListener& listener) noexcept {
  std::erase(listeners_, &listener);
  if (!live()) pending_.clear();
  observe();
}

void CaptureTap::on_frame(std::uint32_t tag, FrameEvent event, const FrameRef& frame,
                          std::optional<DropReason> reason, Instant now) noexcept {
  if (reason && !is_loss(tag, *frame, *reason)) return;
  if (recorder_ != nullptr)
    recorder_->add(*frame, tag, direction_of(event), reason, nanoseconds(now));
  if (!live()) return;
  if (reason && mark_dropped(tag, frame, *reason)) return;
  if (pending_.size() == limits::kCapturePendingFrames) hand_over(wall_ns_);
  pending_.push_back({frame.share(), tag, direction_of(event), reason, now});
}

bool CaptureTap::mark_dropped(std::uint32_t tag, const FrameRef& frame,
                              DropReason reason) noexcept {
  for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
    if (&*it->frame != &*frame || it->direction != Direction::outbound || it->reason) continue;
    if (tag != Network::kGatewayTag && tag != it->tag) continue;
    it->reason = reason;
    return true;
  }
  return false;
}

void CaptureTap::end_turn(std::int64_t wall_ns) {
  wall_ns_ = wall_ns;
  const bool changed = names_.refresh();
  if (!live()) return;
  hand_over(wall_ns);
  if (changed) tell_of_endpoints();
}

void CaptureTap::hand_over(std::int64_t wall_ns) {
  if (pending_.empty()) return;
  (void)names_.refresh();
  for (const Pending& pending : pending_) {
    const Seen seen = locate(pending.tag, pending.direction, pending.frame->bytes());
    const std::string& owner = names_.place(pending.tag).name;
    for (CaptureListener* listener : listeners_) {
      if (!listener->endpoint().empty() && listener->endpoint() != owner) continue;
      listener->encoder().add({pending.frame, seen.place, seen.direction, pending.reason,
                               nanoseconds(pending.now) + wall_ns});
    }
  }
  pending_.clear();
  for (CaptureListener* listener : listeners_)
    listener->on_captured();
}

// A loss that was not put down beside the frame as it came out of its endpoint has no direction
// yet.
CaptureTap::Seen CaptureTap::locate(std::uint32_t tag, Direction direction,
                                    ByteView frame) const noexcept {
  const CapturePlace& place = names_.place(tag);
  if (direction != Direction::unknown) return {place, direction};
  if (!place.endpoint || sent_by(place, frame)) return {names_.inside(), direction};
  return {place, Direction::inbound};
}

void CaptureTap::tell_of_endpoints() {
  for (CaptureListener* listener : listeners_) {
    if (!listener->endpoint().empty())
      listener->on_endpoint(network_.find(listener->endpoint()) != nullptr);
  }
}

void CaptureTap::dump(CaptureListener& listener, Instant since, std::int64_t wall_ns) {
  if (recorder_ == nullptr) return;
  (void)names_.refresh();
  std::vector<Recorded> records;
  recorder_->for_each_since(nanoseconds(since), [&](const Recorded& recorded) {
    Recorded* const sent = recorded.reason ? find_sent(records, recorded) : nullptr;
    if (sent != nullptr) {
      sent->reason = recorded.reason;
    } else {
      records.push_back(recorded);
    }
  });
  for (Recorded& recorded : records) {
    const Seen seen = locate(recorded.tag, recorded.direction, recorded.bytes);
    const std::string& owner = names_.place(recorded.tag).name;
    if (!listener.endpoint().empty() && listener.endpoint() != owner) continue;
    recorded.direction = seen.direction;
    listener.encoder().add_recorded(recorded, seen.place, recorded.time_ns + wall_ns);
  }
}

}  // namespace pontoon::control
