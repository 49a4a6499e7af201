// What may and may not be handed to the daemon as a link.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "bridge/ports/link_check.h"
#include "bridge/ports/packet_socket.h"
#include "bridge/ports/tap_device.h"

using namespace pontoon;
using bridge::check_link;
using bridge::LinkHandle;

namespace {

LinkHandle link_of(LinkHandle::Kind kind, int fd) {
  LinkHandle link;
  link.kind = kind;
  link.fd = UniqueFd(fd);
  return link;
}

UniqueFd first_end(int domain, int type) {
  int fds[2];
  REQUIRE(socketpair(domain, type | SOCK_CLOEXEC, 0, fds) == 0);
  const UniqueFd other(fds[1]);
  return UniqueFd(fds[0]);
}

UniqueFd pipe_end() {
  int fds[2];
  REQUIRE(pipe2(fds, O_CLOEXEC) == 0);
  const UniqueFd other(fds[1]);
  return UniqueFd(fds[0]);
}

void refuse(UniqueFd fd) {
  REQUIRE(fd);
  for (const auto kind : {LinkHandle::Kind::tap, LinkHandle::Kind::packet}) {
    const LinkHandle link = link_of(kind, dup(fd.get()));
    const auto checked = check_link(link);
    REQUIRE(!checked);
    CHECK(checked.error().code == ErrorCode::invalid_argument);
  }
}

bool blocks(const LinkHandle& link) {
  return (fcntl(link.fd.get(), F_GETFL) & O_NONBLOCK) == 0;
}

}  // namespace

TEST_CASE("what is no link is refused as either kind") {
  SECTION("a pipe") {
    refuse(pipe_end());
  }
  SECTION("/dev/null") {
    refuse(UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC)));
  }
  SECTION("a regular file") {
    refuse(UniqueFd(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)));
  }
  SECTION("a path") {
    refuse(UniqueFd(open("/", O_PATH | O_CLOEXEC)));
  }
  SECTION("a TCP socket") {
    refuse(UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  }
  SECTION("a UDP socket") {
    refuse(UniqueFd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  }
  SECTION("an epoll set") {
    refuse(UniqueFd(epoll_create1(EPOLL_CLOEXEC)));
  }
  // Once its other end has gone it would be readable for ever.
  SECTION("a UNIX stream") {
    refuse(first_end(AF_UNIX, SOCK_STREAM));
  }
  SECTION("a UNIX sequence") {
    refuse(first_end(AF_UNIX, SOCK_SEQPACKET));
  }
}

TEST_CASE("no descriptor at all is refused") {
  CHECK(!check_link(LinkHandle{}));
  CHECK(!check_link(link_of(LinkHandle::Kind::packet, -1)));
}

TEST_CASE("a UNIX datagram socket is a packet link, and blocks no more") {
  const UniqueFd end = first_end(AF_UNIX, SOCK_DGRAM);
  const LinkHandle link = link_of(LinkHandle::Kind::packet, dup(end.get()));
  CHECK(blocks(link));
  CHECK(check_link(link));
  CHECK(!blocks(link));
  CHECK(!check_link(link_of(LinkHandle::Kind::tap, dup(end.get()))));
}

TEST_CASE("a packet socket without the virtio-net header is refused") {
  UniqueFd bare(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!bare) {
    WARN("skipped: packet sockets need CAP_NET_RAW");
    return;
  }
  CHECK(!check_link(link_of(LinkHandle::Kind::packet, bare.release())));
  auto cooked = link_of(LinkHandle::Kind::packet,
                        socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  CHECK(!check_link(cooked));
}

TEST_CASE("what the namespace side opens passes as its own kind only") {
  auto packet = bridge::open_packet_socket(1);  // the loopback interface
  if (!packet) {
    WARN("skipped: " + packet.error().message);
    return;
  }
  CHECK(check_link(*packet));
  packet->kind = LinkHandle::Kind::tap;
  CHECK(!check_link(*packet));
}
