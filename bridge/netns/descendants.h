// Ending everything that a command has left running.
#pragma once

#include <sys/types.h>

#include <vector>

namespace pontoon::bridge {

// From now on orphans among the descendants become children of this process.
bool become_subreaper() noexcept;

// The children that the calling process has now.
std::vector<pid_t> children();

// Kills and reaps every child of the calling process except `spared`, and again until there is none
// left: a child's own children come to a subreaper when it dies. SIGCHLD must be blocked.
void kill_descendants(const std::vector<pid_t>& spared = {});

}  // namespace pontoon::bridge
