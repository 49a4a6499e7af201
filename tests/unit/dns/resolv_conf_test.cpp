#include "dns/resolv_conf.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/base/limits.h"

using namespace pontoon;
using namespace pontoon::dns;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> parsed(std::string_view text) {
  std::vector<std::string> out;
  for (const SocketAddress& server : parse_resolv_conf(text))
    out.push_back(server.to_string());
  return out;
}

using Texts = std::vector<std::string>;

class TemporaryFile {
 public:
  TemporaryFile() {
    std::string name = (std::filesystem::temp_directory_path() / "pontoon-XXXXXX").string();
    const int fd = ::mkstemp(name.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    path = name;
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  // The modification time is set, so that no two writes look alike.
  void write(std::string_view text) {
    std::ofstream(path) << text;
    std::filesystem::last_write_time(path, std::filesystem::file_time_type(++second_ * 1s));
  }
  std::string path;

 private:
  int second_ = 0;
};

}  // namespace

TEST_CASE("name servers are read in order") {
  CHECK(parsed("# comment\nsearch lan\nnameserver 192.0.2.1\n\tnameserver\t2001:db8::1  \r\n"
               "options edns0\nnameserver 192.0.2.2 # why\n") ==
        Texts{"192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.2:53"});
  CHECK(parsed("nameserver 127.0.0.53") == Texts{"127.0.0.53:53"});  // no newline at the end
}

TEST_CASE("what is no usable server is passed over") {
  CHECK(parsed("").empty());
  CHECK(parsed("nameserver\nnameserver \nnameserver example.com\nnameserver 1.2.3\n").empty());
  CHECK(parsed("#nameserver 192.0.2.1\n;nameserver 192.0.2.1\nnameservers 192.0.2.1\n").empty());
  CHECK(parsed("nameserver fe80::1%eth0\nnameserver 0.0.0.0\nnameserver ::\n").empty());
  CHECK(parsed("nameserver 192.0.2.1\nnameserver 192.0.2.1\n") == Texts{"192.0.2.1:53"});
}

TEST_CASE("no more than kDnsUpstreams servers are used", "[limit:kDnsUpstreams]") {
  std::string text;
  for (int i = 1; i < 10; ++i)
    text += "nameserver 192.0.2." + std::to_string(i) + "\n";
  CHECK(parsed(text).size() == limits::kDnsUpstreams);
}

TEST_CASE("a changed file is read again, but not within the second") {
  TemporaryFile file;
  file.write("nameserver 192.0.2.1\n");
  ResolvConf conf(file.path);
  const Instant start{100s};
  REQUIRE(conf.servers(start).size() == 1);
  file.write("nameserver 192.0.2.1\nnameserver 192.0.2.2\n");
  CHECK(conf.servers(start + 999ms).size() == 1);
  CHECK(conf.servers(start + 1s).size() == 2);
  std::filesystem::remove(file.path);
  CHECK(conf.servers(start + 2s).empty());
  file.write("nameserver 192.0.2.3\n");
  CHECK(conf.servers(start + 3s).size() == 1);
}

TEST_CASE("a file that is not there has no servers") {
  CHECK(ResolvConf("/nonexistent/resolv.conf").servers(Instant(1s)).empty());
}
