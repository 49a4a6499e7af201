#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "core/socket/pipe_stream.h"
#include "dns/tcp_session.h"
#include "tests/talk/dns/dns_talk.h"

using namespace pontoon;
using namespace pontoon::dns;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

// A client's end of a pipe.
class TcpClient {
 public:
  explicit TcpClient(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}

  std::size_t write(ByteView bytes) {
    const IoResult result = stream_->write({&bytes, 1});
    return result.kind == IoResult::Kind::done ? result.bytes : 0;
  }
  void send(const DnsMessage& query) {
    const Bytes framed = frame(query);
    REQUIRE(write(framed) == framed.size());
  }
  static Bytes frame(const DnsMessage& query) {
    Bytes bytes = encode(query);
    bytes.insert(bytes.begin(), {static_cast<std::uint8_t>(bytes.size() >> 8),
                                 static_cast<std::uint8_t>(bytes.size())});
    return bytes;
  }

  // All complete messages that have arrived.
  std::vector<DnsMessage> receive() {
    read();
    std::vector<DnsMessage> out;
    while (input_.size() >= 2) {
      const std::size_t length = std::size_t{input_[0]} << 8 | input_[1];
      if (input_.size() < 2 + length) break;
      out.push_back(decode(ByteView(input_).subspan(2, length)));
      input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(2 + length));
    }
    return out;
  }
  bool at_end() {
    read();
    return ended_;
  }
  bool reset() {
    read();
    return reset_;
  }
  Stream& stream() { return *stream_; }

 private:
  void read() {
    std::array<std::uint8_t, 4096> buffer;
    for (;;) {
      const MutableBytes piece(buffer);
      const IoResult result = stream_->peek(0, {&piece, 1});
      ended_ = result.kind == IoResult::Kind::end;
      reset_ = result.kind == IoResult::Kind::failed;
      if (result.kind != IoResult::Kind::done) return;
      stream_->consume(result.bytes);
      input_.insert(input_.end(), buffer.begin(),
                    buffer.begin() + static_cast<std::ptrdiff_t>(result.bytes));
    }
  }

  std::unique_ptr<Stream> stream_;
  Bytes input_;
  bool ended_ = false;
  bool reset_ = false;
};

class TcpTalk : public DnsTalk {
 public:
  TcpTalk() : service(server, timers) {}

  TcpClient connect(unsigned host = 2, std::size_t capacity = 65536) {
    StreamPair pair = make_pipe(capacity);
    accepted = service.accept(std::move(pair.second), {Ipv4Address::of(172, 17, 0, host), 40000},
                              {Ipv4Address::of(172, 17, 0, 1), 53}, now);
    return TcpClient(std::move(pair.first));
  }
  void pump() {
    for (int i = 0; service.has_work(); ++i) {
      REQUIRE(i < 10000);  // it must come to rest
      service.pump(now);
    }
  }

  bool accepted = false;
  DnsTcpService service;
};

}  // namespace

TEST_CASE("a query over TCP is answered") {
  TcpTalk talk;
  TcpClient client = talk.connect();
  client.send(question("web"));
  talk.pump();
  const auto replies = client.receive();
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].texts() == std::vector<std::string>{"172.17.0.2"});
}

TEST_CASE("frames may come in any pieces") {
  TcpTalk talk;
  TcpClient client = talk.connect();
  DnsMessage query = question("web.default.internal");
  Bytes bytes = TcpClient::frame(query);
  query.id = 2;
  const Bytes second = TcpClient::frame(query);
  bytes.insert(bytes.end(), second.begin(), second.end());
  std::vector<DnsMessage> replies;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    CHECK(client.write(ByteView(bytes).subspan(i, 1)) == 1);
    talk.pump();
    for (const DnsMessage& reply : client.receive())
      replies.push_back(reply);
    if (i + 1 == bytes.size() / 2) CHECK(replies.size() == 1);
  }
  REQUIRE(replies.size() == 2);
  CHECK(replies[1].id == 2);
}

TEST_CASE("pipelined queries are answered as answers come, not in order") {
  TcpTalk talk;
  TcpClient client = talk.connect();
  DnsMessage slow = question("www.example.com");
  slow.id = 1;
  DnsMessage fast = question("web");
  fast.id = 2;
  client.send(slow);
  client.send(fast);
  talk.pump();
  auto replies = client.receive();
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].id == 2);
  talk.upstream({address_record("www.example.com", 60, "192.0.2.1")});
  talk.pump();
  replies = client.receive();
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].id == 1);
}

TEST_CASE("a thousand pipelined queries are all answered, a few per pump",
          "[limit:kDnsTcpQueriesPerPump]") {
  TcpTalk talk;
  TcpClient client = talk.connect();
  for (unsigned i = 0; i < 1000; ++i) {
    DnsMessage query = question("web");
    query.id = static_cast<std::uint16_t>(i);
    client.send(query);
  }
  talk.service.pump(talk.now);
  CHECK(talk.service.has_work());
  CHECK(client.receive().size() == limits::kDnsTcpQueriesPerPump);
  talk.pump();
  CHECK(client.receive().size() == 1000 - limits::kDnsTcpQueriesPerPump);
}

TEST_CASE("a client that shuts down still gets its answers, then the end") {
  TcpTalk talk;
  TcpClient client = talk.connect();
  client.send(question("www.example.com"));
  client.send(question("web"));
  client.stream().shutdown_write();
  talk.pump();
  CHECK(client.receive().size() == 1);
  CHECK_FALSE(client.at_end());
  CHECK(talk.service.sessions() == 1);
  talk.upstream({address_record("www.example.com", 60, "192.0.2.1")});
  talk.pump();
  CHECK(client.receive().size() == 1);
  CHECK(client.at_end());
  CHECK(talk.service.sessions() == 0);
}

TEST_CASE("half a query and then the end is the end") {
  TcpTalk talk;
  TcpClient client = talk.connect();
  const Bytes bytes = TcpClient::frame(question("web"));
  client.write(ByteView(bytes).first(9));
  client.stream().shutdown_write();
  talk.pump();
  CHECK(client.at_end());
  CHECK(talk.service.sessions() == 0);
}

TEST_CASE("an idle client is shown out, a busy one is not", "[limit:kDnsTcpIdle]") {
  TcpTalk talk;
  TcpClient idle = talk.connect(2);
  TcpClient busy = talk.connect(3);
  TcpClient slow = talk.connect(4);
  const Bytes bytes = TcpClient::frame(question("web"));
  for (int i = 0; i < 6; ++i) {
    busy.send(question("web"));
    slow.write(ByteView(bytes).subspan(static_cast<std::size_t>(i), 1));  // never a whole query
    talk.pump();
    talk.tick(limits::kDnsTcpIdle / 4);
  }
  talk.pump();
  CHECK(idle.at_end());
  CHECK((slow.at_end() || slow.reset()));
  CHECK_FALSE(busy.at_end());
  CHECK(busy.receive().size() == 6);
  CHECK(talk.service.sessions() == 1);
  CHECK(talk.service.counters().idle == 2);
}

TEST_CASE("a client that does not read stops only itself, and its memory is bounded",
          "[limit:kDnsTcpBacklogBytes]") {
  TcpTalk talk;
  TcpClient deaf = talk.connect(2, 8192);
  TcpClient other = talk.connect(3);
  const Bytes query = TcpClient::frame(question("many"));
  std::size_t sent = 0;  // whole queries only
  for (int i = 0; i < 2000; ++i) {
    if (deaf.stream().write_room() >= query.size()) {
      CHECK(deaf.write(query) == query.size());
      ++sent;
    }
    talk.pump();
  }
  // Its answers are 1000 bytes each: reading stopped when the backlog was full.
  CHECK(talk.service.counters().queries < limits::kDnsTcpBacklogBytes / 700);
  CHECK(sent < 2000);
  other.send(question("web"));
  talk.pump();
  CHECK(other.receive().size() == 1);

  // Once it reads, everything that it got rid of is answered.
  std::size_t answered = 0;
  for (int i = 0; i < 2000 && answered < sent; ++i) {
    answered += deaf.receive().size();
    talk.pump();
  }
  CHECK(answered == sent);
}

TEST_CASE("nonsense ends the session at once", "[limit:kDnsTcpQueryBytes]") {
  TcpTalk talk;
  TcpClient client = talk.connect();
  SECTION("a length beyond any query") {
    constexpr std::size_t kLength = limits::kDnsTcpQueryBytes + 1;
    client.write(Bytes{kLength >> 8, kLength & 0xff});
  }
  SECTION("a length of zero") {
    client.write(Bytes{0, 0});
  }
  SECTION("a response") {
    DnsMessage response = question("web");
    response.flags = 0x8180;
    client.send(response);
  }
  talk.pump();
  CHECK(client.reset());
  CHECK(talk.service.sessions() == 0);
  CHECK(talk.service.counters().malformed == 1);
}

TEST_CASE("a format error is an answer, and the session goes on") {
  TcpTalk talk;
  TcpClient client = talk.connect();
  DnsMessage bad = question("web");
  bad.answers.push_back(address_record("web", 1, "10.0.0.1"));
  client.send(bad);
  client.send(question("web"));
  talk.pump();
  const auto replies = client.receive();
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].rcode() == 1);
  CHECK(replies[1].rcode() == 0);
}

TEST_CASE("sessions are bounded per address and in all",
          "[limit:kDnsTcpClients][limit:kDnsTcpClientsPerAddress]") {
  TcpTalk talk;
  std::vector<TcpClient> clients;
  for (std::size_t i = 0; i < limits::kDnsTcpClientsPerAddress; ++i)
    clients.push_back(talk.connect(2));
  CHECK(talk.accepted);
  TcpClient refused = talk.connect(2);
  CHECK_FALSE(talk.accepted);
  CHECK(refused.reset());
  for (unsigned host = 3; clients.size() < limits::kDnsTcpClients; ++host) {
    for (std::size_t i = 0;
         i < limits::kDnsTcpClientsPerAddress && clients.size() < limits::kDnsTcpClients; ++i)
      clients.push_back(talk.connect(host));
  }
  CHECK(talk.accepted);
  (void)talk.connect(200);
  CHECK_FALSE(talk.accepted);
  CHECK(talk.service.counters().refused == 2);

  // Room again once one has gone.
  clients.front().stream().shutdown_write();
  talk.pump();
  (void)talk.connect(2);
  CHECK(talk.accepted);
}

TEST_CASE("a client that vanishes with a query under way leaves nothing behind") {
  TcpTalk talk;
  {
    TcpClient client = talk.connect();
    client.send(question("www.example.com"));
    talk.pump();
    client.stream().abort();
  }
  talk.pump();
  CHECK(talk.service.sessions() == 0);
  talk.upstream({address_record("www.example.com", 60, "192.0.2.1")});
  CHECK_FALSE(talk.service.has_work());
  CHECK(talk.server.in_flight() == 0);
}

TEST_CASE("a service that ends before the answer is not called") {
  DnsTalk talk;
  auto service = std::make_unique<DnsTcpService>(talk.server, talk.timers);
  StreamPair pair = make_pipe(4096);
  REQUIRE(
      service->accept(std::move(pair.second), {Ipv4Address::of(172, 17, 0, 2), 1}, {}, talk.now));
  TcpClient client(std::move(pair.first));
  client.send(question("www.example.com"));
  service->pump(talk.now);
  CHECK(talk.forwarder.total == 1);
  service.reset();
  talk.upstream({address_record("www.example.com", 60, "192.0.2.1")});
  CHECK(talk.server.in_flight() == 0);
}
