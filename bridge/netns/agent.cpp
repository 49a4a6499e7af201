#include "bridge/netns/agent.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "bridge/netns/command.h"
#include "bridge/netns/descendants.h"
#include "bridge/netns/etc_files.h"
#include "bridge/netns/process.h"
#include "bridge/netns/session_watch.h"

namespace pontoon::bridge {
namespace {

constexpr const char* kInterface = "eth0";

class Agent {
 public:
  Agent(const RunOptions& options, AttachSession& session, const LinkHandle& link,
        UniqueFd supervisor, UniqueFd child_signals)
      : options_(options),
        watch_(session, link, options.daemon_return_wait, options.reconnect_interval),
        supervisor_(std::move(supervisor)),
        child_signals_(std::move(child_signals)) {}

  // Until the command has ended, or must not go on.
  int supervise(pid_t command);

 private:
  enum class State : std::uint8_t {
    running,
    terminating,  // we ended the command: its own status no longer counts
    over,
  };

  void wait_for_event();
  void on_children();
  void on_supervisor();
  void on_session(Instant now);
  void terminate(Instant now);

  const RunOptions& options_;
  SessionWatch watch_;
  UniqueFd supervisor_;
  UniqueFd child_signals_;
  pid_t command_ = -1;
  State state_ = State::running;
  Instant kill_at_ = kNever;
  int exit_status_ = kExitFailure;
};

int Agent::supervise(pid_t command) {
  command_ = command;
  while (state_ != State::over)
    wait_for_event();
  return exit_status_;
}

void Agent::wait_for_event() {
  std::array<pollfd, 3> fds{{{child_signals_.get(), POLLIN, 0},
                             {supervisor_.get(), POLLIN, 0},
                             {watch_.fd(), POLLIN, 0}}};
  const Instant deadline = std::min(watch_.deadline(), kill_at_);
  if (::poll(fds.data(), fds.size(), poll_timeout(monotonic_now(), deadline)) < 0) return;
  const Instant now = monotonic_now();
  if (fds[0].revents != 0) on_children();
  if (state_ != State::over && fds[1].revents != 0) on_supervisor();
  if (state_ == State::running && (fds[2].revents != 0 || now >= watch_.deadline()))
    on_session(now);
  if (now >= kill_at_) {
    kill_at_ = kNever;
    if (state_ != State::over) ::kill(command_, SIGKILL);
  }
}

int shell_status(int wait_status) noexcept {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// Reaps the command and, as a subreaper, whatever it left behind.
void Agent::on_children() {
  signalfd_siginfo info{};
  while (::read(child_signals_.get(), &info, sizeof info) == sizeof info) {
  }
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid != command_) continue;
    if (state_ == State::running) exit_status_ = shell_status(status);
    state_ = State::over;
  }
}

void Agent::on_supervisor() {
  std::array<std::uint8_t, 64> signals{};
  const ssize_t got = ::recv(supervisor_.get(), signals.data(), signals.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    state_ = State::over;  // nobody is left who waits for the command
    return;
  }
  // The command is our own child and not reaped yet, so its number means nobody else.
  for (ssize_t i = 0; i < got; ++i)
    ::kill(command_, signals[static_cast<std::size_t>(i)]);
}

void Agent::on_session(Instant now) {
  switch (watch_.step(now)) {
    case SessionWatch::Verdict::keep:
      return;
    case SessionWatch::Verdict::removed:
      remove_link(kInterface);
      return;
    case SessionWatch::Verdict::stopped:
    case SessionWatch::Verdict::lost:
      terminate(now);
      return;
  }
}

void Agent::terminate(Instant now) {
  say("the command is being terminated: it has lost its network");
  state_ = State::terminating;
  kill_at_ = now + options_.terminate_wait;
  ::kill(command_, SIGTERM);
  ::kill(command_, SIGCONT);
}

// Lets servers take any port and ping open its socket without a capability: nobody else is in here.
void relax_namespace(bool user_namespace) {
  (void)write_sysctl("net/ipv4/ip_unprivileged_port_start", "0");
  // The kernel takes only groups that are mapped, and in our user namespace that is just one.
  const std::string group = std::to_string(::getegid());
  (void)write_sysctl("net/ipv4/ping_group_range",
                     user_namespace ? group + "\t" + group : "0\t2147483647");
}

Result<LinkHandle> prepare(const RunOptions& options, AttachSession& session) {
  const bool user_namespace = options.always_user_namespace || !has_namespace_privilege();
  if (auto made = make_namespaces(user_namespace, options.user, options.endpoint.hostname); !made)
    return made.error();
  auto link = create_link(options.link, kInterface, options.endpoint.mtu);
  if (!link) return link;
  if (auto done = configure_link(kInterface, options.endpoint, DefaultRoute::required); !done)
    return done.error();
  relax_namespace(user_namespace);
  if (auto done = mount_etc_files(compose_etc_files(options.endpoint)); !done) return done.error();
  if (auto done = session.hand_over(*link); !done) return done.error();
  return link;
}

}  // namespace

int run_agent(const RunOptions& options, AttachSession& session, UniqueFd supervisor,
              const sigset_t& command_mask) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  UniqueFd child_signals = open_signal_fd(child);
  if (!child_signals || !become_subreaper()) {
    say("cannot watch over the command");
    return kExitFailure;
  }
  auto link = prepare(options, session);
  if (!link) {
    say(link.error().message);
    return kExitFailure;
  }
  forbid_tracing();
  const auto command = spawn_command(options.argv, options.environment, command_mask);
  if (!command) {
    say(command.error().message);
    return command.error().exit_status;
  }
  Agent agent(options, session, *link, std::move(supervisor), std::move(child_signals));
  const int status = agent.supervise(*command);
  kill_descendants();
  return status;
}

}  // namespace pontoon::bridge
