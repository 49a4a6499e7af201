// The attach protocol: one SOCK_SEQPACKET connection per attachment, one JSON message per packet,
// the interface's descriptor beside it (SCM_RIGHTS). The connection *is* the attachment: when it
// closes, the endpoint goes.
//
//   client                         daemon
//   reserve {request}       ->
//                           <-     reserved {settings}      or  error {code, message}
//   link {link} + fd        ->
//                           <-     attached {}              or  error
//                                  ... frames flow ...
//                           <-     detached {message}       `pontoon detach`: the interface goes
//                           <-     stopping {message}       `pontoon stop`: the daemon goes
//
//   capture {capture} + fd  ->                              fd: one end of a pair of UNIX streams
//                           <-     capturing {}             or  error
//                                  ... pcapng on the stream, until the client shuts it down ...
//                           <-     note {message}           for people: an endpoint has gone
//                           <-     captured {counts}        the stream is closed
//
// A restarted daemon gets the same two messages again from the agent (with `resume`), which keeps
// its own copy of the descriptor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "control/model.h"

namespace pontoon::control {

inline constexpr std::uint32_t kAttachVersion = 1;

enum class AttachOp : std::uint8_t {
  reserve,
  reserved,
  link,
  attached,
  detached,
  stopping,
  error,
  capture,
  capturing,
  note,
  captured,
};

struct LinkDescription {
  std::string kind;       // "tap" or "packet"
  std::string interface;  // its name inside
  bool checksum = false;
  bool tso = false;
  bool uso = false;
};

struct AttachMessage {
  AttachOp op = AttachOp::error;
  std::uint32_t version = kAttachVersion;
  std::optional<EndpointRequest> request;
  std::optional<EndpointSettings> settings;
  std::optional<LinkDescription> link;
  std::string code;     // with error
  std::string message;  // with error, detached, stopping, note
  std::optional<CaptureRequest> capture;
  std::optional<CaptureCounts> counts;  // with captured
};

}  // namespace pontoon::control
