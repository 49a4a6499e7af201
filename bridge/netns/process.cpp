#include "bridge/netns/process.h"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>

namespace pontoon::bridge {

void say(const std::string& text) noexcept {
  // One write, so that lines of several processes do not mix.
  const std::string line = "pontoon: " + text + "\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

void forbid_tracing() noexcept {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

Instant monotonic_now() noexcept {
  return Instant(
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

int poll_timeout(Instant now, Instant deadline) noexcept {
  if (deadline == kNever) return -1;
  if (deadline <= now) return 0;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::min<std::int64_t>(wait, std::numeric_limits<int>::max()));
}

UniqueFd open_pidfd(pid_t pid) noexcept {
  return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

UniqueFd open_signal_fd(const sigset_t& signals) noexcept {
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace pontoon::bridge
