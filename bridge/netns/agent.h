// The agent of `pontoon run`: the process that makes the namespaces, starts the command in them,
// keeps the session with the daemon, and leaves nothing running.
#pragma once

#include <signal.h>

#include "bridge/netns/run.h"
#include "core/base/unique_fd.h"

namespace pontoon::bridge {

// The whole life of the agent process; gives its exit status, which is the run's.
//
// `supervisor` is a socket: each byte that comes in is a signal for the command, its end means that
// the supervisor has died. `command_mask` is the signal mask for the command; the caller has
// blocked SIGCHLD and whatever must not end the agent.
int run_agent(const RunOptions& options, AttachSession& session, UniqueFd supervisor,
              const sigset_t& command_mask);

}  // namespace pontoon::bridge
