// Theory of operation. The agent is forked first and does everything, so that the caller never
// leaves its own namespaces. It reports success or the error through a pipe; only then it cuts its
// ties to the caller's terminal and descriptors and becomes a background process.
//
// The interface goes with the last descriptor of the link, but a packet link does so from a kernel
// worker, some time later: every way out therefore deletes it by name first.
#include "bridge/netns/attach.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "bridge/netns/namespaces.h"
#include "bridge/netns/process.h"
#include "bridge/netns/session_watch.h"

namespace pontoon::bridge {
namespace {

constexpr std::uint8_t kAttached = 0xff;  // else an ErrorCode, and its message follows

struct Attachment {
  TargetNamespace target;
  std::string interface;
  LinkHandle link;
};

sigset_t ending_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM})
    sigaddset(&signals, signal);
  return signals;
}

sigset_t blocked_signals() noexcept {
  sigset_t signals = ending_signals();
  sigaddset(&signals, SIGPIPE);
  return signals;
}

Status<> set_up(Attachment& attachment, const AttachOptions& options, AttachSession& session) {
  const auto route = DefaultRoute::unless_present;
  if (auto done = configure_link(attachment.interface, options.endpoint, route); !done) return done;
  return session.hand_over(attachment.link);
}

Result<Attachment> prepare(const AttachOptions& options, AttachSession& session) {
  auto target = open_target(options.pid, options.netns_path);
  if (!target) return target.error();
  if (auto entered = enter_target(*target); !entered) return entered.error();
  auto interface = choose_interface(options.interface);
  if (!interface) return interface.error();
  auto link = create_link(options.link, *interface, options.endpoint.mtu);
  if (!link) return link.error();
  Attachment attachment{std::move(*target), std::move(*interface), std::move(*link)};
  if (auto done = set_up(attachment, options, session); !done) {
    remove_link(attachment.interface);
    return done.error();
  }
  return attachment;
}

void report(const UniqueFd& pipe, const Result<Attachment>& attachment) {
  std::string message(1, static_cast<char>(kAttached));
  if (!attachment) {
    message[0] = static_cast<char>(attachment.error().code);
    message += attachment.error().message;
  }
  (void)!::write(pipe.get(), message.data(), message.size());
}

// Closes everything above stderr but `kept`.
void close_others(std::vector<int> kept) noexcept {
  std::sort(kept.begin(), kept.end());
  unsigned first = STDERR_FILENO + 1;
  for (const int fd : kept) {
    if (fd < static_cast<int>(first)) continue;
    const auto next = static_cast<unsigned>(fd);
    if (next > first) ::close_range(first, next - 1, 0);
    first = next + 1;
  }
  ::close_range(first, ~0U, 0);
}

void leave_terminal() noexcept {
  ::setsid();
  (void)!::chdir("/");
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::dup2(null, fd);
  if (null > STDERR_FILENO) ::close(null);
}

// Until the attachment is over, for whatever reason.
void keep(const Attachment& attachment, SessionWatch& watch, int signals) {
  for (;;) {
    std::array<pollfd, 3> fds{{{signals, POLLIN, 0},
                               {attachment.target.process.get(), POLLIN, 0},
                               {watch.fd(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), poll_timeout(monotonic_now(), watch.deadline())) < 0)
      continue;
    if (fds[0].revents != 0) {
      // Taken, it cannot strike when the mask is restored.
      signalfd_siginfo info{};
      (void)!::read(signals, &info, sizeof info);
      return;
    }
    if (fds[1].revents != 0) return;
    const Instant now = monotonic_now();
    if (fds[2].revents == 0 && now < watch.deadline()) continue;
    if (watch.step(now) != SessionWatch::Verdict::keep) return;
  }
}

int live_as_agent(const AttachOptions& options, AttachSession& session, UniqueFd pipe) {
  const BlockedSignals blocked(blocked_signals());
  UniqueFd signals = open_signal_fd(ending_signals());
  auto attachment = prepare(options, session);
  if (attachment) {
    attachment->target.network.reset();
    leave_terminal();
    close_others({pipe.get(), signals.get(), attachment->target.process.get(),
                  attachment->link.fd.get(), session.fd()});
    forbid_tracing();
  }
  report(pipe, attachment);
  pipe.reset();
  if (!attachment) return 1;
  SessionWatch watch(session, attachment->link, options.daemon_return_wait,
                     options.reconnect_interval);
  keep(*attachment, watch, signals.get());
  remove_link(attachment->interface);
  return 0;
}

[[noreturn]] void start_agent(const AttachOptions& options, AttachSession& session,
                              UniqueFd pipe) noexcept {
  int status = 1;
  try {
    status = live_as_agent(options, session, std::move(pipe));
  } catch (const std::exception& failure) {
    say(std::string("internal error: ") + failure.what());
  }
  ::_exit(status);  // no destructors or buffers of the caller's
}

std::string read_all(const UniqueFd& pipe) {
  std::string text;
  std::array<char, 512> chunk{};
  for (;;) {
    const ssize_t got = ::read(pipe.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

Error system_error(const char* what) {
  return {ErrorCode::internal, std::string(what) + ": " + std::strerror(errno)};
}

}  // namespace

Result<pid_t> attach_namespace(const AttachOptions& options, AttachSession& session) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("cannot open a pipe");
  const UniqueFd ours(ends[0]);
  UniqueFd agents(ends[1]);
  const pid_t agent = ::fork();
  if (agent < 0) return system_error("cannot fork");
  if (agent == 0) start_agent(options, session, std::move(agents));
  agents.reset();
  const std::string word = read_all(ours);
  if (!word.empty() && static_cast<std::uint8_t>(word[0]) == kAttached) return agent;
  ::waitpid(agent, nullptr, 0);
  if (word.empty()) return Error{ErrorCode::internal, "the agent died before it was attached"};
  return Error{static_cast<ErrorCode>(word[0]), word.substr(1)};
}

}  // namespace pontoon::bridge
