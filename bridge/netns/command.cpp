#include "bridge/netns/command.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "bridge/netns/run.h"
#include "core/base/unique_fd.h"

namespace pontoon::bridge {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

bool open_pipe(Pipe& pipe) noexcept {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  pipe.read = UniqueFd(ends[0]);
  pipe.write = UniqueFd(ends[1]);
  return true;
}

void set_default(int signal) noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
}

// execvp() says EACCES for a name that is nowhere when it could not look into one folder of PATH.
bool is_nowhere(const std::string& program) {
  if (program.find('/') != std::string::npos) return false;
  const char* variable = ::getenv("PATH");
  std::string_view path = variable != nullptr ? variable : "/bin:/usr/bin";
  for (;;) {
    const std::size_t end = path.find(':');
    std::string candidate(path.substr(0, end));
    if (!candidate.empty()) candidate += '/';
    candidate += program;
    if (::access(candidate.c_str(), F_OK) == 0) return false;
    if (end == std::string_view::npos) return true;
    path.remove_prefix(end + 1);
  }
}

// In the child. Returns only when the program cannot be executed, with errno set.
void become(std::vector<char*>& arguments,
            const std::vector<std::pair<std::string, std::string>>& environment,
            const sigset_t& mask, pid_t parent) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above.
  if (::getppid() != parent) ::_exit(kExitFailure);
  for (const auto& [name, value] : environment)
    ::setenv(name.c_str(), value.c_str(), 1);
  set_default(SIGPIPE);
  set_default(SIGCHLD);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::execvp(arguments[0], arguments.data());
}

SpawnFailure failure(const char* what) {
  return {kExitFailure, std::string(what) + ": " + std::strerror(errno)};
}

SpawnFailure cannot_execute(const std::string& program, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return {missing ? kExitNotFound : kExitNotExecutable, program + ": " + std::strerror(error)};
}

}  // namespace

Result<pid_t, SpawnFailure> spawn_command(
    const std::vector<std::string>& argv,
    const std::vector<std::pair<std::string, std::string>>& environment, const sigset_t& mask) {
  std::vector<char*> arguments;
  arguments.reserve(argv.size() + 1);
  for (const std::string& argument : argv)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  Pipe failed;
  if (!open_pipe(failed)) return failure("cannot open a pipe");
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return failure("cannot fork");
  if (child == 0) {
    become(arguments, environment, mask, parent);
    int error = errno;
    if (error == EACCES && is_nowhere(argv[0])) error = ENOENT;
    (void)!::write(failed.write.get(), &error, sizeof error);
    ::_exit(kExitNotExecutable);
  }
  failed.write.reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(failed.read.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof error) return child;  // closed by the exec
  ::waitpid(child, nullptr, 0);
  return cannot_execute(argv[0], error);
}

}  // namespace pontoon::bridge
