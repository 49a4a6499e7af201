// Messages of the attach protocol over a SOCK_SEQPACKET socket, with at most one descriptor beside
// each.
#pragma once

#include <optional>
#include <string>

#include "control/attach_message.h"
#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace pontoon::control {

struct Received {
  AttachMessage message;
  UniqueFd fd;
};

// `fd` < 0: none goes along. Blocks as the socket does.
Status<> send_message(int socket, const AttachMessage& message, int fd = -1);

enum class ReceiveError : std::uint8_t {
  nothing,    // a non-blocking socket has nothing now
  closed,     // the peer has gone
  malformed,  // not a message of ours
};
Result<Received, ReceiveError> receive_message(int socket);

}  // namespace pontoon::control
