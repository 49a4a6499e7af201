// The parts on their own: netlink, the files in /etc, the namespaces, ending descendants.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>

#include "bridge/netns/command.h"
#include "bridge/netns/descendants.h"
#include "bridge/netns/etc_files.h"
#include "bridge/netns/link.h"
#include "bridge/netns/namespaces.h"
#include "bridge/netns/netlink.h"
#include "bridge/netns/process.h"
#include "tests/unit/netns/harness.h"

using namespace pontoon;
using namespace pontoon::bridge;
using namespace pontoon::bridge::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

// Runs the body in a user, network and mount namespace of its own; the body returns what it found.
std::string inside(const std::function<std::string()>& body) {
  Process process([&] {
    if (const auto made = make_namespaces(true, InnerUser::root, "inside"); !made) {
      ::dprintf(1, "%s", made.error().message.c_str());
      return 1;
    }
    ::dprintf(1, "%s", body().c_str());
    return 0;
  });
  CHECK(process.wait() == 0);
  return process.output();
}

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string code_of(const Status<>& status) {
  return std::string(status.ok() ? "ok" : to_string(status.error().code)) + " ";
}

// Puts an empty directory in place of /etc, fills it, and mounts our files over it.
std::string etc_after(const std::function<void()>& fill) {
  return inside([&] {
    if (::mount("tmpfs", "/etc", "tmpfs", 0, nullptr) != 0) return std::string("no tmpfs");
    fill();
    const auto mounted = mount_etc_files({"nameserver 10.0.0.1\n", "hosts of ours\n", "me\n"});
    return code_of(mounted) + contents("/etc/resolv.conf") + contents("/etc/hosts");
  });
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("netlink makes, finds, changes and deletes interfaces of its own namespace") {
  const std::string seen = inside([] {
    std::string told;
    auto netlink = Netlink::open();
    const UniqueFd here(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    told += code_of(netlink->create_veth("left", "right", here.get()));
    told += code_of(netlink->create_veth("left", "other", here.get()));
    const int left = *netlink->link_index("left");
    told += code_of(netlink->rename(left, "port"));
    told += code_of(netlink->set_mtu(left, 9000));
    told += code_of(netlink->set_mtu(left, 1));
    told += code_of(netlink->set_mac(left, *MacAddress::parse("02:00:00:00:00:07")));
    told += code_of(netlink->set_mac(left, *MacAddress::parse("03:00:00:00:00:07")));
    told += code_of(netlink->add_address(left, *IpPrefix::parse("10.1.0.2/31")));
    told += code_of(netlink->add_address(left, *IpPrefix::parse("10.1.0.2/31")));
    told += code_of(netlink->set_up(left));
    told += code_of(netlink->add_default_route(left, *IpAddress::parse("10.1.0.3")));
    told += code_of(netlink->add_default_route(left, *IpAddress::parse("10.1.0.3")));
    told += contents("/sys/class/net/port/address");
    told += code_of(netlink->delete_link(left));
    told += std::string(netlink->link_index("right") ? "there" : "gone");
    return told;
  });
  CHECK_THAT(seen, Catch::StartsWith("ok already_exists ok ok "));
  CHECK_THAT(seen, !Contains("ok ok ok ok ok ok ok ok ok ok ok"));
  CHECK_THAT(seen, Contains("already_exists ok ok already_exists"));
  CHECK_THAT(seen, Catch::EndsWith("gone"));
}

TEST_CASE("netlink names what is missing or forbidden") {
  auto netlink = Netlink::open();
  REQUIRE(netlink);
  const auto missing = netlink->link_index("no-such-link");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK_THAT(missing.error().message, Contains("no-such-link"));
  if (!is_root()) return;
  Process ordinary([] {
    become_ordinary_user();
    auto own = Netlink::open();
    const auto status = own->set_up(*own->link_index("lo"));
    return status.ok() ? 0 : static_cast<int>(status.error().code);
  });
  CHECK(ordinary.wait() == static_cast<int>(ErrorCode::permission_denied));
}

TEST_CASE("a link that cannot be had leaves the process in its namespace and nothing in it") {
  const std::string seen = inside([] {
    struct stat before {
    }, after{};
    ::stat("/proc/self/ns/net", &before);
    auto netlink = Netlink::open();
    const UniqueFd here(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    std::string told = code_of(netlink->create_veth("eth0", "right", here.get()));
    const auto taken = create_link(LinkChoice::packet, "eth0", 1500);
    told += taken ? "made " : std::string(to_string(taken.error().code)) + " ";
    const auto mtu = create_link(LinkChoice::packet, "eth1", 10);  // below what veth takes
    told += mtu ? "made " : "refused ";
    ::stat("/proc/self/ns/net", &after);
    told += before.st_ino == after.st_ino ? "home " : "lost ";
    told += netlink->link_index("eth1") ? "left" : "clean";
    return told;
  });
  CHECK(seen == "ok already_exists refused home clean");
}

TEST_CASE("the files in /etc say who and where the endpoint is") {
  const EtcFiles files = compose_etc_files(endpoint());
  CHECK(files.resolv_conf ==
        "nameserver 172.17.0.1\nsearch default.internal internal\noptions ndots:0\n");
  CHECK_THAT(files.hosts, Contains("127.0.0.1\tlocalhost") && Contains("172.17.0.9\tweb\n") &&
                              Contains("fd00:1234::9\tweb\n"));
  CHECK(files.hostname == "web\n");
  EndpointConfig dhcp = endpoint();
  dhcp.dhcp = true;
  dhcp.search.clear();
  CHECK(compose_etc_files(dhcp).resolv_conf == "nameserver 172.17.0.1\noptions ndots:0\n");
  CHECK_THAT(compose_etc_files(dhcp).hosts, !Contains("web"));
}

TEST_CASE("private files appear over existing ones, also through a symbolic link") {
  const std::string ours = "ok nameserver 10.0.0.1\nhosts of ours\n";
  CHECK(etc_after([] {
          write("/etc/resolv.conf", "theirs");
          write("/etc/hosts", "theirs");
        }) == ours);
  CHECK(etc_after([] {
          ::mkdir("/etc/run", 0755);
          write("/etc/run/stub.conf", "theirs");
          (void)!::symlink("run/stub.conf", "/etc/resolv.conf");
          write("/etc/hosts", "theirs");
        }) == ours);
}

TEST_CASE("private files appear where there is nothing to mount over") {
  const std::string ours = "ok nameserver 10.0.0.1\nhosts of ours\n";
  CHECK(etc_after([] {}) == ours);
  CHECK(etc_after([] {
          (void)!::symlink("../run/no/such/stub.conf", "/etc/resolv.conf");
          write("/etc/hosts", "theirs");
        }) == ours);
  CHECK(etc_after([] {
          (void)!::symlink("/dev/null", "/etc/resolv.conf");
          write("/etc/hosts", "theirs");
        }) == ours);
}

TEST_CASE("a resolver that listens outside is hidden") {
  const std::string seen = inside([] {
    const char* path = "/run/systemd/resolve/io.systemd.Resolve";
    if (::mount("tmpfs", "/run", "tmpfs", 0, nullptr) != 0) return std::string("no tmpfs");
    ::mkdir("/run/systemd", 0755);
    ::mkdir("/run/systemd/resolve", 0755);
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listener.get(), generic, sizeof address) != 0) return std::string("no socket");
    ::listen(listener.get(), 1);
    std::string told = code_of(mount_etc_files({"", "", ""}));
    const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int connected = ::connect(client.get(), generic, sizeof address);
    return told + (connected == 0 ? "answers" : std::strerror(errno));
  });
  CHECK(seen == "ok Connection refused");
}

TEST_CASE("the host's files are what they were") {
  const std::string before = contents("/etc/resolv.conf") + contents("/etc/hosts");
  Run run(shell("echo poisoned > /etc/resolv.conf; echo poisoned > /etc/hosts"));
  CHECK(run.process.wait() == 0);
  CHECK(contents("/etc/resolv.conf") + contents("/etc/hosts") == before);
}

TEST_CASE("descendants are killed through all generations, but not those spared") {
  Process process([] {
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    const BlockedSignals blocked(child);
    if (!become_subreaper()) return 1;
    const auto sleeper = [] {
      const pid_t pid = ::fork();
      if (pid == 0) {
        for (int fd = 0; fd < 3; ++fd)
          ::close(fd);
        if (::fork() == 0) {
          ::setsid();
          (void)::fork();
        }
        for (;;)
          ::pause();
      }
      return pid;
    };
    const pid_t spared = sleeper();
    sleeper();
    sleeper();
    kill_descendants({spared});
    const bool one_left = children() == std::vector<pid_t>{spared};
    kill_descendants();
    return one_left && children().empty() ? 0 : 2;
  });
  CHECK(process.wait() == 0);
}

TEST_CASE("a deadline becomes a poll timeout that does not fall short") {
  const Instant now(10s);
  CHECK(poll_timeout(now, kNever) == -1);
  CHECK(poll_timeout(now, now - 1ns) == 0);
  CHECK(poll_timeout(now, now + 1ns) == 1);
  CHECK(poll_timeout(now, now + 1500us) == 2);
  CHECK(poll_timeout(now, now + std::chrono::hours(24 * 365)) == std::numeric_limits<int>::max());
}
