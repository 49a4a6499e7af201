#include "bridge/netns/attach.h"

#include <fcntl.h>
#include <sched.h>
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

// A shell in namespaces that somebody else made; it runs the lines that it is given.
class Target {
 public:
  explicit Target(bool ordinary_user, std::vector<const char*> unshare)
      : process_([&] {
          if (ordinary_user) become_ordinary_user();
          unshare.insert(unshare.begin(), "unshare");
          unshare.insert(unshare.end(), {"sh", nullptr});
          ::execvp("unshare", const_cast<char* const*>(unshare.data()));
          return 99;
        }) {
    (void)ask("");
  }
  pid_t pid() const { return process_.pid(); }
  // What the commands print.
  std::string ask(const std::string& commands) {
    const std::string end = "END" + std::to_string(++asked_) + "\n";
    const std::size_t before = process_.output().size();
    process_.write_line(commands);
    process_.write_line("echo " + end);
    process_.read_until(end);
    return process_.output().substr(before);
  }
  void end() { (void)(process_.write_line("exit 0"), process_.wait()); }

 private:
  Process process_;
  int asked_ = 0;
};

struct Outcome {
  std::string error;  // of the attachment; empty when it worked
  int code = -1;
  int agent_status = -1;
};

// Attaches in a child, which stays for as long as the agent does and tells how it ended.
class Attach {
 public:
  explicit Attach(
      AttachOptions options, bool ordinary_user = false,
      std::function<void(FakeSession&)> adjust = [](FakeSession&) {})
      : process_([&] {
          FakeSession session(daemon.take_client());
          daemon.close();
          adjust(session);
          if (ordinary_user) become_ordinary_user();
          const auto agent = attach_namespace(options, session);
          ::dprintf(1, "%s\n", agent ? "attached" : agent.error().message.c_str());
          if (!agent) return 100 + static_cast<int>(agent.error().code);
          int status = 0;
          ::waitpid(*agent, &status, 0);
          return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
        }) {
    daemon.take_client();
    process_.read_until("\n");
  }
  const std::string& word() const { return process_.output(); }
  pid_t agent() const { return only_child_of(process_.pid()); }
  int wait() { return process_.wait(); }

  FakeDaemon daemon;

 private:
  Process process_;
};

AttachOptions to(const Target& target) {
  AttachOptions options;
  options.pid = target.pid();
  options.endpoint = endpoint();
  return options;
}

AttachOptions second(AttachOptions options) {
  options.endpoint.name = "db";
  options.endpoint.mac = *MacAddress::parse("02:42:ac:12:00:05");
  options.endpoint.ipv4 = *IpPrefix::parse("172.18.0.5/16");
  options.endpoint.gateway = *IpAddress::parse("172.18.0.1");
  options.endpoint.ipv6.reset();
  options.endpoint.gateway6.reset();
  return options;
}

int failure(ErrorCode code) {
  return 100 + static_cast<int>(code);
}

void attach_and_detach(bool ordinary_user, std::vector<const char*> unshare, LinkChoice choice) {
  Target target(ordinary_user, std::move(unshare));
  AttachOptions options = to(target);
  options.link = choice;
  Attach attach(options, ordinary_user);
  REQUIRE(attach.word() == "attached\n");
  const HandedLink link = attach.daemon.receive_link();
  const std::string seen = target.ask("ip -o addr show dev eth0; ip route; ip -o link show lo");
  CHECK_THAT(seen, Contains("inet 172.17.0.9/16") && Contains("inet6 fd00:1234::9/64"));
  CHECK_THAT(seen, Contains("default via 172.17.0.1 dev eth0"));
  CHECK_THAT(seen, Contains("<LOOPBACK,UP,LOWER_UP>"));
  attach.daemon.tell('r');
  CHECK(attach.wait() == 0);
  CHECK_THAT(target.ask("ip -o link"), !Contains("eth0"));
}

}  // namespace

TEST_CASE("attach gives a foreign namespace an interface and takes it away again") {
  attach_and_detach(false, {"-Urn"}, LinkChoice::packet);
  if (!is_root()) {
    WARN("skipped: the cases that need root");
    return;
  }
  attach_and_detach(true, {"-Urn"}, LinkChoice::automatic);
  attach_and_detach(false, {"-n"}, LinkChoice::packet);
  if (can_open_tun()) {
    attach_and_detach(false, {"-n"}, LinkChoice::tap);
    attach_and_detach(false, {"-Urn"}, LinkChoice::tap);
  }
}

TEST_CASE("attach by the path of a namespace") {
  Target target(false, {"-Urn"});
  AttachOptions options = to(target);
  options.netns_path = "/proc/" + std::to_string(target.pid()) + "/ns/net";
  options.pid.reset();
  Attach attach(options);
  REQUIRE(attach.word() == "attached\n");
  CHECK_THAT(target.ask("ip -o addr show dev eth0"), Contains("172.17.0.9"));
  REQUIRE(::kill(attach.agent(), SIGTERM) == 0);
  CHECK(attach.wait() == 0);
  CHECK_THAT(target.ask("ip -o link"), !Contains("eth0"));
}

TEST_CASE("a second network becomes eth1 and leaves the default route alone") {
  Target target(false, {"-Urn"});
  Attach first(to(target));
  Attach other(second(to(target)));
  REQUIRE(other.word() == "attached\n");
  const std::string seen = target.ask("ip -o addr show dev eth1; ip route");
  CHECK_THAT(seen, Contains("172.18.0.5/16") && Contains("default via 172.17.0.1 dev eth0"));
  CHECK_THAT(seen, !Contains("default via 172.18.0.1"));
  other.daemon.tell('s');
  CHECK(other.wait() == 0);
  first.daemon.tell('s');
  CHECK(first.wait() == 0);
}

TEST_CASE("the agent of an attachment ends with its target") {
  Target target(false, {"-Urn"});
  Attach attach(to(target));
  REQUIRE(attach.word() == "attached\n");
  target.end();
  CHECK(attach.wait() == 0);
}

TEST_CASE("the agent of an attachment waits for the daemon, and not for ever") {
  Target target(false, {"-Urn"});
  AttachOptions options = to(target);
  options.reconnect_interval = 1ms;
  options.daemon_return_wait = 50ms;
  Attach attach(options, false,
                [](FakeSession& session) { session.failures_before_reconnect = 2; });
  const HandedLink first = attach.daemon.receive_link();
  attach.daemon.tell('l');
  const HandedLink again = attach.daemon.receive_link();
  CHECK_THAT(target.ask("ip -o link"), Contains("eth0"));
  attach.daemon.close();  // now reconnecting fails, for there is nobody to pass the link to
  CHECK(attach.wait() == 0);
  CHECK_THAT(target.ask("ip -o link"), !Contains("eth0"));
}

TEST_CASE("the interface of a killed agent goes when the daemon lets go of it") {
  for (const LinkChoice choice : {LinkChoice::automatic, LinkChoice::packet}) {
    Target target(false, {"-Urn"});
    AttachOptions options = to(target);
    options.link = choice;
    Attach attach(options);
    REQUIRE(attach.word() == "attached\n");
    HandedLink link = attach.daemon.receive_link();
    REQUIRE(::kill(attach.agent(), SIGKILL) == 0);
    CHECK(attach.wait() == 99);
    CHECK_THAT(target.ask("ip -o link"), Contains("eth0"));
    link.fd.reset();
    CHECK_THAT(target.ask("while ip link show dev eth0 >/dev/null 2>&1; do :; done; ip -o link"),
               !Contains("eth0"));
  }
}

TEST_CASE("the agent keeps only the descriptors that it needs and has no terminal") {
  Target target(false, {"-Urn"});
  Attach attach(to(target));
  REQUIRE(attach.word() == "attached\n");
  const pid_t agent = attach.agent();
  CHECK(::getsid(agent) == agent);
  if (is_root()) {  // the agent lets itself be looked at by nobody else
    const std::string directory = "/proc/" + std::to_string(agent) + "/fd";
    Process list([&] {
      ::execlp("ls", "ls", "-l", directory.c_str(), nullptr);
      return 99;
    });
    CHECK(list.wait() == 0);
    const std::string& seen = list.output();
    std::size_t count = 0;
    for (std::size_t at = seen.find("->"); at != std::string::npos; at = seen.find("->", at + 1))
      ++count;
    INFO(seen);
    CHECK(count == 7);  // three standard streams, signals, pidfd, link, session
    CHECK_THAT(seen, !Contains("pipe:"));
  }
  attach.daemon.tell('s');
  CHECK(attach.wait() == 0);
}

TEST_CASE("attach says what is wrong with its target") {
  const auto refused = [](const AttachOptions& options, bool ordinary_user = false) {
    Attach attach(options, ordinary_user);
    const std::string word = attach.word();
    return std::pair(attach.wait(), word);
  };
  AttachOptions options;
  options.endpoint = endpoint();
  CHECK(refused(options).first == failure(ErrorCode::invalid_argument));
  options.pid = 0x3ffffffe;
  const auto missing = refused(options);
  CHECK(missing.first == failure(ErrorCode::not_found));
  CHECK_THAT(missing.second, Contains("there is no process 1073741822"));
  options.pid.reset();
  options.netns_path = "/dev/null";
  const auto device = refused(options);
  CHECK(device.first == failure(ErrorCode::invalid_argument));
  CHECK_THAT(device.second, Contains("/dev/null is not a network namespace"));
  options.netns_path = "/no/such/file";
  CHECK(refused(options).first == failure(ErrorCode::not_found));
  if (!is_root()) return;
  options.netns_path = "/proc/self/ns/net";  // the host's
  const auto denied = refused(options, true);
  CHECK(denied.first == failure(ErrorCode::permission_denied));
  CHECK_THAT(denied.second, Contains("you must own the user namespace"));
  options.netns_path.clear();
  options.pid = ::getpid();
  CHECK(refused(options, true).first == failure(ErrorCode::permission_denied));
}

TEST_CASE("attach refuses interface names that are taken or impossible") {
  Target target(false, {"-Urn"});
  for (const auto& [name, code] :
       {std::pair("lo", ErrorCode::already_exists), std::pair("a/b", ErrorCode::invalid_argument),
        std::pair("sixteen-letters-", ErrorCode::invalid_argument),
        std::pair("eth%d", ErrorCode::invalid_argument)}) {
    AttachOptions options = to(target);
    options.interface = name;
    Attach attach(options);
    INFO(name << ": " << attach.word());
    CHECK(attach.wait() == failure(code));
  }
  AttachOptions options = to(target);
  options.interface = "net7";
  Attach attach(options);
  CHECK_THAT(target.ask("ip -o link"), Contains("net7"));
  attach.daemon.tell('s');
  CHECK(attach.wait() == 0);
}

TEST_CASE("an attachment that fails half-way leaves no interface behind") {
  Target target(false, {"-Urn"});
  Attach refused(to(target), false, [](FakeSession& session) {
    session.refusal = Error{ErrorCode::conflict, "the address is taken"};
  });
  CHECK(refused.word() == "the address is taken\n");
  CHECK(refused.wait() == failure(ErrorCode::conflict));
  AttachOptions impossible = to(target);
  impossible.link = LinkChoice::packet;
  impossible.endpoint.gateway = *IpAddress::parse("10.0.0.1");  // not on the link
  CHECK(Attach(impossible).wait() >= 100);
  CHECK_THAT(target.ask("ip -o link"), !Contains("eth0"));
}
