#include "proxy/port_holder.h"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "proxy/bind_error.h"
#include "tests/support/proxy_world.h"

using namespace pontoon;
using namespace pontoon::proxy;
using test::ip;

namespace {

namespace fs = std::filesystem;

// A procfs of our own.
class ProcFolder {
 public:
  ProcFolder() {
    std::string pattern = (fs::temp_directory_path() / "pontoon-proc-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~ProcFolder() { fs::remove_all(path_); }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  void process(int pid, const std::string& name, std::uint64_t inode) {
    write(std::to_string(pid) + "/comm", name + "\n");
    const fs::path descriptors = path_ / std::to_string(pid) / "fd";
    fs::create_directories(descriptors);
    fs::create_symlink("/dev/null", descriptors / "0");
    fs::create_symlink("socket:[" + std::to_string(inode) + "]", descriptors / "3");
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

const std::string kHeading =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

std::string row(const std::string& local, const std::string& state, unsigned inode) {
  return "   0: " + local + " 00000000:0000 " + state +
         " 00000000:00000000 00:00000000 00000000  1000        0 " + std::to_string(inode) +
         " 1 0000000000000000 100 0 0 10 0\n";
}

HostPort port(const char* address, unsigned number, Protocol protocol = Protocol::tcp) {
  return {ip(address), static_cast<std::uint16_t>(number), protocol};
}

}  // namespace

TEST_CASE("the holder of a port is found through /proc") {
  ProcFolder proc;
  proc.write("net/tcp", kHeading + row("0100007F:1F90", "0A", 101)  // 127.0.0.1:8080 listens
                            + row("0100007F:1F91", "01", 102)       // :8081 is a connection
                            + row("00000000:0016", "0A", 103));     // 0.0.0.0:22
  proc.write("net/tcp6", kHeading + row("00000000000000000000000000000000:0050", "0A", 104) +
                             row("00000000000000000000000001000000:1F92", "0A", 105));
  proc.write("net/udp", kHeading + row("00000000:0035", "07", 106));
  proc.process(4242, "nginx", 101);
  proc.process(17, "sshd", 103);
  proc.process(18, "apache2", 104);
  proc.process(19, "dnsmasq", 106);
  proc.write("self/comm", "not a pid");
  const ProcHostFacts facts(proc.path());
  const auto name = [&](const HostPort& wanted) {
    const auto holder = facts.port_holder(wanted);
    return holder ? holder->process + " " + std::to_string(holder->pid) : "";
  };

  CHECK(name(port("127.0.0.1", 8080)) == "nginx 4242");
  CHECK(name(port("0.0.0.0", 8080)) == "nginx 4242");
  CHECK(name(port("10.0.0.1", 8080)).empty());
  CHECK(name(port("127.0.0.1", 8080, Protocol::udp)).empty());
  CHECK(name(port("0.0.0.0", 8081)).empty());
  CHECK(name(port("10.0.0.1", 22)) == "sshd 17");
  CHECK(name(port("::", 22)).empty());
  CHECK(name(port("::", 80)) == "apache2 18");
  CHECK(name(port("0.0.0.0", 80)) == "apache2 18");  // a dual-stack socket
  CHECK(name(port("0.0.0.0", 53, Protocol::udp)) == "dnsmasq 19");
  CHECK(name(port("::1", 8082)).empty());  // the table has it, but we may not look into whose it is
}

TEST_CASE("what /proc does not say is not invented") {
  ProcFolder proc;
  const ProcHostFacts empty(proc.path());
  CHECK_FALSE(empty.port_holder(port("0.0.0.0", 80)));
  CHECK(empty.unprivileged_port_start() == 1024);
  proc.write("net/tcp", kHeading + "garbage\n\n   0: 0100007F 0 0A\n" +
                            row("0100007G:0050", "0A", 1) + row("0100007F:00050", "0A", 2) +
                            row("0100007F:10050", "0A", 3) + row("01007F:0050", "0A", 4));
  CHECK_FALSE(empty.port_holder(port("0.0.0.0", 81)));
  CHECK_FALSE(ProcHostFacts("/nonexistent").port_holder(port("0.0.0.0", 80)));
}

TEST_CASE("the limit of unprivileged ports comes from the kernel") {
  ProcFolder proc;
  proc.write("sys/net/ipv4/ip_unprivileged_port_start", "80\n");
  CHECK(ProcHostFacts(proc.path()).unprivileged_port_start() == 80);
  proc.write("sys/net/ipv4/ip_unprivileged_port_start", "what\n");
  CHECK(ProcHostFacts(proc.path()).unprivileged_port_start() == 1024);
}

TEST_CASE("bind errors say what to do next") {
  test::ToldFacts facts;
  const auto text = [&](const HostPort& where, SocketError error) {
    return bind_error(where, error, facts).message;
  };
  CHECK(text(port("0.0.0.0", 8080), SocketError::address_in_use) ==
        "Bind for 0.0.0.0:8080 failed: another process listens there; stop it or choose another "
        "host port");
  facts.holder = PortHolder{"nginx", 4242};
  CHECK(text(port("0.0.0.0", 8080), SocketError::address_in_use) ==
        "Bind for 0.0.0.0:8080 failed: another process (nginx, pid 4242) listens there; stop it or "
        "choose another host port");
  CHECK(text(port("0.0.0.0", 80), SocketError::prohibited) ==
        "Bind for 0.0.0.0:80 failed: port 80 is below 1024 and you are not root: publish a port >= "
        "1024, e.g. -p 8080:80, or lower it with: sysctl net.ipv4.ip_unprivileged_port_start=80");
  CHECK(text(port("0.0.0.0", 8080), SocketError::prohibited) ==
        "Bind for 0.0.0.0:8080 failed: the host does not permit it");
  CHECK(text(port("10.9.9.9", 80), SocketError::address_unavailable) ==
        "Bind for 10.9.9.9:80 failed: no interface of this host has the address 10.9.9.9");
  CHECK(text(port("::1", 80), SocketError::unsupported) ==
        "Bind for [::1]:80 failed: this host has no IPv6");
  CHECK(bind_error(port("::1", 80), SocketError::no_resources, facts).code == ErrorCode::exhausted);
  CHECK(bind_error(port("::1", 80), SocketError::other, facts).code == ErrorCode::internal);
}
