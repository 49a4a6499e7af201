// Small parts that the processes of `run` and `attach` share.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>

#include "core/base/time.h"
#include "core/base/unique_fd.h"

namespace pontoon::bridge {

// One line on stderr: "pontoon: TEXT".
void say(const std::string& text) noexcept;

// The agent shares user and namespaces with what it watches over, which must not trace it and speak
// to the daemon in its name. Ends access to parts of /proc/self as well; an exec ends it.
void forbid_tracing() noexcept;

Instant monotonic_now() noexcept;
// For poll(): milliseconds from now, rounded up, so that the deadline has passed afterwards.
int poll_timeout(Instant now, Instant deadline) noexcept;

// Blocks signals for its lifetime; `previous` is the mask that a command gets.
class BlockedSignals {
 public:
  explicit BlockedSignals(const sigset_t& signals) noexcept {
    ::sigprocmask(SIG_BLOCK, &signals, &previous_);
  }
  ~BlockedSignals() { ::sigprocmask(SIG_SETMASK, &previous_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  const sigset_t& previous() const noexcept { return previous_; }

 private:
  sigset_t previous_{};
};

// Readable once the process has ended. Unset, with errno, when there is none. (glibc 2.36 declares
// pidfd_open without C linkage.)
UniqueFd open_pidfd(pid_t pid) noexcept;

// Non-blocking and close-on-exec; unset when the kernel refuses.
UniqueFd open_signal_fd(const sigset_t& signals) noexcept;

}  // namespace pontoon::bridge
