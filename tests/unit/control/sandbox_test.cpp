#include "control/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <cerrno>
#include <functional>

using namespace pontoon;

namespace {

enum class Verdict { holds, fails, no_sandbox };

// A sandbox cannot be left: each question is asked in a child of its own.
Verdict inside(const std::function<bool()>& question) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!control::enter_sandbox()) _exit(2);
    _exit(question() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) return Verdict::no_sandbox;
  return WEXITSTATUS(status) == 0 ? Verdict::holds : Verdict::fails;
}

void check_inside(const char* what, const std::function<bool()>& question) {
  INFO(what);
  const Verdict verdict = inside(question);
  if (verdict == Verdict::no_sandbox) {
    WARN("skipped: this host gives no sandbox");
    return;
  }
  CHECK(verdict == Verdict::holds);
}

bool refused(long result) {
  return result == -1 && errno == EPERM;
}

}  // namespace

TEST_CASE("a sandboxed process starts no program and enters no namespace") {
  check_inside("execve", [] {
    char name[] = "/bin/true";
    char* const arguments[] = {name, nullptr};
    return refused(execv(name, arguments));
  });
  check_inside("unshare", [] { return refused(unshare(CLONE_NEWUSER)); });
  check_inside("setns", [] { return refused(setns(-1, 0)); });
  check_inside("ptrace", [] { return refused(syscall(SYS_ptrace, 0, 0, 0, 0)); });
  check_inside("setuid", [] { return refused(syscall(SYS_setuid, 0)); });
  check_inside("bpf", [] { return refused(syscall(SYS_bpf, 0, 0, 0)); });
}

TEST_CASE("a sandboxed process gains nothing later") {
  check_inside("no_new_privs", [] { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1; });
  check_inside("no core dumps", [] { return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0; });
  check_inside("CAP_NET_ADMIN",
               [] { return prctl(PR_CAPBSET_READ, CAP_NET_ADMIN) == 0 || geteuid() != 0; });
  check_inside("CAP_SYS_ADMIN",
               [] { return prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 0 || geteuid() != 0; });
}

TEST_CASE("a sandboxed process does what a network stack needs") {
  check_inside("sockets", [] { return socket(AF_INET, SOCK_DGRAM, 0) >= 0; });
  check_inside("files", [] { return open("/proc/self/status", O_RDONLY) >= 0; });
  check_inside("twice", [] { return control::enter_sandbox().ok(); });
}
