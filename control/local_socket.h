// Listening on a unix socket that nobody else can ever open: the directory is 0700, the socket 0600
// from birth, and the peer's uid is checked on top.
#pragma once

#include <string>

#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace pontoon::control {

// `type`: SOCK_STREAM or SOCK_SEQPACKET. Non-blocking and close-on-exec. A stale socket file is
// replaced: the caller holds the daemon's lock, so nobody listens on it.
Result<UniqueFd> listen_local(const std::string& path, int type);

// Blocking. `unavailable` when nobody listens.
Result<UniqueFd> connect_local(const std::string& path, int type);

// The peer is our own user or root.
bool peer_allowed(int fd) noexcept;

}  // namespace pontoon::control
