#include <catch2/catch.hpp>

#include <cerrno>
#include <set>
#include <vector>

#include "core/host/sockaddr.h"
#include "core/host/system.h"

using namespace pontoon;

TEST_CASE("addresses survive the way to the kernel's form and back") {
  for (const char* text : {"127.0.0.1", "255.255.255.255", "0.0.0.0", "::", "::1", "2001:db8::7"}) {
    const SocketAddress address{*IpAddress::parse(text), 4711};
    const host::SockAddr native(address);
    CHECK(native.address() == address);
    CHECK(native.storage.ss_family == (address.ip.is_v4() ? AF_INET : AF_INET6));
    CHECK(native.length == (address.ip.is_v4() ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)));
  }
}

TEST_CASE("the kernel's form is in network order") {
  const host::SockAddr native({*IpAddress::parse("1.2.3.4"), 0x1234});
  sockaddr_in v4;
  std::memcpy(&v4, &native.storage, sizeof v4);
  CHECK(ntohs(v4.sin_port) == 0x1234);
  CHECK(ntohl(v4.sin_addr.s_addr) == 0x01020304);
}

TEST_CASE("an empty kernel address has room for any family") {
  const host::SockAddr native;
  CHECK(native.length >= sizeof(sockaddr_in6));
  CHECK(native.address() == SocketAddress{});
}

TEST_CASE("error numbers keep their meaning") {
  struct Row {
    int number;
    SocketError error;
  };
  const Row rows[] = {{ECONNREFUSED, SocketError::refused},
                      {ECONNRESET, SocketError::reset},
                      {EPIPE, SocketError::reset},
                      {ETIMEDOUT, SocketError::timed_out},
                      {EHOSTUNREACH, SocketError::host_unreachable},
                      {ENETUNREACH, SocketError::network_unreachable},
                      {ENETDOWN, SocketError::network_unreachable},
                      {EMSGSIZE, SocketError::message_too_big},
                      {EACCES, SocketError::prohibited},
                      {EPERM, SocketError::prohibited},
                      {EADDRINUSE, SocketError::address_in_use},
                      {EADDRNOTAVAIL, SocketError::address_unavailable},
                      {EMFILE, SocketError::no_resources},
                      {ENFILE, SocketError::no_resources},
                      {ENOBUFS, SocketError::no_resources},
                      {ENOMEM, SocketError::no_resources},
                      {EAFNOSUPPORT, SocketError::unsupported},
                      {EPROTONOSUPPORT, SocketError::unsupported},
                      {EISDIR, SocketError::other}};
  for (const Row& row : rows) {
    INFO(row.number);
    CHECK(host::socket_error(row.number) == row.error);
    CHECK_FALSE(to_string(row.error).empty());
  }
}

TEST_CASE("randomness fills any size, and does not repeat itself") {
  host::SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i)
    seen.insert(random.u64());
  CHECK(seen.size() == 1000);

  std::vector<std::uint8_t> large(5000);  // several blocks
  random.fill(large);
  CHECK(std::set<std::uint8_t>(large.begin(), large.end()).size() > 200);
  random.fill({});
  std::array<std::uint8_t, 3> odd{};
  random.fill(odd);
  CHECK(random.u64() != random.u64());
}

TEST_CASE("two sources of randomness differ") {
  host::SystemRandom first;
  host::SystemRandom second;
  CHECK(first.u64() != second.u64());
}

TEST_CASE("the clock does not go backwards, and the calendar is of this century") {
  const host::SystemClock clock;
  Instant last = clock.now();
  for (int i = 0; i < 1000; ++i) {
    const Instant now = clock.now();
    CHECK(now >= last);
    last = now;
  }
  CHECK(clock.wall() > WallTime(std::chrono::seconds(1'600'000'000)));
}
