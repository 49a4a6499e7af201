// Who stands outside: servers, clients of published ports, hosts that answer.
#include "lab/world/actors.h"

#include <catch2/catch.hpp>

#include "tests/support/packets.h"
#include "tests/unit/lab/world_support.h"

namespace pontoon::test {
namespace {

using namespace std::chrono_literals;
using lab::ClientOutcome;
using lab::TcpClient;
using lab::TcpService;
using lab::UdpClient;
using lab::UdpService;

// The actors by themselves: the test plays the gateway.
struct ActorsBench {
  const std::string& at_rest() {
    while (events.run_due(now, 100) > 0 || actors.step(now) || events.next_deadline() <= now) {
    }
    return nothing;
  }
  void pass(Duration time) {
    const Instant until = now + time;
    for (at_rest(); events.next_deadline() <= until; at_rest())
      now = std::max(now, events.next_deadline());
    now = until;
    at_rest();
  }
  std::unique_ptr<Stream> connect(const TcpService& service) {
    actors.serve(service);
    auto stream = network.connect(service.at);
    REQUIRE(stream);
    at_rest();
    return std::move(*stream);
  }
  static bool ended(Stream& stream) {
    std::array<std::uint8_t, 1> byte{};
    const MutableBytes room(byte);
    return stream.peek(0, {&room, 1}).kind == IoResult::Kind::end;
  }

  const std::string nothing;
  Instant now{1s};
  TimerQueue events;
  lab::MemoryNetwork network;
  lab::Actors actors{network, events};
};

const SocketAddress kServer{ip("198.51.100.1"), 80};

TEST_CASE("a service echoes after its latency, and ends when its client does") {
  ActorsBench bench;
  const auto stream = bench.connect({.at = kServer, .latency = 20ms});
  CHECK(stream->state() == Stream::State::connecting);
  bench.pass(20ms);
  REQUIRE(stream->state() == Stream::State::open);
  lab::write_all(*stream, "hello");
  bench.pass(19ms);
  CHECK(lab::read_all(*stream).empty());
  bench.pass(1ms);
  CHECK(lab::read_all(*stream) == "hello");
  CHECK(bench.actors.received_at(kServer) == "hello");
  CHECK(bench.actors.connections_at(kServer) == 1);
  stream->shutdown_write();
  bench.at_rest();
  CHECK(ActorsBench::ended(*stream));
}

TEST_CASE("a service decides what becomes of a connect") {
  ActorsBench bench;
  TcpService service{.at = kServer, .latency = 5ms};
  const auto error_of = [&](TcpService::Connect connect) {
    service.connect = connect;
    const auto stream = bench.connect(service);
    CHECK(stream->state() == Stream::State::connecting);
    bench.pass(1h);
    return stream->state() == Stream::State::failed ? std::optional(stream->error()) : std::nullopt;
  };
  CHECK(error_of(TcpService::Connect::refuse) == SocketError::refused);
  CHECK(error_of(TcpService::Connect::unreachable) == SocketError::host_unreachable);
  CHECK(error_of(TcpService::Connect::hang) == std::nullopt);
}

TEST_CASE("two connects to one service are decided each at its own time") {
  ActorsBench bench;
  const auto first = bench.connect({.at = kServer, .latency = 10ms});
  bench.pass(5ms);
  auto second = bench.network.connect(kServer);
  REQUIRE(second);
  bench.at_rest();
  bench.pass(5ms);
  CHECK(first->state() == Stream::State::open);
  CHECK((*second)->state() == Stream::State::connecting);
  bench.pass(5ms);
  CHECK((*second)->state() == Stream::State::open);
}

TEST_CASE("a service greets, replies once and shuts down") {
  ActorsBench bench;
  const auto stream = bench.connect(
      {.at = kServer, .talk = TcpService::Talk::reply, .greeting = "220 ", .reply = "bye"});
  CHECK(lab::read_all(*stream) == "220 ");
  lab::write_all(*stream, "x");
  bench.at_rest();
  CHECK(lab::read_all(*stream) == "bye");
  CHECK(ActorsBench::ended(*stream));
}

TEST_CASE("a slow reader takes what its rate allows, and costs nothing while nothing comes") {
  ActorsBench bench;
  const auto stream =
      bench.connect({.at = kServer, .talk = TcpService::Talk::discard, .read_bytes_per_s = 1000});
  lab::write_all(*stream, std::string(5000, 'x'));
  bench.pass(2s);
  const std::size_t read = bench.actors.received_at(kServer).size();
  CHECK(read >= 1900);
  CHECK(read <= 2100);
  bench.pass(10s);
  CHECK(bench.actors.received_at(kServer).size() == 5000);
  CHECK(bench.events.next_deadline() == kNever);
}

TEST_CASE("a silent service leaves everything unread") {
  ActorsBench bench;
  const auto stream = bench.connect({.at = kServer, .talk = TcpService::Talk::silent});
  lab::write_all(*stream, "anybody?");
  bench.pass(1h);
  CHECK(bench.actors.received_at(kServer).empty());
  CHECK(stream->state() == Stream::State::open);
}

TEST_CASE("a service ends or resets after so many bytes, to the byte") {
  ActorsBench bench;
  TcpService service{.at = kServer, .talk = TcpService::Talk::discard};
  const bool resets = GENERATE(false, true);
  (resets ? service.reset_after : service.close_after) = 10;
  const auto stream = bench.connect(service);
  lab::write_all(*stream, "123456789");
  bench.at_rest();
  CHECK(stream->state() == Stream::State::open);
  CHECK_FALSE(ActorsBench::ended(*stream));
  lab::write_all(*stream, "0 and more");
  bench.at_rest();
  CHECK((stream->state() == Stream::State::failed) == resets);
  if (resets) {
    CHECK(bench.actors.received_at(kServer) == "1234567890");
  } else {
    CHECK(ActorsBench::ended(*stream));
  }
}

TEST_CASE("a handed service leaves its streams to the caller") {
  ActorsBench bench;
  const auto stream = bench.connect({.at = kServer, .talk = TcpService::Talk::handed});
  const auto far = bench.network.take_accepted(kServer);
  REQUIRE(far);
  lab::write_all(*stream, "for you");
  CHECK(lab::read_all(*far) == "for you");
}

TEST_CASE("a datagram service echoes, replies, refuses or says nothing") {
  ActorsBench bench;
  const SocketAddress at{ip("198.51.100.1"), 7};
  UdpService service{at, UdpService::Answer::echo, "fixed", 5ms};
  service.answer = GENERATE(UdpService::Answer::echo, UdpService::Answer::reply,
                            UdpService::Answer::refuse, UdpService::Answer::silent);
  bench.actors.serve(service);
  const auto socket = *bench.network.open_datagram({ip("0.0.0.0"), 0});
  REQUIRE(socket->send(at, as_bytes("asked")).kind == IoResult::Kind::done);
  bench.at_rest();
  std::array<std::uint8_t, 100> buffer{};
  DatagramSlot slot;
  slot.buffer = buffer;
  CHECK(socket->receive({&slot, 1}) == 0);  // not before the latency
  bench.pass(5ms);
  const bool answers =
      service.answer == UdpService::Answer::echo || service.answer == UdpService::Answer::reply;
  REQUIRE(socket->receive({&slot, 1}) == (answers ? 1 : 0));
  if (answers) {
    CHECK(slot.peer == at);
    CHECK(as_text(ByteView(buffer).first(slot.size)) ==
          (service.answer == UdpService::Answer::echo ? "asked" : "fixed"));
  }
  const auto error = socket->take_error();
  CHECK(error.has_value() == (service.answer == UdpService::Answer::refuse));
  if (error) CHECK(error->error == SocketError::refused);
}

TEST_CASE("a client of a port where nobody listens is refused") {
  ActorsBench bench;
  const ClientOutcome& tcp = bench.actors.dial(
      {{ip("192.0.2.7"), 4000}, {ip("127.0.0.1"), 8080}, bench.now + 1s, "hello"});
  const ClientOutcome& udp = bench.actors.send(
      {{ip("192.0.2.7"), 4000}, {ip("127.0.0.1"), 8080}, bench.now + 1s, "hello"});
  bench.at_rest();
  CHECK(tcp.state == ClientOutcome::State::waiting);
  bench.pass(1s);
  CHECK(tcp.state == ClientOutcome::State::refused);
  CHECK(udp.state == ClientOutcome::State::refused);
}

TEST_CASE("a client talks, hears the end, or resets when it has heard enough") {
  ActorsBench bench;
  const SocketAddress port{ip("127.0.0.1"), 8080};
  const auto listener = *bench.network.listen(port);
  TcpClient client{{ip("192.0.2.7"), 4000}, port, bench.now, "hello"};
  const bool resets = GENERATE(false, true);
  if (resets) client.reset_after = 3;
  const ClientOutcome& outcome = bench.actors.dial(client);
  bench.at_rest();
  auto accepted = listener->accept();
  REQUIRE(accepted);
  REQUIRE(accepted->stream);
  CHECK(accepted->peer == client.from);
  CHECK(lab::read_all(*accepted->stream) == "hello");
  CHECK(ActorsBench::ended(*accepted->stream));
  lab::write_all(*accepted->stream, "answer");
  accepted->stream->shutdown_write();
  bench.at_rest();
  CHECK(outcome.state == (resets ? ClientOutcome::State::reset : ClientOutcome::State::ended));
  CHECK(outcome.received == (resets ? "ans" : "answer"));
}

TEST_CASE("through a world: a connect out, a published port, a ping, a datagram") {
  SmallWorld small;
  lab::Actors& actors = small.world.actors();
  actors.serve(TcpService{.at = kServer, .latency = 30ms});
  actors.answer_echo(kServer.ip, 10ms);
  control::EndpointRequest wanted = request("web");
  wanted.publish = {"8080:80", "8053:53/udp"};
  lab::Member& web = small.add(wanted);

  small.syn(web, "198.51.100.1", 80);
  small.world.run_for(29ms);
  CHECK(web.take_received().empty());
  small.world.run_for(1ms);
  const Dissected answer = small.take_one(web);
  REQUIRE(answer.tcp);
  CHECK((answer.tcp->flags.syn && answer.tcp->flags.ack));

  actors.dial({{ip("192.0.2.7"), 4000}, {ip("192.0.2.1"), 8080}, small.world.now() + 5ms, "GET"});
  small.world.run_for(5ms);
  const Dissected call = small.take_one(web);
  REQUIRE(call.tcp);
  CHECK((call.tcp->flags.syn && !call.tcp->flags.ack));
  CHECK(call.tcp->destination_port == 80);

  small.world.send(web, echo_frame(small.to_foreign(web, "198.51.100.1"), true, 7, 1));
  CHECK(web.take_received().empty());
  small.world.run_for(10ms);
  CHECK(small.take_one(web).icmp->type == wire::IcmpType::echo_reply);

  const UdpClient client{{ip("192.0.2.7"), 5000}, {ip("192.0.2.1"), 8053}, small.world.now(), "?"};
  const ClientOutcome& outcome = actors.send(client);
  small.world.run_for(1ms);
  const Dissected asked = small.take_one(web);
  REQUIRE(asked.udp);
  PacketEnds back = small.to_foreign(web, asked.source.to_string());
  small.world.send(web, udp_frame(back, 53, asked.udp->source_port, as_bytes("!")));
  CHECK(outcome.received == "!");
}

}  // namespace
}  // namespace pontoon::test
