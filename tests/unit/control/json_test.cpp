#include "control/json.h"

#include <catch2/catch.hpp>

using namespace pontoon;
using namespace pontoon::control;

namespace {

NetworkSpec a_network() {
  NetworkSpec spec;
  spec.id = "0123456789ab";
  spec.name = "back";
  spec.subnet = *IpPrefix::parse("172.20.0.0/16");
  spec.gateway = Ipv4Address::of(172, 20, 0, 1);
  spec.mtu = 9000;
  spec.internal = true;
  spec.allow_host_loopback = true;
  spec.created = WallTime(std::chrono::seconds(1'700'000'000));
  return spec;
}

EndpointInfo an_endpoint() {
  EndpointInfo info;
  info.id = "abcdef012345";
  info.name = "web";
  info.network = "default";
  info.hostname = "web-host";
  info.aliases = {"www", "http"};
  info.mac = *MacAddress::parse("02:42:ac:11:00:02");
  info.ipv4 = *IpPrefix::parse("172.17.0.2/16");
  info.status = EndpointStatus::up;
  info.link = "tap";
  info.command = "sh -c 'echo \"hi\"\n'";
  info.pid = 4'000'000'000U;
  info.dhcp = true;
  info.created = WallTime(std::chrono::seconds(1'700'000'001));
  info.ports = {{Protocol::udp, 53, {*IpAddress::parse("::1"), 5353}},
                {Protocol::tcp, 80, {*IpAddress::parse("0.0.0.0"), 8080}}};
  info.ports_text = "0.0.0.0:8080->80/tcp";
  info.received_frames = 18'446'744'073'709'551'615U;
  info.sent_frames = 2;
  info.dropped_frames = 3;
  return info;
}

AttachMessage a_message() {
  AttachMessage message;
  message.op = AttachOp::reserve;
  message.request.emplace();
  message.request->name = "web";
  message.request->network = "back";
  message.request->hostname = "h";
  message.request->ip = Ipv4Address::of(172, 20, 0, 9);
  message.request->mac = *MacAddress::parse("02:00:00:00:00:07");
  message.request->aliases = {"a"};
  message.request->publish = {"8080:80"};
  message.request->expose = {"443"};
  message.request->publish_all = true;
  message.request->dhcp = true;
  message.request->command = "x";
  message.request->pid = 7;
  message.settings = EndpointSettings{an_endpoint(), Ipv4Address::of(172, 17, 0, 1), 1400, {"s"}};
  message.link = LinkDescription{"packet", "eth0", true, false, true};
  message.code = "conflict";
  message.message = "why";
  return message;
}

// What a type says of itself survives the way out and in again.
template <class T>
void check_round_trip(const T& value) {
  const std::string once = encode(value);
  INFO(once);
  const Result<T> back = decode<T>(once);
  REQUIRE(back);
  CHECK(encode(*back) == once);
}

template <class T>
std::string problem_of(std::string_view json) {
  const Result<T> result = decode<T>(json);
  if (result) return "";
  CHECK(result.error().code == ErrorCode::invalid_argument);
  return result.error().message;
}

}  // namespace

TEST_CASE("every type survives the way to JSON and back") {
  check_round_trip(a_network());
  check_round_trip(NetworkRequest{"back", IpPrefix::parse("10.0.0.0/8"),
                                  Ipv4Address::of(10, 0, 0, 1), 1280, true, false});
  check_round_trip(NetworkRequest{});
  check_round_trip(NetworkInfo{a_network(), 17});
  check_round_trip(an_endpoint());
  check_round_trip(a_message());
  check_round_trip(AttachMessage{});
  check_round_trip(std::vector<NetworkInfo>{{a_network(), 1}, {}});
  check_round_trip(std::vector<EndpointInfo>{an_endpoint(), {}});
  check_round_trip(std::vector<LeaseInfo>{
      {"default", Ipv4Address::of(1, 2, 3, 4), an_endpoint().mac, "web", "bound", std::nullopt},
      {"default", Ipv4Address::of(1, 2, 3, 5), an_endpoint().mac, "db", "offered", 59}});
  check_round_trip(std::vector<FlowInfo>{{"default",
                                          "tcp",
                                          {*IpAddress::parse("172.17.0.2"), 40000},
                                          {*IpAddress::parse("2001:db8::1"), 443},
                                          "ESTABLISHED",
                                          1,
                                          2}});
  check_round_trip(std::vector<DropInfo>{{"web", "guard_source_mac", 9}});
  check_round_trip(std::vector<DropInfo>{});
}

TEST_CASE("every word of the attach protocol survives") {
  for (const AttachOp op :
       {AttachOp::reserve, AttachOp::reserved, AttachOp::link, AttachOp::attached,
        AttachOp::detached, AttachOp::stopping, AttachOp::error}) {
    AttachMessage message;
    message.op = op;
    const auto back = decode<AttachMessage>(encode(message));
    REQUIRE(back);
    CHECK(back->op == op);
  }
}

TEST_CASE("what was decoded is what was meant") {
  const auto message = decode<AttachMessage>(encode(a_message()));
  REQUIRE(message);
  REQUIRE(message->request);
  CHECK(message->request->ip == Ipv4Address::of(172, 20, 0, 9));
  CHECK(message->request->publish == std::vector<std::string>{"8080:80"});
  REQUIRE(message->settings);
  const EndpointInfo& info = message->settings->info;
  CHECK(info.pid == 4'000'000'000U);
  CHECK(info.received_frames == 18'446'744'073'709'551'615U);
  REQUIRE(info.ports.size() == 2);
  CHECK(info.ports[0].protocol == Protocol::udp);
  CHECK(info.ports[0].host == SocketAddress{*IpAddress::parse("::1"), 5353});
  CHECK(info.command == "sh -c 'echo \"hi\"\n'");
  REQUIRE(message->link);
  CHECK(message->link->uso);
  CHECK_FALSE(message->link->tso);
}

TEST_CASE("absent and null fields keep their defaults") {
  for (const char* text : {R"({"name":"x"})", R"({"name":"x","subnet":null,"mtu":null})"}) {
    const auto request = decode<NetworkRequest>(text);
    REQUIRE(request);
    CHECK(request->name == "x");
    CHECK_FALSE(request->subnet);
    CHECK(request->mtu == 1500);
  }
  CHECK(encode(NetworkRequest{}).find("subnet") == std::string::npos);
}

TEST_CASE("the error names the field and what it should have been") {
  using T = NetworkRequest;
  CHECK(problem_of<T>(R"({"nam":"x"})") == "Invalid JSON: unknown field \"nam\"");
  CHECK(problem_of<T>(R"({"name":7})") == "Invalid JSON: \"name\" must be a string");
  CHECK(problem_of<T>(R"({"internal":"yes"})") ==
        "Invalid JSON: \"internal\" must be true or false");
  CHECK(problem_of<T>(R"({"internal":1})") == "Invalid JSON: \"internal\" must be true or false");
  CHECK(problem_of<T>(R"({"subnet":"172.20.0.0"})") ==
        "Invalid JSON: \"subnet\" must be an address of its kind");
  CHECK(problem_of<T>(R"({"gateway":"::1"})") ==
        "Invalid JSON: \"gateway\" must be an address of its kind");
  CHECK(problem_of<T>(R"({"gateway":{}})") == "Invalid JSON: \"gateway\" must be a string");
  CHECK(problem_of<AttachMessage>(R"({"op":"dance"})") ==
        "Invalid JSON: \"op\" must be one of its known words");
  CHECK(problem_of<AttachMessage>(R"({"request":{"aliases":"a"}})") ==
        "Invalid JSON: request: \"aliases\" must be a list");
  CHECK(problem_of<AttachMessage>(R"({"request":{"aliases":[1]}})") ==
        "Invalid JSON: request: \"aliases\" must be a string");
  CHECK(problem_of<AttachMessage>(R"({"request":[]})") ==
        "Invalid JSON: request: expected an object");
  CHECK(problem_of<AttachMessage>(R"({"link":{"kind":"tap","tpyo":1}})") ==
        "Invalid JSON: link: unknown field \"tpyo\"");
}

TEST_CASE("numbers that do not fit are refused, not cut") {
  for (const char* number : {"65536", "-1", "1.5", "1e400", "-1e400", "1e30",
                             "18446744073709551616", "\"1500\"", "true", "[]", "{}"}) {
    const std::string text = std::string(R"({"mtu":)") + number + "}";
    INFO(text);
    CHECK(problem_of<NetworkRequest>(text) != "");
  }
  CHECK(decode<NetworkRequest>(R"({"mtu":65535})").has_value());
  CHECK(decode<NetworkRequest>(R"({"mtu":0})").has_value());
  CHECK(problem_of<AttachMessage>(R"({"request":{"pid":4294967296}})") != "");
  CHECK(problem_of<NetworkSpec>(R"({"created":9223372036854775808})") != "");
  CHECK(decode<NetworkSpec>(R"({"created":-9223372036854775808})").has_value());
}

TEST_CASE("what is no document is refused") {
  for (const std::string& text :
       {std::string(), std::string(" "), std::string("{"), std::string("{}{}"), std::string("null"),
        std::string("[]"), std::string("7"), std::string("\"x\""), std::string(R"({"name":"x",})"),
        std::string("{\"name\":\"\xff\"}"), std::string("{\"name\":\"a\0b\"}", 13),
        std::string(100000, '['), std::string(100000, '{'), std::string("\xef\xbb\xbf{}")}) {
    INFO(text.substr(0, 40));
    CHECK_FALSE(decode<NetworkRequest>(text).has_value());
  }
  std::string nested;
  for (int i = 0; i < 50000; ++i)
    nested += "{\"request\":";
  CHECK_FALSE(decode<AttachMessage>(nested).has_value());
  CHECK_FALSE(decode<std::vector<DropInfo>>("{}").has_value());
  CHECK_FALSE(decode<std::vector<DropInfo>>("[7]").has_value());
}

TEST_CASE("of a repeated field one value counts, and nothing is appended twice") {
  const auto message =
      decode<AttachMessage>(R"({"request":{"aliases":["a"],"aliases":["b","c"]}})");
  REQUIRE(message);
  CHECK(message->request->aliases.size() == 2);
}

TEST_CASE("text that is no UTF-8 becomes JSON that can be read") {
  AttachMessage message = a_message();
  message.request->command = "printf \xff\xfe";
  message.message = "\xc3";
  const auto back = decode<AttachMessage>(encode(message));
  REQUIRE(back);
  CHECK(back->request->command == "printf \xef\xbf\xbd\xef\xbf\xbd");
  CHECK(back->message == "\xef\xbf\xbd");
  CHECK(decode_error(encode_error({ErrorCode::conflict, "\x80!"})).message == "\xef\xbf\xbd!");
}

TEST_CASE("errors survive with code and text") {
  for (const ErrorCode code :
       {ErrorCode::invalid_argument, ErrorCode::not_found, ErrorCode::already_exists,
        ErrorCode::conflict, ErrorCode::permission_denied, ErrorCode::exhausted,
        ErrorCode::unavailable, ErrorCode::unsupported, ErrorCode::internal}) {
    const Error back = decode_error(encode_error({code, "a \"text\"\nin two lines"}));
    CHECK(back.code == code);
    CHECK(back.message == "a \"text\"\nin two lines");
  }
}

TEST_CASE("an answer that is no error says so") {
  for (const char* text : {"", "nonsense", "[]", "{}", R"({"error":7})", R"({"error":{}})",
                           R"({"error":{"code":"x"}})", R"({"error":{"code":1,"message":"x"}})",
                           R"({"error":{"code":"x","message":1}})"}) {
    INFO(text);
    const Error error = decode_error(text);
    CHECK(error.code == ErrorCode::internal);
    CHECK(error.message == "the daemon's answer made no sense");
  }
  CHECK(decode_error(R"({"error":{"code":"from the future","message":"m"}})").code ==
        ErrorCode::internal);
}

TEST_CASE("pretty printing indents and keeps the order") {
  CHECK(pretty(R"({"b":[1,{"c":"x\n"}],"a":{},"d":[]})") ==
        "{\n  \"b\": [\n    1,\n    {\n      \"c\": \"x\\n\"\n    }\n  ],\n  \"a\": {},\n"
        "  \"d\": []\n}");
  CHECK(pretty("[]") == "[]");
  CHECK(pretty("not json") == "not json");
}
