// Plays a capture through a case's networks in virtual time. Equal case, equal capture: equal
// bytes.
//
// Which packets are played into an endpoint:
//
//   interface only     those of that interface of the capture, save the inbound ones (Direction is
//                      the endpoint's view: what it got, our side says by itself)
//   senders only       those with such a source address, on whatever interface
//   both               those of the interface with such a source address
//   neither            those of the interface that has the endpoint's name; else all of the
//                      capture, when both it and the case have but one; else those with the
//                      endpoint's MAC as their source
//
// An interface without a name goes by its number, from "0". A station whose frames stand in the
// capture twice, once as outbound and once as inbound elsewhere, is played from the outbound ones.
// Frames to a station of Case::replaced go to the gateway of the endpoint's network.
//
// The first packet's time is the world's start; the clock stands at each packet's time before it is
// put on the wire, and runs on for Case::after behind the last one. See replay_timeline.h for
// clocks that jump.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/model.h"
#include "core/base/drop.h"
#include "core/base/result.h"
#include "core/capture/packet.h"
#include "core/link/observer.h"
#include "lab/replay/case.h"

namespace pontoon::lab {

// One frame at one port, in the order in which things happened.
struct ReplayEvent {
  std::int64_t time_ns = 0;  // on the capture's clock
  std::string port;          // endpoint's name, or "gateway" for what was dropped there
  FrameEvent event = FrameEvent::to_endpoint;
  std::optional<DropReason> reason;
  std::vector<std::uint8_t> frame;
};

struct ReplayResult {
  std::vector<control::EndpointInfo> endpoints;
  std::vector<ReplayEvent> events;
  std::vector<control::DropInfo> drops;
  std::vector<ClientOutcome> clients;
  std::size_t played = 0;
  // Packets that were not played, with the reason: "packet 3: cut to 96 of 1514 bytes".
  std::vector<std::string> notes;
};

struct CaptureFile {
  std::vector<capture::Interface> interfaces;
  std::vector<capture::Packet> packets;
  std::string problem;  // the file ends early or is broken from there on
};
Result<CaptureFile> read_capture(ByteView file);

// Who takes the events as they happen, so that a long replay need not be held in memory.
class ReplaySink {
 public:
  virtual ~ReplaySink() = default;
  virtual void on_event(ReplayEvent&& event) = 0;
};

// Errors are the case's: a network or an endpoint that cannot be made, an interface that the
// capture does not have, a capture in which nobody is an endpoint.
Result<ReplayResult> replay(const Case& description, const CaptureFile& capture);
// The same; `events` of the result stays empty.
Result<ReplayResult> replay(const Case& description, const CaptureFile& capture, ReplaySink& sink);

// What one port was sent, as a pcapng file: the content of expected/NAME.pcapng.
std::vector<std::uint8_t> sent_to(const ReplayResult& result, std::string_view port);

}  // namespace pontoon::lab
