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

// The client's side. Whether there is something to receive, or the peer has gone.
bool readable(int socket, int timeout_ms) noexcept;
// Sends, and waits for the answer. The daemon's refusal is an error, as is its silence; `log_file`
// is where those look who are told of it.
Result<AttachMessage> exchange(int socket, const AttachMessage& message, int fd, int timeout_ms,
                               const std::string& log_file);

}  // namespace pontoon::control
