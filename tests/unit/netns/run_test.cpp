#include "bridge/netns/run.h"

#include <fcntl.h>
#include <pty.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "tests/unit/netns/harness.h"

using namespace pontoon;
using namespace pontoon::bridge;
using namespace pontoon::bridge::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

// As whom a case is run: root has TAP and needs no user namespace, an ordinary user here neither.
struct Caller {
  const char* name;
  bool ordinary_user;
  bool always_user_namespace;
  InnerUser user;
};

std::vector<Caller> callers() {
  if (!is_root()) {
    WARN("skipped: the cases that need root");
    return {{"this user", false, false, InnerUser::root}};
  }
  return {{"root", false, false, InnerUser::root},
          {"root in a user namespace", false, true, InnerUser::root},
          {"ordinary user as root", true, false, InnerUser::root},
          {"ordinary user as himself", true, false, InnerUser::keep}};
}

RunOptions as(const Caller& caller, RunOptions options) {
  options.always_user_namespace = caller.always_user_namespace;
  options.user = caller.user;
  return options;
}

int status_of(const Caller& caller, RunOptions options) {
  Run run(as(caller, std::move(options)), {.ordinary_user = caller.ordinary_user});
  const int status = run.process.wait();
  UNSCOPED_INFO(run.process.errors());
  return status;
}

}  // namespace

TEST_CASE("run gives the command's exit status, or what a shell would give") {
  for (const Caller& caller : callers()) {
    INFO(caller.name);
    CHECK(status_of(caller, shell("exit 0")) == 0);
    CHECK(status_of(caller, shell("exit 3")) == 3);
    CHECK(status_of(caller, shell("kill -TERM $$")) == 128 + SIGTERM);
    RunOptions missing = shell("");
    missing.argv = {"no-such-program-anywhere"};
    CHECK(status_of(caller, missing) == 127);
    missing.argv = {"/etc"};
    CHECK(status_of(caller, missing) == 126);
    missing.argv = {};
    CHECK(status_of(caller, missing) == 125);
  }
}

TEST_CASE("the command finds its interface, addresses, routes and names") {
  for (const Caller& caller : callers()) {
    INFO(caller.name);
    Run run(as(caller, shell("ip -o link show eth0; ip -o addr show dev eth0; ip route; "
                             "ip -6 route show default; ip -o link show lo; hostname; "
                             "cat /etc/resolv.conf /etc/hosts; echo; "
                             "cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ls /tmp/upper")),
            {.ordinary_user = caller.ordinary_user});
    (void)run.process.wait();
    const std::string& seen = run.process.output();
    INFO(run.process.errors());
    CHECK_THAT(seen, Contains("mtu 1400") && Contains("02:42:ac:11:00:09"));
    CHECK_THAT(seen, Contains("inet 172.17.0.9/16 brd 172.17.255.255"));
    CHECK_THAT(seen, Contains("inet6 fd00:1234::9/64"));
    CHECK_THAT(seen, !Contains("fd00:1234::9/64 scope global tentative"));
    CHECK_THAT(seen, Contains("default via 172.17.0.1 dev eth0"));
    CHECK_THAT(seen, Contains("default via fd00:1234::1 dev eth0"));
    CHECK_THAT(seen, Contains("<LOOPBACK,UP,LOWER_UP>"));
    CHECK_THAT(seen, Contains("\nweb\n"));
    CHECK_THAT(seen, Contains("nameserver 172.17.0.1\nsearch default.internal internal\n"));
    CHECK_THAT(seen, Contains("172.17.0.9\tweb\n"));
    CHECK_THAT(seen, Contains("\n0\n"));
    CHECK_THAT(run.process.errors(), Contains("/tmp/upper"));  // nothing of ours is to be seen
  }
}

TEST_CASE("with dhcp the interface is up and has no address") {
  RunOptions options = shell("ip -o -4 addr show dev eth0; ip -4 route; ip -o link show eth0");
  options.endpoint.dhcp = true;
  Run run(options);
  CHECK(run.process.wait() == 0);
  CHECK_THAT(run.process.output(), !Contains("inet ") && !Contains("default via"));
  CHECK_THAT(run.process.output(), Contains(",UP") && Contains("02:42:ac:11:00:09"));
}

TEST_CASE("the command is root inside or stays who the caller is, without capabilities") {
  if (!is_root()) {
    WARN("skipped: needs root to become an ordinary user");
    return;
  }
  RunOptions options = shell("id -u; id -g; grep CapEff /proc/self/status");
  Run as_root(options, {.ordinary_user = true});
  CHECK(as_root.process.wait() == 0);
  CHECK_THAT(as_root.process.output(), Contains("0\n0\n") && Contains("1ff"));
  options.user = InnerUser::keep;
  Run as_self(options, {.ordinary_user = true});
  CHECK(as_self.process.wait() == 0);
  CHECK_THAT(as_self.process.output(), Contains("61234\n61234\n") && Contains("0000000000000000"));
}

TEST_CASE("environment additions reach the command and its PATH is searched") {
  RunOptions options = shell("echo $GREETING; env | grep -c ^GREETING=");
  options.environment = {{"GREETING", "ahoy"}, {"PATH", "/usr/bin:/bin"}};
  Run run(options);
  CHECK(run.process.wait() == 0);
  CHECK(run.process.output() == "ahoy\n1\n");
  options.environment = {{"PATH", "/nowhere"}};
  Run lost(options);
  CHECK(lost.process.wait() == 127);
  CHECK_THAT(lost.process.errors(), Contains("pontoon: sh: No such file"));
}

TEST_CASE(
    "a folder of PATH that cannot be searched does not make a missing program a forbidden one") {
  RunOptions options = shell("");
  options.argv = {"no-such-program-anywhere"};
  options.environment = {{"PATH", "/proc/1/map_files:/usr/bin"}};
  Run run(options, {.ordinary_user = is_root()});
  CHECK(run.process.wait() == 127);
}

TEST_CASE("the command gets no descriptor but its standard streams") {
  Run run(shell("ls /proc/$$/fd"));
  CHECK(run.process.wait() == 0);
  CHECK(run.process.output() == "0\n1\n2\n");
}

TEST_CASE("signals sent to the supervisor reach the command") {
  for (const Caller& caller : callers()) {
    INFO(caller.name);
    for (const int signal : {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGINT, SIGQUIT, SIGWINCH}) {
      const std::string number = std::to_string(signal);
      Run run(as(caller, shell("trap 'exit " + std::to_string(200 + signal) + "' " + number +
                               "; echo ready; sleep " + unique_seconds() + " & wait")),
              {.ordinary_user = caller.ordinary_user});
      run.process.read_until("ready");
      REQUIRE(::kill(run.process.pid(), signal) == 0);
      CHECK(run.process.wait() == 200 + signal);
    }
  }
}

TEST_CASE("what the terminal sends to all reaches the command once") {
  int terminal = -1;
  const std::string script =
      "n=0; trap 'n=$((n+1)); echo interrupted' INT; trap 'exit $((40+n))' TERM; echo ready; "
      "sleep " +
      unique_seconds() + " & while :; do wait; done";
  FakeDaemon daemon;
  const pid_t supervisor = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  REQUIRE(supervisor >= 0);
  if (supervisor == 0) {
    FakeSession session(daemon.take_client());
    daemon.close();
    ::_exit(run_command(shell(script), session));
  }
  const UniqueFd master(terminal);
  std::string seen;
  const auto await = [&](const std::string& text) {
    char byte = 0;
    while (seen.find(text) == std::string::npos && ::read(master.get(), &byte, 1) == 1)
      seen += byte;
    REQUIRE_THAT(seen, Contains(text));
  };
  await("ready");
  REQUIRE(::write(master.get(), "\x03", 1) == 1);
  await("interrupted");
  REQUIRE(::kill(supervisor, SIGTERM) == 0);
  int status = 0;
  REQUIRE(::waitpid(supervisor, &status, 0) == supervisor);
  CHECK(WEXITSTATUS(status) == 41);
}

TEST_CASE("a stop from the terminal stops and continues all three processes") {
  // A group of its own whose leader's parent, the test, is in the same session: a job of a shell.
  const std::string seconds = unique_seconds();
  Run run(shell("trap 'exit 9' TERM; echo ready; sleep " + seconds + " & while :; do wait; done"),
          {.adjust_session = [](FakeSession&) { ::setpgid(0, 0); }});
  run.process.read_until("ready");
  const pid_t job = run.process.pid();
  REQUIRE(::kill(-job, SIGTSTP) == 0);
  int status = 0;
  REQUIRE(::waitpid(job, &status, WUNTRACED) == job);
  CHECK(WIFSTOPPED(status));
  REQUIRE(::kill(-job, SIGCONT) == 0);
  REQUIRE(::kill(job, SIGTERM) == 0);
  CHECK(run.process.wait() == 9);
}

TEST_CASE("a signal that nohup ignores stays ignored") {
  Run run(shell("echo ready; read line; exit 6"),
          {.adjust_session = [](FakeSession&) { ::signal(SIGHUP, SIG_IGN); }});
  run.process.read_until("ready");
  REQUIRE(::kill(run.process.pid(), SIGHUP) == 0);
  run.process.write_line("go on");
  CHECK(run.process.wait() == 6);
}

TEST_CASE("whatever the command leaves running is killed") {
  for (const Caller& caller : callers()) {
    INFO(caller.name);
    const std::string seconds = unique_seconds();
    const std::string sleep = "sleep " + seconds + " >/dev/null 2>&1 ";
    Run run(as(caller, shell(sleep + "& (setsid " + sleep + "&) & (trap '' TERM HUP; " + sleep +
                             "& wait) & while [ $(pgrep -cf '^sleep " + seconds +
                             "') != 3 ]; do :; done; exit 4")),
            {.ordinary_user = caller.ordinary_user});
    CHECK(run.process.wait() == 4);
    CHECK(processes_with(seconds).empty());
  }
}

TEST_CASE("a killed agent takes the command and all it started along") {
  for (const Caller& caller : callers()) {
    INFO(caller.name);
    const std::string seconds = unique_seconds();
    Run run(as(caller, shell("setsid sleep " + seconds + " & echo ready; sleep " + seconds)),
            {.ordinary_user = caller.ordinary_user});
    run.process.read_until("ready");
    REQUIRE(::kill(only_child_of(run.process.pid()), SIGKILL) == 0);
    CHECK(run.process.wait() == 125);
    CHECK_THAT(run.process.errors(), Contains("the agent was killed"));
    CHECK(processes_with(seconds).empty());
  }
}

TEST_CASE("a killed supervisor takes everything along") {
  for (const Caller& caller : callers()) {
    INFO(caller.name);
    const std::string seconds = unique_seconds();
    Run run(as(caller, shell("setsid sleep " + seconds + " & echo ready; sleep " + seconds)),
            {.ordinary_user = caller.ordinary_user});
    run.process.read_until("ready");
    const pid_t agent = only_child_of(run.process.pid());
    REQUIRE(::kill(run.process.pid(), SIGKILL) == 0);
    REQUIRE(await_end(agent));
    CHECK(processes_with(seconds).empty());
  }
}

TEST_CASE("children that the caller had before the run are spared") {
  const std::string seconds = unique_seconds();
  Process process([&] {
    const pid_t earlier = ::fork();
    if (earlier == 0) {
      for (int fd = 0; fd < 3; ++fd)
        ::close(fd);
      ::pause();
      ::_exit(0);
    }
    FakeDaemon daemon;
    FakeSession session(daemon.take_client());
    const int status = run_command(shell("exit 3"), session);
    const bool alive = ::waitpid(earlier, nullptr, WNOHANG) == 0;
    ::kill(earlier, SIGKILL);
    ::waitpid(earlier, nullptr, 0);
    return alive && status == 3 ? 0 : 1;
  });
  CHECK(process.wait() == 0);
}

TEST_CASE("the run goes on when the daemon returns in time") {
  RunOptions options = shell("echo ready; read line; ip -o -4 addr show dev eth0; exit 5");
  options.reconnect_interval = 1ms;
  Run run(options,
          {.adjust_session = [](FakeSession& session) { session.failures_before_reconnect = 3; }});
  run.process.read_until("ready");
  const HandedLink first = run.daemon.receive_link();
  run.daemon.tell('l');
  const HandedLink second = run.daemon.receive_link();
  CHECK(first.kind == second.kind);
  run.process.write_line("go on");
  CHECK(run.process.wait() == 5);
  CHECK_THAT(run.process.output(), Contains("172.17.0.9"));
  CHECK_THAT(run.process.errors(), Contains("the daemon has gone") && Contains("is back"));
}

TEST_CASE("the command is terminated when the daemon does not return") {
  RunOptions options =
      shell("trap 'echo asked; exit 0' TERM; echo ready; sleep " + unique_seconds() + " & wait");
  options.reconnect_interval = 1ms;
  options.daemon_return_wait = 20ms;
  Run run(options, {.adjust_session = [](FakeSession& session) {
            session.failures_before_reconnect = 1'000'000;
          }});
  run.process.read_until("ready");
  run.daemon.close();
  CHECK(run.process.wait() == 125);
  CHECK_THAT(run.process.output(), Contains("asked"));
  CHECK_THAT(run.process.errors(), Contains("did not return: nobody listens"));
}

TEST_CASE("a command that does not heed its termination is killed") {
  const std::string seconds = unique_seconds();
  RunOptions options = shell("trap '' TERM; echo ready; while :; do sleep " + seconds + "; done");
  options.terminate_wait = 20ms;
  Run run(options);
  run.process.read_until("ready");
  run.daemon.tell('s');
  CHECK(run.process.wait() == 125);
  CHECK_THAT(run.process.errors(), Contains("detached: daemon stopped"));
  CHECK(processes_with(seconds).empty());
}

TEST_CASE("a detached command lives on without its interface") {
  for (const Caller& caller : callers()) {
    INFO(caller.name);
    Run run(as(caller, shell("echo ready; while ip link show dev eth0 >/dev/null 2>&1; do :; done; "
                             "ip -o link | wc -l; exit 5")),
            {.ordinary_user = caller.ordinary_user});
    run.process.read_until("ready");
    const HandedLink kept = run.daemon.receive_link();
    run.daemon.tell('r');
    CHECK(run.process.wait() == 5);
    CHECK_THAT(run.process.errors(), Contains("detached: detached by request"));
  }
}

TEST_CASE("a refused hand-over ends the run before the command starts") {
  Run run(shell("echo started"), {.adjust_session = [](FakeSession& session) {
            session.refusal = Error{ErrorCode::exhausted, "no free port"};
          }});
  CHECK(run.process.wait() == 125);
  CHECK(run.process.output().empty());
  CHECK(run.process.errors() == "pontoon: no free port\n");
}

TEST_CASE("a host that allows no user namespace is named with its setting") {
  Process process([] {
    // A user namespace of its own has a limit of its own, which can be lowered without harm.
    if (::unshare(CLONE_NEWUSER) != 0) return 98;
    if (!write_sysctl("user/max_user_namespaces", "0")) return 97;
    FakeDaemon daemon;
    FakeSession session(daemon.take_client());
    RunOptions options = shell("exit 0");
    options.always_user_namespace = true;
    return run_command(options, session);
  });
  CHECK(process.wait() == 125);
  CHECK_THAT(process.errors(), Contains("user.max_user_namespaces"));
}
