#include "app/daemon_launcher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "control/local_socket.h"
#include "core/base/unique_fd.h"

namespace pontoon::app {
namespace {

constexpr int kAttempts = 100;
constexpr int kAttemptIntervalMs = 50;
constexpr int kSessionAttempts = 3;

bool answers(const control::Paths& paths) {
  return control::connect_local(paths.attach_socket(), SOCK_SEQPACKET).has_value();
}

// In the child: a session of its own, nothing of the caller's kept. stderr is the pipe, on which
// the daemon says either "ready" (one byte 1) or what is wrong.
[[noreturn]] void become_daemon(int report) {
  setsid();
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  dup2(report, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (chdir("/") != 0) _exit(125);
  execl("/proc/self/exe", "pontoon", "daemon", "--background", nullptr);
  dprintf(STDERR_FILENO, "cannot start the daemon: %s", strerror(errno));
  _exit(125);
}

// Everything up to the readiness byte or the end.
std::string read_report(int fd) {
  std::string text;
  std::array<char, 512> chunk{};
  for (;;) {
    const ssize_t got = read(fd, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.find('\1') != std::string::npos) return "\1";
  }
}

std::string problem_of(std::string report) {
  while (!report.empty() && report.back() == '\n')
    report.pop_back();
  if (report.rfind("pontoon: ", 0) == 0) report.erase(0, 9);
  return report.empty() ? "the daemon ended before it was ready" : report;
}

// Starts a daemon and gives its report: "\1", or what is wrong.
Result<std::string> launch() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error{ErrorCode::exhausted, std::strerror(errno)};
  UniqueFd report(ends[0]);
  UniqueFd child_end(ends[1]);
  const pid_t pid = fork();
  if (pid < 0) {
    return Error{ErrorCode::exhausted, fmt::format("cannot fork: {}", std::strerror(errno))};
  }
  if (pid == 0) {
    // Twice, so that the daemon is nobody's child here and never a zombie of ours.
    const pid_t daemon = fork();
    if (daemon == 0) become_daemon(child_end.get());
    _exit(daemon < 0 ? 125 : 0);
  }
  child_end.reset();
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return read_report(report.get());
}

}  // namespace

Status<> ensure_daemon(const control::Paths& paths) {
  std::string report;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (answers(paths)) return {};
    auto launched = launch();
    if (!launched) return launched.error();
    report = std::move(*launched);
    if (report == "\1") {
      std::fprintf(stderr, "pontoon: started the daemon (log: %s)\n", paths.log_file().c_str());
      return {};
    }
    // Another one is just starting, or has not quite ended.
    if (report.find("already running") == std::string::npos) break;
    poll(nullptr, 0, kAttemptIntervalMs);
  }
  return Error{ErrorCode::unavailable, problem_of(std::move(report))};
}

Result<std::unique_ptr<control::DaemonSession>> open_session(
    const control::Paths& paths, const control::EndpointRequest& request) {
  for (int attempt = 0;; ++attempt) {
    if (auto running = ensure_daemon(paths); !running) return running.error();
    auto session = control::DaemonSession::open(paths, request);
    // The daemon that answered may have been about to end: then the next one takes the request.
    const bool gone = !session && session.error().code == ErrorCode::unavailable;
    if (!gone || attempt == kSessionAttempts) return session;
  }
}

}  // namespace pontoon::app
