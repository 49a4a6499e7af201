// Theory of operation. Three processes: the supervisor (this one, outside), the agent and the
// command; docs/adr/0003-processes-of-run.md says why. All are in one process group, so a terminal
// stops, continues and interrupts them together and the shell sees one job.
//
// Who notices what: the agent reaps the command and whatever it leaves behind; the end of the
// socket tells it that the supervisor died. The supervisor is a subreaper too: whatever survives
// the agent becomes its child. Both ways everything is killed and reaped before the run ends. Only
// a SIGKILL to both at the same moment could leave descendants of the command (not the command).
#include "bridge/netns/run.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>

#include "bridge/netns/agent.h"
#include "bridge/netns/descendants.h"
#include "bridge/netns/process.h"

namespace pontoon::bridge {
namespace {

// Those that someone may send to the run and means for the command. The stop signals keep their
// default action: every process of the job stops by itself.
sigset_t forwarded_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal :
       {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGWINCH, SIGPWR})
    sigaddset(&signals, signal);
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal)
    sigaddset(&signals, signal);
  return signals;
}

sigset_t watched_signals() noexcept {
  sigset_t signals = forwarded_signals();
  sigaddset(&signals, SIGCHLD);
  return signals;
}

// SIGPIPE is blocked but not watched: a write to a closed stderr fails and is forgotten.
sigset_t blocked_signals() noexcept {
  sigset_t signals = watched_signals();
  sigaddset(&signals, SIGPIPE);
  return signals;
}

// A subreaper for as long as it lives. With SIGCHLD ignored (some parents leave it so) the kernel
// would reap children itself and hide how they ended.
class Reaping {
 public:
  Reaping() noexcept {
    ::prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper_, 0, 0, 0);
    subreaper_ = become_subreaper();
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, &previous_);
  }
  ~Reaping() {
    ::prctl(PR_SET_CHILD_SUBREAPER, was_subreaper_, 0, 0, 0);
    ::sigaction(SIGCHLD, &previous_, nullptr);
  }
  Reaping(const Reaping&) = delete;
  Reaping& operator=(const Reaping&) = delete;
  bool ok() const noexcept { return subreaper_; }

 private:
  int was_subreaper_ = 0;
  bool subreaper_ = false;
  struct sigaction previous_ {};
};

[[noreturn]] void live_as_agent(const RunOptions& options, AttachSession& session, UniqueFd socket,
                                const sigset_t& command_mask) noexcept {
  int status = kExitFailure;
  try {
    status = run_agent(options, session, std::move(socket), command_mask);
  } catch (const std::exception& failure) {
    say(std::string("internal error: ") + failure.what());
    kill_descendants();
  }
  ::_exit(status);  // no destructors or buffers of the supervisor's
}

void forward(const signalfd_siginfo& info, int agent_socket) noexcept {
  // The terminal has signalled the whole foreground group, the command too. (A sender of 0 is no
  // proof: that is what a process outside our PID namespace looks like.)
  if (info.ssi_code == SI_KERNEL) return;
  const auto signal = static_cast<std::uint8_t>(info.ssi_signo);
  (void)::send(agent_socket, &signal, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// Until the agent has ended; gives its wait status.
int watch_agent(pid_t agent, int signals, int agent_socket) noexcept {
  for (;;) {
    signalfd_siginfo info{};
    const ssize_t got = ::read(signals, &info, sizeof info);
    if (got != sizeof info && errno != EINTR) {
      pollfd readable{signals, POLLIN, 0};
      ::poll(&readable, 1, -1);
      continue;
    }
    if (got == sizeof info && info.ssi_signo != SIGCHLD) forward(info, agent_socket);
    int status = 0;
    if (::waitpid(agent, &status, WNOHANG) == agent) return status;
  }
}

int exit_status_of_run(int agent_status) {
  if (WIFEXITED(agent_status)) return WEXITSTATUS(agent_status);
  say(std::string("the agent was killed (") + ::strsignal(WTERMSIG(agent_status)) +
      "); the command was ended with it");
  return kExitFailure;
}

int failed(const std::string& what) {
  say(what + ": " + std::strerror(errno));
  return kExitFailure;
}

}  // namespace

int run_command(const RunOptions& options, AttachSession& session) {
  if (options.argv.empty()) {
    say("no command to run");
    return kExitFailure;
  }
  const BlockedSignals blocked(blocked_signals());
  const Reaping reaping;
  const UniqueFd signals = open_signal_fd(watched_signals());
  std::array<int, 2> ends{-1, -1};
  if (!reaping.ok() || !signals ||
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return failed("cannot watch over the command");
  UniqueFd ours(ends[0]);
  UniqueFd agents(ends[1]);
  // A daemon that the caller has started is none of the command's.
  const std::vector<pid_t> spared = children();
  const pid_t agent = ::fork();
  if (agent < 0) return failed("cannot fork");
  if (agent == 0) {
    ours.reset();
    live_as_agent(options, session, std::move(agents), blocked.previous());
  }
  agents.reset();
  const int agent_status = watch_agent(agent, signals.get(), ours.get());
  kill_descendants(spared);
  return exit_status_of_run(agent_status);
}

}  // namespace pontoon::bridge
