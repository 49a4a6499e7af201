// Starting the command of `pontoon run`.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace pontoon::bridge {

struct SpawnFailure {
  int exit_status = 0;  // 125, 126 or 127, as a shell would
  std::string message;
};

// Forks and executes argv; returns once the kernel has taken the program, or why not.
//
// The command gets `mask` as its signal mask, the dispositions that the caller was started with
// (what nohup ignores stays ignored; SIGPIPE and SIGCHLD are back to default), descriptors 0 to 2
// and no others. It dies with the calling process.
Result<pid_t, SpawnFailure> spawn_command(
    const std::vector<std::string>& argv,
    const std::vector<std::pair<std::string, std::string>>& environment, const sigset_t& mask);

}  // namespace pontoon::bridge
