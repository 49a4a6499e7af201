// The daemon's two sockets with their clients: a server thread with the real servers, the test's
// thread with the real clients.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <future>
#include <thread>

#include "bridge/ports/link_handle.h"
#include "control/api_server.h"
#include "control/attach_server.h"
#include "control/attach_session.h"
#include "control/client.h"
#include "control/json.h"
#include "control/local_socket.h"
#include "control/message_socket.h"
#include "core/base/limits.h"
#include "tests/support/packets.h"
#include "tests/unit/control/service_world.h"

using namespace pontoon;
using namespace pontoon::control;
using test::ServiceWorld;

namespace {

class Daemon {
 public:
  Daemon() {
    paths.runtime_dir = world_.directory.path();
    paths.state_dir = world_.directory.path();
    REQUIRE(attach_.listen(paths.attach_socket()));
    REQUIRE(api_.listen(paths.api_socket()));
    write_leases();
    thread_ = std::thread([this] { world_.io.run(); });
  }
  ~Daemon() {
    boost::asio::post(world_.io, [this] {
      api_.close();
      world_.io.stop();
    });
    thread_.join();
  }

  // Runs on the server's thread, where everything of the daemon lives.
  template <class Function>
  auto in_daemon(Function function) {
    std::packaged_task<decltype(function(world_))()> task([&] { return function(world_); });
    auto result = task.get_future();
    boost::asio::post(world_.io, [&task] { task(); });
    return result.get();
  }
  void hold_disk(bool held) {
    in_daemon([this, held](ServiceWorld&) {
      disk_held_ = held;
      return 0;
    });
  }
  void say_gone(const std::string& endpoint) {
    in_daemon([&](ServiceWorld&) {
      attach_.on_gone({endpoint});
      return 0;
    });
  }
  std::vector<EndpointInfo> endpoints() {
    return in_daemon([](ServiceWorld& world) { return world.service->endpoints(); });
  }
  // The daemon hears of a closed connection when it comes to it.
  bool comes_to(std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (endpoints().size() != count) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  Paths paths;
  std::atomic<int> stops = 0;

 private:
  void write_leases() {
    timer_.expires_after(std::chrono::milliseconds(1));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      if (!disk_held_) world_.leases.complete_all();
      world_.service->on_leases_written();
      attach_.on_leases_written();
      write_leases();
    });
  }

  ServiceWorld world_;
  boost::asio::steady_timer timer_{world_.io};
  bool disk_held_ = false;
  AttachServer attach_{world_.io, *world_.service, [this] { ++stops; }};
  ApiServer api_{world_.io, *world_.service, attach_};
  std::thread thread_;
};

EndpointRequest named(const std::string& name) {
  EndpointRequest request;
  request.name = name;
  return request;
}

AttachMessage with(AttachOp op) {
  AttachMessage message;
  message.op = op;
  return message;
}

// A link whose far end the test holds: one message is a virtio-net header and a frame.
struct Wire {
  Wire() {
    int fds[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds) == 0);
    far = UniqueFd(fds[0]);
    link.kind = bridge::LinkHandle::Kind::packet;
    link.fd = UniqueFd(fds[1]);
    link.interface = "eth0";
    link.checksum = false;
    const timeval patience{10, 0};
    setsockopt(far.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  void send(const test::Bytes& frame) const {
    test::Bytes message(10, 0);
    message.insert(message.end(), frame.begin(), frame.end());
    REQUIRE(::send(far.get(), message.data(), message.size(), 0) ==
            static_cast<ssize_t>(message.size()));
  }
  test::Dissected receive() const {
    std::array<std::uint8_t, 4096> buffer{};
    const ssize_t got = recv(far.get(), buffer.data(), buffer.size(), 0);
    REQUIRE(got > 10);
    return test::dissect(ByteView(buffer).subspan(10, static_cast<std::size_t>(got) - 10));
  }
  UniqueFd far;
  bridge::LinkHandle link;
};

// One word of the attach protocol to the daemon, and its answer.
AttachMessage talk(const UniqueFd& socket, const AttachMessage& message, int fd = -1) {
  REQUIRE(send_message(socket.get(), message, fd));
  auto answer = receive_message(socket.get());
  REQUIRE(answer);
  return answer->message;
}

UniqueFd dial(const Daemon& daemon) {
  auto socket = connect_local(daemon.paths.attach_socket(), SOCK_SEQPACKET);
  REQUIRE(socket);
  return std::move(*socket);
}

}  // namespace

TEST_CASE("a client's call is answered over HTTP") {
  Daemon daemon;
  const Client client(daemon.paths);
  const auto version = client.call("GET", "/v1/version");
  REQUIRE(version);
  CHECK(version->find(kVersion) != std::string::npos);
  const auto made =
      client.call("POST", "/v1/networks", R"({"name":"back","subnet":"10.210.0.0/24"})");
  REQUIRE(made);
  CHECK(decode<NetworkSpec>(*made)->name == "back");
  const auto again = client.call("POST", "/v1/networks", R"({"name":"back"})");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::already_exists);
  CHECK(client.call("DELETE", "/v1/networks/back").has_value());
}

TEST_CASE("a body that is too long is refused", "[limit:kApiBodyBytes]") {
  Daemon daemon;
  const Client client(daemon.paths);
  const auto refused =
      client.call("POST", "/v1/networks", std::string(limits::kApiBodyBytes + 1, 'x'));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::invalid_argument);
  CHECK(client.call("GET", "/v1/version").has_value());
}

TEST_CASE("without a daemon a call says how to get one") {
  const test::TemporaryDirectory directory;
  Paths paths;
  paths.runtime_dir = directory.path();
  const auto answer = Client(paths).call("GET", "/v1/version");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == ErrorCode::unavailable);
  CHECK(answer.error().message.find("pontoon daemon") != std::string::npos);
}

TEST_CASE("what is no HTTP is hung up on, and others are served", "[limit:kApiHeaderBytes]") {
  Daemon daemon;
  for (const std::string& text :
       {std::string("\0\1\2", 3), std::string("GET\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\nHost:") + std::string(limits::kApiHeaderBytes, 'x')}) {
    const auto socket = connect_local(daemon.paths.api_socket(), SOCK_STREAM);
    REQUIRE(socket);
    (void)!send(socket->get(), text.data(), text.size(), MSG_NOSIGNAL);
    shutdown(socket->get(), SHUT_WR);
    std::array<char, 4096> buffer{};
    ssize_t got = 1;
    while (got > 0)
      got = recv(socket->get(), buffer.data(), buffer.size(), 0);
    CHECK(got <= 0);  // ended or reset
  }
  CHECK(Client(daemon.paths).call("GET", "/v1/version").has_value());
}

TEST_CASE("connections to the API are limited", "[limit:kApiConnections]") {
  Daemon daemon;
  std::vector<UniqueFd> many;
  for (std::size_t i = 0; i < limits::kApiConnections; ++i) {
    auto socket = connect_local(daemon.paths.api_socket(), SOCK_STREAM);
    REQUIRE(socket);
    many.push_back(std::move(*socket));
  }
  CHECK_FALSE(Client(daemon.paths).call("GET", "/v1/version"));
  many.clear();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool served = false;
  while (!served && std::chrono::steady_clock::now() < deadline)
    served = Client(daemon.paths).call("GET", "/v1/version").has_value();
  CHECK(served);
}

TEST_CASE(
    "an attachment is reserved, handed over, talks to its gateway and ends with its session") {
  Daemon daemon;
  auto session = DaemonSession::open(daemon.paths, named("web"));
  if (!session) FAIL(session.error().message);
  const EndpointSettings& settings = (*session)->settings();
  CHECK(settings.info.name == "web");
  const bridge::EndpointConfig config = (*session)->config();
  CHECK(config.mac == settings.info.mac);
  CHECK(config.dns == IpAddress(settings.gateway));
  CHECK(config.search == settings.search);

  Wire wire;
  const auto handed = (*session)->hand_over(wire.link);
  if (!handed) FAIL(handed.error().message);
  const auto shown = daemon.endpoints();
  REQUIRE(shown.size() == 1);
  CHECK(shown[0].status == EndpointStatus::up);
  CHECK(shown[0].link == "packet");

  wire.send(test::arp_frame({wire::ArpOperation::request,
                             settings.info.mac,
                             settings.info.ipv4.address.v4(),
                             {},
                             settings.gateway}));
  const test::Dissected reply = wire.receive();
  REQUIRE(reply.arp);
  CHECK(reply.arp->operation == wire::ArpOperation::reply);
  CHECK(reply.arp->sender_ip == settings.gateway);

  std::string reason;
  CHECK((*session)->next_event(reason) == bridge::AttachSession::Event::none);
  session->reset();
  CHECK(daemon.comes_to(0));
}

TEST_CASE("a reservation is answered when the disk has it") {
  Daemon daemon;
  daemon.hold_disk(true);
  const UniqueFd socket = dial(daemon);
  AttachMessage reserve = with(AttachOp::reserve);
  reserve.request = named("web");
  REQUIRE(send_message(socket.get(), reserve));
  REQUIRE(daemon.comes_to(1));
  std::array<std::uint8_t, 8> byte{};
  CHECK(recv(socket.get(), byte.data(), byte.size(), MSG_DONTWAIT | MSG_PEEK) < 0);
  daemon.hold_disk(false);
  const auto answer = receive_message(socket.get());
  REQUIRE(answer);
  CHECK(answer->message.op == AttachOp::reserved);
  REQUIRE(answer->message.settings);
  CHECK(answer->message.settings->info.name == "web");
}

TEST_CASE("a detached endpoint hears of it") {
  Daemon daemon;
  auto session = DaemonSession::open(daemon.paths, named("web"));
  REQUIRE(session);
  Wire wire;
  REQUIRE((*session)->hand_over(wire.link));
  CHECK(Client(daemon.paths).call("DELETE", "/v1/endpoints/WEB").has_value());
  std::string reason;
  CHECK((*session)->next_event(reason) == bridge::AttachSession::Event::removed);
  CHECK(reason == "detached by request");
  CHECK((*session)->next_event(reason) == bridge::AttachSession::Event::lost);
  const auto again = Client(daemon.paths).call("DELETE", "/v1/endpoints/web");
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::not_found);
}

TEST_CASE("an endpoint whose interface has gone hears of it") {
  Daemon daemon;
  auto session = DaemonSession::open(daemon.paths, named("web"));
  REQUIRE(session);
  daemon.say_gone("nobody");
  daemon.say_gone("web");
  std::string reason;
  CHECK((*session)->next_event(reason) == bridge::AttachSession::Event::removed);
  CHECK(reason == "its interface has gone");
  CHECK(daemon.endpoints().empty());
}

TEST_CASE("all endpoints hear that the daemon stops") {
  Daemon daemon;
  auto first = DaemonSession::open(daemon.paths, named("first"));
  auto second = DaemonSession::open(daemon.paths, named("second"));
  REQUIRE(first);
  REQUIRE(second);
  CHECK(Client(daemon.paths).call("POST", "/v1/stop").has_value());
  CHECK(daemon.stops == 1);
  std::string reason;
  for (auto* session : {&*first, &*second})
    CHECK((*session)->next_event(reason) == bridge::AttachSession::Event::stopped);
  CHECK(daemon.endpoints().empty());
}

TEST_CASE("an agent that comes back gets the same endpoint") {
  Daemon daemon;
  auto session = DaemonSession::open(daemon.paths, named(""));
  REQUIRE(session);
  const EndpointInfo before = (*session)->settings().info;
  Wire wire;
  REQUIRE((*session)->hand_over(wire.link));
  // What the agent sees of a daemon that died: its connection is gone.
  daemon.say_gone(before.name);
  REQUIRE(daemon.comes_to(0));
  const auto back = (*session)->reconnect(wire.link);
  if (!back) FAIL(back.error().message);
  const EndpointInfo after = (*session)->settings().info;
  CHECK(after.name == before.name);
  CHECK(after.ipv4 == before.ipv4);
  CHECK(after.mac == before.mac);
}

TEST_CASE("a refused reservation says why") {
  Daemon daemon;
  const auto first = DaemonSession::open(daemon.paths, named("web"));
  REQUIRE(first);
  const auto second = DaemonSession::open(daemon.paths, named("web"));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::already_exists);
  CHECK(daemon.endpoints().size() == 1);
}

TEST_CASE("words that nobody expects end the attachment") {
  Daemon daemon;
  Wire wire;
  const auto check_refused = [](const AttachMessage& answer) {
    CHECK(answer.op == AttachOp::error);
    CHECK(answer.code == "invalid_argument");
  };
  AttachMessage link = with(AttachOp::link);
  link.link = LinkDescription{"packet", "eth0", false, false, false};
  check_refused(talk(dial(daemon), link, wire.link.fd.get()));  // before any reservation
  check_refused(talk(dial(daemon), with(AttachOp::reserve)));   // without a request
  check_refused(talk(dial(daemon), with(AttachOp::attached)));  // the daemon's own word

  AttachMessage reserve = with(AttachOp::reserve);
  reserve.request = named("web");
  UniqueFd socket = dial(daemon);
  CHECK(talk(socket, reserve).op == AttachOp::reserved);
  check_refused(talk(socket, reserve));  // twice
  CHECK(daemon.comes_to(0));
  socket = dial(daemon);
  CHECK(talk(socket, reserve).op == AttachOp::reserved);
  check_refused(talk(socket, link));  // without a descriptor
  CHECK(daemon.comes_to(0));
}

TEST_CASE("garbage on the attach socket is answered and ends the attachment") {
  Daemon daemon;
  for (const std::string& text :
       {std::string("x"), std::string("{}"), std::string(R"({"op":"reserve","version":99})"),
        std::string(limits::kAttachMessageBytes + 10, ' ')}) {
    const UniqueFd socket = dial(daemon);
    REQUIRE(send(socket.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    const auto answer = receive_message(socket.get());
    REQUIRE(answer);
    CHECK(answer->message.op == AttachOp::error);
    CHECK(receive_message(socket.get()).error() == ReceiveError::closed);
  }
  CHECK(DaemonSession::open(daemon.paths, named("web")).has_value());
}

TEST_CASE("a client that hangs up in the middle leaves nothing behind") {
  Daemon daemon;
  daemon.hold_disk(true);
  {
    const UniqueFd socket = dial(daemon);
    AttachMessage reserve = with(AttachOp::reserve);
    reserve.request = named("web");
    REQUIRE(send_message(socket.get(), reserve));
    REQUIRE(daemon.comes_to(1));
  }
  CHECK(daemon.comes_to(0));
  daemon.hold_disk(false);
  CHECK(DaemonSession::open(daemon.paths, named("web")).has_value());
}

TEST_CASE("a server without descriptors waits instead of spinning") {
  ServiceWorld world;
  AttachServer attach(world.io, *world.service, [] {});
  ApiServer api(world.io, *world.service, attach);
  REQUIRE(attach.listen(world.directory / "attach.sock"));
  REQUIRE(api.listen(world.directory / "api.sock"));
  world.run();
  const auto agent = connect_local(world.directory / "attach.sock", SOCK_SEQPACKET);
  const auto client = connect_local(world.directory / "api.sock", SOCK_STREAM);
  REQUIRE(agent);
  REQUIRE(client);
  const UniqueFd lowest(fcntl(0, F_DUPFD_CLOEXEC, 3));  // the next descriptor would be higher
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{static_cast<rlim_t>(lowest.get()) + 1, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  world.io.restart();
  const std::size_t handlers = world.io.run_for(std::chrono::milliseconds(350));
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(handlers < 40);

  REQUIRE(send_message(agent->get(), with(AttachOp::attached)));
  world.io.restart();
  world.io.run_for(std::chrono::milliseconds(250));
  const auto answer = receive_message(agent->get());
  REQUIRE(answer);
  CHECK(answer->message.op == AttachOp::error);  // served now
}
