// UDP and ping sockets over the kernel's loopback.
#include <catch2/catch.hpp>

#include <array>
#include <vector>

#include "core/host/kernel_network.h"
#include "tests/unit/host/loop.h"

using namespace pontoon;
using host::KernelNetwork;
using test::CountingDatagramHandler;
using test::Loop;
using test::loopback;
using test::wildcard;

namespace {

using Kind = IoResult::Kind;

std::vector<IpFamily> families() {
  if (test::has_ipv6()) return {IpFamily::v4, IpFamily::v6};
  WARN("skipped: this host has no ::1");
  return {IpFamily::v4};
}

struct Got {
  std::string text;
  SocketAddress peer;
  IpAddress local;
};

struct World {
  World() : network(loop.poller) {}

  std::unique_ptr<Datagram> open(const SocketAddress& local) {
    auto socket = network.open_datagram(local);
    REQUIRE(socket);
    return std::move(*socket);
  }
  // All that is there, read into slots of `size` bytes.
  std::vector<Got> take(Datagram& socket, std::size_t slots = 4, std::size_t size = 2048) {
    std::vector<std::vector<std::uint8_t>> storage(slots, std::vector<std::uint8_t>(size));
    std::vector<DatagramSlot> batch(slots);
    std::vector<Got> out;
    for (std::size_t i = 0; i < slots; ++i)
      batch[i].buffer = storage[i];
    const std::size_t count = socket.receive(batch);
    for (std::size_t i = 0; i < count; ++i) {
      const ByteView payload = ByteView(batch[i].buffer).first(batch[i].size);
      out.push_back({std::string(as_text(payload)), batch[i].peer, batch[i].local});
    }
    return out;
  }
  Got take_one(Datagram& socket) {
    std::vector<Got> got;
    REQUIRE(loop.until([&] {
      got = take(socket);
      return !got.empty();
    }));
    REQUIRE(got.size() == 1);
    return got.front();
  }

  Loop loop;
  KernelNetwork network;
};

}  // namespace

TEST_CASE("datagrams go both ways with their addresses") {
  for (const IpFamily family : families()) {
    World world;
    const auto server = world.open({loopback(family), 0});
    const auto client = world.open({loopback(family), 0});
    CHECK(server->local().port != 0);
    CHECK(client->send(server->local(), as_bytes("ping")).bytes == 4);
    const Got question = world.take_one(*server);
    CHECK(question.text == "ping");
    CHECK(question.peer == client->local());
    CHECK(question.local == loopback(family));
    CHECK(server->send(question.peer, as_bytes("")).kind == Kind::done);
    const Got answer = world.take_one(*client);
    CHECK(answer.text.empty());  // an empty datagram is a datagram
    CHECK(answer.peer == server->local());
  }
}

TEST_CASE("on a wildcard the local address is known, and chosen for the answer") {
  for (const IpFamily family : families()) {
    World world;
    const auto server = world.open({wildcard(family), 0});
    const auto client = world.open({loopback(family), 0});
    const IpAddress other =
        family == IpFamily::v4 ? IpAddress(Ipv4Address::of(127, 0, 0, 9)) : loopback(family);
    CHECK(client->send({other, server->local().port}, as_bytes("hello")).kind == Kind::done);
    const Got got = world.take_one(*server);
    CHECK(got.local == other);
    CHECK(server->send(got.peer, as_bytes("from there"), got.local).kind == Kind::done);
    CHECK(world.take_one(*client).peer == SocketAddress{other, server->local().port});
  }
}

TEST_CASE("a source that is not the host's is refused") {
  World world;
  const auto socket = world.open({wildcard(IpFamily::v4), 0});
  const IoResult sent = socket->send({loopback(IpFamily::v4), 9}, as_bytes("x"),
                                     IpAddress(Ipv4Address::of(192, 0, 2, 77)));
  CHECK(sent.kind == Kind::failed);
}

TEST_CASE("a refusal comes back as an error with its target") {
  for (const IpFamily family : families()) {
    World world;
    const auto client = world.open({loopback(family), 0});
    CountingDatagramHandler handler;
    client->set_handler(&handler);
    SocketAddress nobody = world.open({loopback(family), 0})->local();  // closed again
    CHECK(client->send(nobody, as_bytes("anyone?")).kind == Kind::done);
    std::optional<DatagramError> error;
    REQUIRE(world.loop.until([&] { return (error = client->take_error()).has_value(); }));
    CHECK(handler.calls > 0);
    CHECK(error->error == SocketError::refused);
    CHECK(error->target == nobody);
    CHECK(error->reporter == loopback(family));
    CHECK(error->icmp_type == (family == IpFamily::v4 ? 3 : 1));
    CHECK(error->icmp_code == (family == IpFamily::v4 ? 3 : 4));
    CHECK_FALSE(client->take_error());
  }
}

TEST_CASE("an error that waits spoils neither the next send nor the next receive") {
  for (const IpFamily family : families()) {
    World world;
    const auto client = world.open({loopback(family), 0});
    const auto server = world.open({loopback(family), 0});
    const SocketAddress nobody = world.open({loopback(family), 0})->local();
    CHECK(server->send(client->local(), as_bytes("waiting")).kind == Kind::done);
    CHECK(client->send(nobody, as_bytes("anyone?")).kind == Kind::done);
    CHECK(client->send(server->local(), as_bytes("still here")).kind == Kind::done);
    CHECK(world.take_one(*client).text == "waiting");
    CHECK(world.take_one(*server).text == "still here");
    CHECK(world.loop.until([&] { return client->take_error().has_value(); }));
  }
}

TEST_CASE("a datagram that no packet can hold is refused at once") {
  for (const IpFamily family : families()) {
    World world;
    const auto client = world.open({loopback(family), 0});
    const auto server = world.open({loopback(family), 0});
    const std::vector<std::uint8_t> huge(65536, 1);
    const IoResult sent = client->send(server->local(), huge);
    CHECK(sent.kind == Kind::failed);
    CHECK(sent.error == SocketError::message_too_big);
    CHECK(client->send(server->local(), as_bytes("small")).kind == Kind::done);
    CHECK(world.take_one(*server).text == "small");
  }
}

TEST_CASE("what does not fit its slot is dropped, and what follows is not") {
  World world;
  const auto server = world.open({loopback(IpFamily::v4), 0});
  const auto client = world.open({loopback(IpFamily::v4), 0});
  for (const std::string text : {"1234567890", "one", "abcdefghijk", "two", "three"})
    CHECK(client->send(server->local(), as_bytes(text)).kind == Kind::done);
  const auto got = world.take(*server, 3, 8);
  REQUIRE(got.size() == 3);
  CHECK(got[0].text == "one");
  CHECK(got[1].text == "two");
  CHECK(got[2].text == "three");
  CHECK(world.take(*server).empty());
}

TEST_CASE("fewer datagrams than slots means that nothing more waits") {
  World world;
  const auto server = world.open({loopback(IpFamily::v4), 0});
  const auto client = world.open({loopback(IpFamily::v4), 0});
  for (int i = 0; i < 70; ++i)
    CHECK(client->send(server->local(), as_bytes(std::to_string(i))).kind == Kind::done);
  const auto got = world.take(*server, 100);  // more than one call of recvmmsg takes
  REQUIRE(got.size() == 70);
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK(got[i].text == std::to_string(i));
  CHECK(world.take(*server, 0).empty());
}

TEST_CASE("a blocked send is told when there is room, others are not bothered") {
  World world;
  const auto server = world.open({loopback(IpFamily::v4), 0});
  const auto client = world.open({loopback(IpFamily::v4), 0});
  CountingDatagramHandler handler;
  client->set_handler(&handler);
  for (int i = 0; i < 20; ++i)
    CHECK(client->send(server->local(), as_bytes("x")).kind == Kind::done);
  world.loop.until([] { return true; });
  CHECK(handler.calls == 0);
}

TEST_CASE("a taken port is refused by name") {
  World world;
  const auto first = world.open({loopback(IpFamily::v4), 0});
  const auto second = world.network.open_datagram(first->local());
  REQUIRE_FALSE(second);
  CHECK(second.error() == SocketError::address_in_use);
}

TEST_CASE("an echo request is answered by the host's own stack") {
  for (const IpFamily family : families()) {
    World world;
    auto socket = world.network.open_echo(family);
    if (!socket) {
      CHECK(socket.error() == SocketError::prohibited);
      WARN("skipped: ping sockets are not permitted here (net.ipv4.ping_group_range)");
      return;
    }
    const std::uint8_t request = family == IpFamily::v4 ? 8 : 128;
    const std::uint8_t reply = family == IpFamily::v4 ? 0 : 129;
    const std::array<std::uint8_t, 12> message{request, 0, 0, 0, 0, 0, 0, 7, 'd', 'a', 't', 'a'};
    CHECK((*socket)->send({loopback(family), 0}, message).bytes == message.size());
    const Got got = world.take_one(**socket);
    REQUIRE(got.text.size() == message.size());
    CHECK(static_cast<std::uint8_t>(got.text[0]) == reply);
    CHECK(got.text.substr(6) == std::string("\0\7data", 6));
    CHECK(got.peer.ip == loopback(family));
  }
}
