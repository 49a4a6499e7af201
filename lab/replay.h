// Plays a capture through a case's networks in virtual time. Equal case, equal capture: equal
// bytes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "control/model.h"
#include "core/base/drop.h"
#include "core/base/result.h"
#include "core/capture/packet.h"
#include "core/link/observer.h"
#include "lab/case.h"

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

Result<ReplayResult> replay(const Case& description, const CaptureFile& capture);

// What one port was sent, as a pcapng file: the content of expected/NAME.pcapng.
std::vector<std::uint8_t> sent_to(const ReplayResult& result, std::string_view port);

}  // namespace pontoon::lab
