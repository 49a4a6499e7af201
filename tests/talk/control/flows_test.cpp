// The way out of a network and the published ways in, up to the host's sockets.
#include "tests/talk/control/network_bench.h"

using namespace pontoon;
using namespace pontoon::test;
using namespace std::chrono_literals;

namespace {

const SocketAddress kServer{*IpAddress::parse("198.51.100.1"), 80};
const SocketAddress kClient{*IpAddress::parse("203.0.113.7"), 5555};
const SocketAddress kPublished{*IpAddress::parse("127.0.0.1"), 8080};

control::EndpointRequest publishing(const std::string& name) {
  control::EndpointRequest request = NetworkBench::request(name);
  request.publish = {"127.0.0.1:8080:80", "127.0.0.1:5353:53/udp"};
  return request;
}

}  // namespace

TEST_CASE("a connection to the outside is answered when the host's is open") {
  Outside outside;
  outside.host.script_connect(kServer, MemoryNetwork::Connect::succeed());
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  TcpEndpoint tcp(net, web, "198.51.100.1", 80);
  tcp.syn();
  CHECK(outside.host.connects() == std::vector{kServer});
  net.expect_silence();  // the truth is not known yet
  net.settle();
  tcp.finish_handshake();
  const auto far = outside.host.take_accepted(kServer);
  REQUIRE(far);

  tcp.text("GET / HTTP/1.0\r\n\r\n");
  CHECK(read_all(*far) == "GET / HTTP/1.0\r\n\r\n");
  write_all(*far, "HTTP/1.0 200 OK\r\n\r\n");
  net.turn();
  CHECK(tcp.take_text() == "HTTP/1.0 200 OK\r\n\r\n");

  const auto flows = net.network->flows(net.now);
  REQUIRE(flows.size() == 1);
  CHECK(flows[0].protocol == "tcp");
  CHECK(flows[0].network == "default");
  CHECK(flows[0].initiator == SocketAddress{web.address(), 40000});
  CHECK(flows[0].target == kServer);
  CHECK(flows[0].bytes_out == 18);
  CHECK(flows[0].bytes_in == 19);
}

TEST_CASE("a connection that the host is refused is refused inside") {
  Outside outside;
  outside.host.script_connect(kServer, MemoryNetwork::Connect::fail(SocketError::refused));
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  TcpEndpoint tcp(net, web, "198.51.100.1", 80);
  tcp.syn();
  net.expect_silence();
  net.settle();
  const wire::TcpRepr answer = tcp.expect("RST");
  CHECK(answer.flags.rst);
  CHECK(answer.acknowledgement.value == 1001);
  net.expect_silence();
  CHECK(net.network->flows(net.now).empty());
}

TEST_CASE("an unreachable host is told with ICMP") {
  Outside outside;
  outside.host.script_connect(kServer, MemoryNetwork::Connect::fail(SocketError::host_unreachable));
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  TcpEndpoint tcp(net, web, "198.51.100.1", 80);
  tcp.syn();
  net.settle();
  const Dissected answer = net.expect(web, "an ICMP error");
  REQUIRE(answer.icmp);
  CHECK(answer.icmp->type == wire::IcmpType::unreachable);
  CHECK(answer.icmp->code == 1);
}

TEST_CASE("what is closed to containers is closed") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  std::uint16_t port = 40000;
  for (const char* closed : {"169.254.169.254", "127.0.0.1", "172.17.0.77", "0.0.0.0"}) {
    INFO(closed);
    TcpEndpoint tcp(net, web, closed, 80, ++port);
    tcp.syn();
    net.settle();
    while (!web.inbox.empty()) {
      const Dissected answer = net.expect(web, "a refusal");
      CHECK_FALSE((answer.tcp && answer.tcp->flags.syn));
    }
  }
  TcpEndpoint gateway(net, web, net.gateway().to_string(), 22);
  gateway.syn();
  CHECK(gateway.expect("RST").flags.rst);
  CHECK(outside.host.connects().empty());
}

TEST_CASE("the host's loopback is open where the user said so, under the gateway's address") {
  for (const bool allowed : {false, true}) {
    Outside outside;
    const SocketAddress service{ip("127.0.0.1"), 8000};
    outside.host.script_connect(service, MemoryNetwork::Connect::succeed());
    NetworkBench net(outside, "default", "172.17.0.0/16", {.allow_host_loopback = allowed});
    Member& web = net.add("web");
    const auto host = net.resolve(web, "host.pontoon.internal").texts();
    REQUIRE(host.size() == 1);
    TcpEndpoint tcp(net, web, host[0], 8000);
    tcp.syn();
    net.settle();
    if (!allowed) {
      CHECK(tcp.expect("RST").flags.rst);
      CHECK(outside.host.connects().empty());
      continue;
    }
    tcp.finish_handshake();
    CHECK(outside.host.connects() == std::vector{service});
    TcpEndpoint direct(net, web, "127.0.0.1", 8000, 40001);  // its own name stays closed
    direct.syn();
    net.settle();
    CHECK(outside.host.connects().size() == 1);
  }
}

TEST_CASE("datagrams go out and their answers come back") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  net.send(web, udp_frame(net.to_foreign(web, "198.51.100.5"), 4000, 123, as_bytes("time?")));
  const auto sent = outside.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to == SocketAddress{ip("198.51.100.5"), 123});
  CHECK(sent[0].text() == "time?");
  CHECK(outside.host.deliver_to(sent[0].socket, sent[0].to, as_bytes("noon")));
  net.turn();
  const Dissected answer = net.expect(web, "the answer");
  REQUIRE(answer.udp);
  CHECK(answer.source == ip("198.51.100.5"));
  CHECK(answer.udp->source_port == 123);
  CHECK(answer.udp->destination_port == 4000);
  CHECK(as_text(answer.payload) == "noon");
  REQUIRE(net.network->flows(net.now).size() == 1);
  CHECK(net.network->flows(net.now)[0].protocol == "udp");
  net.tick(301s);
  CHECK(net.network->flows(net.now).empty());
  CHECK(outside.host.open_sockets() == 0);
}

TEST_CASE("an echo request goes out and its reply comes back") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add("web");
  net.send(web, echo_frame(net.to_foreign(web, "198.51.100.5"), true, 77, 3, as_bytes("data")));
  const auto sent = outside.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to.ip == ip("198.51.100.5"));
  Bytes reply = sent[0].payload;
  reply[0] = 0;  // as the kernel hands it over
  CHECK(outside.host.deliver_to(sent[0].socket, sent[0].to, reply));
  net.turn();
  const Dissected pong = net.expect(web, "the reply");
  REQUIRE(pong.icmp);
  CHECK(pong.source == ip("198.51.100.5"));
  CHECK(as_text(pong.payload) == "data");
  CHECK_FALSE(net.network->echo_unavailable());
}

TEST_CASE("a client of a published port becomes a connection to the endpoint") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add(publishing("web"));
  CHECK(web.info.ports_text == "127.0.0.1:5353->53/udp, 127.0.0.1:8080->80/tcp");
  CHECK(outside.host.listening(kPublished));
  const auto client = outside.host.dial(kClient, kPublished);
  REQUIRE(client);
  net.turn();
  TcpEndpoint server(net, web, "203.0.113.7", 5555, 80);  // the client's true address
  server.accept_handshake();
  write_all(*client, "GET /");
  net.turn();
  CHECK(server.take_text() == "GET /");
  server.text("hello");
  CHECK(read_all(*client) == "hello");
  REQUIRE(net.network->flows(net.now).size() == 1);
  CHECK(net.network->flows(net.now)[0].protocol == "tcp (published)");
}

TEST_CASE("a published port whose server refuses resets its client") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add(publishing("web"));
  const auto client = outside.host.dial(kClient, kPublished);
  net.turn();
  TcpEndpoint server(net, web, "203.0.113.7", 5555, 80);
  const wire::TcpRepr syn = server.expect("SYN");
  wire::TcpRepr reset;
  reset.source_port = 80;
  reset.destination_port = 5555;
  reset.flags = {.rst = true, .ack = true};
  reset.acknowledgement = syn.sequence + 1;
  net.send(web, tcp_frame(net.to_foreign(web, "203.0.113.7"), reset));
  CHECK(client->state() == Stream::State::failed);
  net.expect_silence();
}

TEST_CASE("a published UDP port carries both ways") {
  Outside outside;
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add(publishing("web"));
  CHECK(outside.host.deliver(kClient, {ip("127.0.0.1"), 5353}, "query"));
  net.turn();
  const Dissected query = net.expect(web, "the query");
  REQUIRE(query.udp);
  CHECK(query.source == kClient.ip);
  CHECK(query.udp->destination_port == 53);
  net.send(web, udp_frame(net.to_foreign(web, "203.0.113.7"), 53, query.udp->source_port,
                          as_bytes("answer")));
  const auto sent = outside.host.take_sent();
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].to == kClient);
  CHECK(sent[0].from == SocketAddress{ip("127.0.0.1"), 5353});
  CHECK(sent[0].text() == "answer");
}

TEST_CASE("an endpoint that goes takes everything along") {
  Outside outside;
  outside.host.script_connect(kServer, MemoryNetwork::Connect::succeed());
  NetworkBench net(outside, "default", "172.17.0.0/16");
  Member& web = net.add(publishing("web"));
  Member& db = net.add("db");
  TcpEndpoint tcp(net, web, "198.51.100.1", 80);
  tcp.syn();
  net.settle();
  tcp.finish_handshake();
  const auto far = outside.host.take_accepted(kServer);
  net.send(web, udp_frame(net.to_foreign(web, "198.51.100.5"), 4000, 123, as_bytes("time?")));
  CHECK(outside.host.take_sent().size() == 1);
  CHECK(net.network->flows(net.now).size() == 2);
  CHECK(outside.ports.size() == 2);
  const IpAddress address = web.address();

  net.remove(web);
  CHECK(far->state() == Stream::State::failed);  // reset, not an orderly end
  CHECK(net.network->flows(net.now).empty());
  CHECK(outside.ports.size() == 0);
  CHECK_FALSE(outside.host.listening(kPublished));
  CHECK(outside.host.open_sockets() == 0);
  CHECK(net.resolve(db, "web").rcode() == 3);
  net.send(db, udp_frame(net.between_members(db, web), 1, 2, as_bytes("x")));
  net.expect_silence();
  CHECK(net.network->find("web") == nullptr);
  REQUIRE(net.network->leases().size() == 2);
  for (const dhcp::Lease& lease : net.network->leases()) {
    if (IpAddress(lease.address) == address) CHECK(lease.state == dhcp::LeaseState::released);
  }
  CHECK_FALSE(net.network->remove("web", net.now));

  Member& again = net.add(publishing("web"));
  CHECK(again.address() == address);
  CHECK(net.resolve(db, "web").texts() == std::vector<std::string>{address.to_string()});
}

TEST_CASE("a network that goes closes its published ports and connections") {
  Outside outside;
  outside.host.script_connect(kServer, MemoryNetwork::Connect::succeed());
  std::unique_ptr<Stream> far;
  {
    NetworkBench net(outside, "default", "172.17.0.0/16");
    Member& web = net.add(publishing("web"));
    TcpEndpoint tcp(net, web, "198.51.100.1", 80);
    tcp.syn();
    net.settle();
    tcp.finish_handshake();
    far = outside.host.take_accepted(kServer);
  }
  CHECK(outside.ports.size() == 0);
  CHECK(outside.host.open_sockets() == 0);
  REQUIRE(far);
  std::array<std::uint8_t, 4> buffer{};
  const MutableBytes piece(buffer);
  CHECK(far->peek(0, {&piece, 1}).kind != IoResult::Kind::would_block);
}

TEST_CASE("an internal network has no way out and no published way in") {
  Outside outside;
  NetworkBench net(outside, "quiet", "172.18.0.0/16", {.internal = true});
  const auto refused = net.network->reserve(publishing("web"), "id", WallTime{}, net.now);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message.find("internal") != std::string::npos);
  CHECK(outside.ports.size() == 0);
  CHECK(net.network->leases().empty());

  Member& web = net.add("web");
  TcpEndpoint tcp(net, web, "198.51.100.1", 80);
  tcp.syn();
  net.settle();
  CHECK_FALSE(net.expect(web, "a refusal").tcp);
  net.send(web, udp_frame(net.to_foreign(web, "198.51.100.5"), 4000, 123, as_bytes("x")));
  CHECK(net.expect(web, "a refusal").icmp);
  CHECK(outside.host.connects().empty());
  CHECK(outside.host.take_sent().empty());
}
