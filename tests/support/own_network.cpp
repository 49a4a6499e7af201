#include "tests/support/own_network.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/base/unique_fd.h"

namespace pontoon::test {
namespace {

constexpr int kPassed = 0;
constexpr int kFailed = 1;
constexpr int kSkipped = 77;

bool write_file(const char* path, const std::string& text) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void enter_own_network() {
  const std::string user = std::to_string(::geteuid());
  const std::string group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
    throw Skip(std::string("no user and network namespace: ") + std::strerror(errno));
  (void)write_file("/proc/self/setgroups", "deny");
  if (!write_file("/proc/self/uid_map", "0 " + user + " 1") ||
      !write_file("/proc/self/gid_map", "0 " + group + " 1")) {
    throw Skip("the user namespace cannot be mapped");
  }
}

[[noreturn]] void run_child(int report, const std::function<void()>& body) {
  std::string text;
  int code = kPassed;
  try {
    enter_own_network();
    body();
  } catch (const Skip& skip) {
    text = skip.what();
    code = kSkipped;
  } catch (const std::exception& error) {
    text = error.what();
    code = kFailed;
  }
  (void)!::write(report, text.data(), text.size());
  // Not exit(): the runner's own handlers are the parent's business.
  ::_exit(code);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 512> buffer;
  ssize_t size = 0;
  while ((size = ::read(fd, buffer.data(), buffer.size())) > 0)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  return text;
}

}  // namespace

Outcome in_own_network(const std::function<void()>& body) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {Outcome::Kind::failed, "no pipe"};
  const UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) return {Outcome::Kind::failed, "no child process"};
  if (child == 0) run_child(writing.get(), body);
  writing.reset();
  const std::string text = read_all(reading.get());
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return {Outcome::Kind::failed, "the child was lost"};
  if (!WIFEXITED(status)) return {Outcome::Kind::failed, "the child was killed by a signal"};
  switch (WEXITSTATUS(status)) {
    case kPassed:
      return {Outcome::Kind::passed, text};
    case kSkipped:
      return {Outcome::Kind::skipped, text};
    default:
      return {Outcome::Kind::failed, text.empty() ? "the child failed" : text};
  }
}

void expect(bool condition, const std::string& text) {
  if (!condition) throw std::runtime_error(text);
}

void command(const std::string& line) {
  FILE* pipe = ::popen(("PATH=$PATH:/usr/sbin:/sbin; " + line + " 2>&1").c_str(), "r");
  expect(pipe != nullptr, "cannot run " + line);
  const std::string output = read_all(::fileno(pipe));
  if (::pclose(pipe) != 0) throw std::runtime_error(line + ": " + output);
}

}  // namespace pontoon::test
