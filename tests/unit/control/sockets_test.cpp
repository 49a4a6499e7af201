#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "control/json.h"
#include "control/local_socket.h"
#include "control/message_socket.h"
#include "core/base/limits.h"
#include "tests/unit/control/temporary.h"

using namespace pontoon;
using namespace pontoon::control;
using test::TemporaryDirectory;

namespace {

struct Ends {
  UniqueFd near;
  UniqueFd far;
};

Ends make_pair() {
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Ends make_pipe_ends() {
  int fds[2];
  REQUIRE(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

// True when nobody holds the writing end any more.
bool all_writers_gone(const UniqueFd& reader) {
  char byte = 0;
  return read(reader.get(), &byte, 1) == 0;
}

// What a peer that is not ours may send: any bytes with any number of descriptors.
void send_raw(const UniqueFd& to, std::string text, const std::vector<int>& fds) {
  iovec vector{text.data(), text.size()};
  std::vector<std::uint8_t> control(CMSG_SPACE(sizeof(int) * fds.size()));
  msghdr header{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(part), fds.data(), sizeof(int) * fds.size());
  }
  REQUIRE(sendmsg(to.get(), &header, 0) == static_cast<ssize_t>(text.size()));
}

AttachMessage a_message() {
  AttachMessage message;
  message.op = AttachOp::detached;
  message.message = "gone";
  return message;
}

}  // namespace

TEST_CASE("a message arrives whole, one by one") {
  const Ends ends = make_pair();
  CHECK(send_message(ends.near.get(), a_message()));
  AttachMessage second = a_message();
  second.message = "twice gone";
  CHECK(send_message(ends.near.get(), second));
  const auto first = receive_message(ends.far.get());
  REQUIRE(first);
  CHECK(first->message.op == AttachOp::detached);
  CHECK(first->message.message == "gone");
  CHECK_FALSE(first->fd);
  CHECK(receive_message(ends.far.get())->message.message == "twice gone");
  const auto none = receive_message(ends.far.get());
  REQUIRE_FALSE(none);
  CHECK(none.error() == ReceiveError::nothing);
}

TEST_CASE("a descriptor goes along and is closed on exec") {
  const Ends ends = make_pair();
  Ends pipe = make_pipe_ends();
  CHECK(send_message(ends.near.get(), a_message(), pipe.far.get()));
  pipe.far.reset();
  auto received = receive_message(ends.far.get());
  REQUIRE(received);
  REQUIRE(received->fd);
  CHECK((fcntl(received->fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(write(received->fd.get(), "x", 1) == 1);
  char byte = 0;
  CHECK(read(pipe.near.get(), &byte, 1) == 1);
  received->fd.reset();
  CHECK(all_writers_gone(pipe.near));
}

TEST_CASE("of several descriptors the first is kept, the others are closed") {
  const Ends ends = make_pair();
  Ends pipe = make_pipe_ends();
  Ends other = make_pipe_ends();
  send_raw(ends.near, encode(a_message()), {pipe.far.get(), other.far.get(), other.far.get()});
  pipe.far.reset();
  other.far.reset();
  const auto received = receive_message(ends.far.get());
  REQUIRE(received);
  CHECK(received->fd);
  CHECK_FALSE(all_writers_gone(pipe.near));
  CHECK(all_writers_gone(other.near));
}

TEST_CASE("more descriptors than anybody needs are closed, and the message is refused") {
  const Ends ends = make_pair();
  Ends pipe = make_pipe_ends();
  send_raw(ends.near, encode(a_message()), std::vector<int>(200, pipe.far.get()));
  pipe.far.reset();
  const auto received = receive_message(ends.far.get());
  REQUIRE_FALSE(received);
  CHECK(received.error() == ReceiveError::malformed);
  CHECK(all_writers_gone(pipe.near));
}

TEST_CASE("a malformed message's descriptor is closed") {
  const Ends ends = make_pair();
  Ends pipe = make_pipe_ends();
  send_raw(ends.near, "{", {pipe.far.get()});
  pipe.far.reset();
  CHECK(receive_message(ends.far.get()).error() == ReceiveError::malformed);
  CHECK(all_writers_gone(pipe.near));
}

TEST_CASE("what is not ours is malformed") {
  const Ends ends = make_pair();
  for (const std::string& text :
       {std::string("x"), std::string("{}x"), std::string("\0", 1),
        std::string(R"({"op":"dance"})"), std::string(R"({"op":"link","version":2})"),
        std::string(R"({"op":"link","extra":1})")}) {
    INFO(text);
    send_raw(ends.near, text, {});
    const auto received = receive_message(ends.far.get());
    REQUIRE_FALSE(received);
    CHECK(received.error() == ReceiveError::malformed);
  }
}

TEST_CASE("a message that is longer than any of ours is refused", "[limit:kAttachMessageBytes]") {
  const Ends ends = make_pair();
  AttachMessage message = a_message();
  message.message = std::string(limits::kAttachMessageBytes, 'x');
  CHECK(send_message(ends.near.get(), message));
  CHECK(receive_message(ends.far.get()).error() == ReceiveError::malformed);
  message.message.resize(limits::kAttachMessageBytes - 200);
  CHECK(send_message(ends.near.get(), message));
  CHECK(receive_message(ends.far.get()).has_value());
}

TEST_CASE("a peer that has gone is told from one that is silent") {
  Ends ends = make_pair();
  CHECK(send_message(ends.near.get(), a_message()));
  ends.near.reset();
  CHECK(receive_message(ends.far.get()).has_value());
  CHECK(receive_message(ends.far.get()).error() == ReceiveError::closed);
  const auto sent = send_message(ends.far.get(), a_message());  // and no SIGPIPE
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == ErrorCode::unavailable);
  CHECK(receive_message(-1).error() == ReceiveError::closed);
}

TEST_CASE("a local socket is its owner's alone from birth") {
  const TemporaryDirectory base;
  const std::string path = base / "socket";
  const mode_t mask = umask(0);
  const auto listening = listen_local(path, SOCK_SEQPACKET);
  CHECK(umask(mask) == 0);  // what it changed it put back
  REQUIRE(listening);
  CHECK(test::mode_of(path) == 0600);
  CHECK((fcntl(listening->get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((fcntl(listening->get(), F_GETFD) & FD_CLOEXEC) != 0);
  const auto client = connect_local(path, SOCK_SEQPACKET);
  REQUIRE(client);
  const UniqueFd accepted(accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(accepted);
  CHECK(peer_allowed(accepted.get()));
  CHECK(send_message(client->get(), a_message()));
  CHECK(receive_message(accepted.get()).has_value());
  CHECK_FALSE(connect_local(path, SOCK_STREAM));  // of another type
}

TEST_CASE("a stale socket file is replaced") {
  const TemporaryDirectory base;
  const std::string path = base / "socket";
  { REQUIRE(listen_local(path, SOCK_STREAM)); }
  const auto nobody = connect_local(path, SOCK_STREAM);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == ErrorCode::unavailable);
  CHECK(nobody.error().message.find("pontoon daemon") != std::string::npos);
  const auto again = listen_local(path, SOCK_STREAM);
  REQUIRE(again);
  CHECK(connect_local(path, SOCK_STREAM).has_value());
}

TEST_CASE("a path that no socket can have says what to do") {
  const std::string path = "/tmp/" + std::string(200, 'x');
  const auto listening = listen_local(path, SOCK_STREAM);
  REQUIRE_FALSE(listening);
  CHECK(listening.error().code == ErrorCode::invalid_argument);
  CHECK(listening.error().message.find("PONTOON_RUNTIME_DIR") != std::string::npos);
  CHECK(connect_local(path, SOCK_STREAM).error().code == ErrorCode::invalid_argument);
  const auto nowhere = listen_local("/proc/no/such/place", SOCK_STREAM);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message.find("/proc/no/such/place") != std::string::npos);
}

TEST_CASE("another user is not let in, whatever the file's mode") {
  if (geteuid() != 0) {
    WARN("skipped: only root can be somebody else");
    return;
  }
  const TemporaryDirectory base;
  const std::string path = base / "socket";
  const auto listening = listen_local(path, SOCK_STREAM);
  REQUIRE(listening);
  REQUIRE(chmod(base.path().c_str(), 0755) == 0);
  REQUIRE(chmod(path.c_str(), 0666) == 0);
  REQUIRE(seteuid(65534) == 0);
  const auto client = connect_local(path, SOCK_STREAM);
  REQUIRE(seteuid(0) == 0);
  REQUIRE(client);
  const UniqueFd accepted(accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(accepted);
  CHECK_FALSE(peer_allowed(accepted.get()));
}

TEST_CASE("what has no peer is not let in") {
  const Ends pipe = make_pipe_ends();
  CHECK_FALSE(peer_allowed(pipe.near.get()));
  CHECK_FALSE(peer_allowed(-1));
}
