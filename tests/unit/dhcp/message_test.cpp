#include "dhcp/message.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <tins/tins.h>
#pragma GCC diagnostic pop

#include "core/base/limits.h"
#include "tests/support/hex.h"

using namespace pontoon;
using namespace pontoon::dhcp;
using test::unhex;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr MacAddress kMac{{0x02, 0x42, 0xac, 0x11, 0, 2}};
constexpr std::size_t kOptions = 240;

// The fixed part of a client's message, up to and with the magic cookie.
Bytes header() {
  Bytes bytes(kOptions);
  bytes[0] = 1;
  bytes[1] = 1;
  bytes[2] = 6;
  store_be<std::uint32_t>(&bytes[4], 0x12345678);
  std::copy(kMac.octets.begin(), kMac.octets.end(), bytes.begin() + 28);
  store_be<std::uint32_t>(&bytes[236], 0x63825363);
  return bytes;
}

Bytes with_options(const std::string& hex) {
  Bytes bytes = header();
  const Bytes options = unhex(hex);
  bytes.insert(bytes.end(), options.begin(), options.end());
  return bytes;
}

Message full_reply() {
  Message reply;
  reply.from_client = false;
  reply.xid = 0xdeadbeef;
  reply.yiaddr = Ipv4Address::of(172, 17, 0, 2);
  reply.chaddr = kMac;
  reply.type = MessageType::ack;
  reply.subnet_mask = Ipv4Address::of(255, 255, 0, 0);
  reply.routers = {Ipv4Address::of(172, 17, 0, 1)};
  reply.dns_servers = {Ipv4Address::of(172, 17, 0, 1), Ipv4Address::of(172, 17, 0, 3)};
  reply.host_name = "web";
  reply.domain_name = "default.internal";
  reply.interface_mtu = 1500;
  reply.broadcast_address = Ipv4Address::of(172, 17, 255, 255);
  reply.lease_time_s = 43200;
  reply.renewal_time_s = 21600;
  reply.rebinding_time_s = 37800;
  reply.server_identifier = Ipv4Address::of(172, 17, 0, 1);
  reply.client_identifier = unhex("01 0242ac110002");
  return reply;
}

std::vector<int> codes_of(const Bytes& message) {
  std::vector<int> codes;
  for (std::size_t at = kOptions; at < message.size() && message[at] != 255;) {
    if (message[at] == 0) {
      ++at;
      continue;
    }
    codes.push_back(message[at]);
    at += 2u + message[at + 1];
  }
  return codes;
}

template <class T>
rc::Gen<std::optional<T>> maybe(rc::Gen<T> value) {
  return rc::gen::apply(
      [](bool there, T inner) { return there ? std::optional<T>(inner) : std::nullopt; },
      rc::gen::arbitrary<bool>(), std::move(value));
}

rc::Gen<Ipv4Address> any_address() {
  return rc::gen::map(rc::gen::arbitrary<std::uint32_t>(),
                      [](std::uint32_t value) { return Ipv4Address{value}; });
}

rc::Gen<Bytes> bytes_up_to(std::size_t most) {
  return rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, most + 1), [](std::size_t size) {
    return rc::gen::container<Bytes>(size, rc::gen::arbitrary<std::uint8_t>());
  });
}

std::string text_of(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

std::vector<Ipv4Address> any_addresses() {
  std::vector<Ipv4Address> list;
  for (std::size_t left = *rc::gen::inRange<std::size_t>(0, 5); left > 0; --left)
    list.push_back(*any_address());
  return list;
}

Message any_message(std::size_t long_option) {
  Message message;
  message.from_client = *rc::gen::arbitrary<bool>();
  message.hops = *rc::gen::arbitrary<std::uint8_t>();
  message.xid = *rc::gen::arbitrary<std::uint32_t>();
  message.secs = *rc::gen::arbitrary<std::uint16_t>();
  message.broadcast = *rc::gen::arbitrary<bool>();
  message.ciaddr = *any_address();
  message.yiaddr = *any_address();
  message.siaddr = *any_address();
  message.giaddr = *any_address();
  for (std::uint8_t& octet : message.chaddr.octets)
    octet = *rc::gen::arbitrary<std::uint8_t>();
  message.type = static_cast<MessageType>(*rc::gen::inRange(1, 9));
  message.subnet_mask = *maybe(any_address());
  message.routers = any_addresses();
  message.dns_servers = any_addresses();
  message.host_name = text_of(*bytes_up_to(long_option));
  message.domain_name = text_of(*bytes_up_to(40));
  message.interface_mtu = *maybe(rc::gen::arbitrary<std::uint16_t>());
  message.broadcast_address = *maybe(any_address());
  message.requested_address = *maybe(any_address());
  message.lease_time_s = *maybe(rc::gen::arbitrary<std::uint32_t>());
  message.server_identifier = *maybe(any_address());
  message.parameter_requests = *bytes_up_to(20);
  message.maximum_message_size = *maybe(rc::gen::arbitrary<std::uint16_t>());
  message.renewal_time_s = *maybe(rc::gen::arbitrary<std::uint32_t>());
  message.rebinding_time_s = *maybe(rc::gen::arbitrary<std::uint32_t>());
  message.client_identifier = *bytes_up_to(long_option);
  message.relay_agent_information = *bytes_up_to(20);
  return message;
}

}  // namespace

TEST_CASE("what is emitted parses to the same message, options longer than 255 included") {
  REQUIRE(rc::check([] {
    const Message message = any_message(300);
    const auto order = *bytes_up_to(10);
    const Bytes emitted = message.emit(limits::kDhcpMessageBytes, order);
    RC_ASSERT(emitted.size() >= 300u);
    const auto parsed = Message::parse(emitted);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(*parsed == message);
  }));
}

TEST_CASE("no limit is exceeded, and what is emitted under it parses") {
  REQUIRE(rc::check([] {
    const Message message = any_message(100);
    const auto limit = *rc::gen::inRange<std::size_t>(250, 700);
    const Bytes emitted = message.emit(limit);
    RC_ASSERT(emitted.size() <= limit);
    const auto parsed = Message::parse(emitted);
    RC_ASSERT(parsed.has_value());
    RC_ASSERT(parsed->type == message.type);
    RC_ASSERT(parsed->xid == message.xid);
  }));
}

TEST_CASE("arbitrary bytes behind a valid header never do harm") {
  REQUIRE(rc::check([] {
    Bytes bytes = header();
    const Bytes tail = *bytes_up_to(200);
    bytes.insert(bytes.end(), tail.begin(), tail.end());
    for (const std::size_t at : {44u, 108u})  // sname and file, should option 52 point there
      for (std::size_t i = 0; i < 20; ++i)
        bytes[at + i] = *rc::gen::arbitrary<std::uint8_t>();
    const auto parsed = Message::parse(bytes);
    if (parsed) RC_ASSERT(parsed->chaddr == kMac);
  }));
}

TEST_CASE("a message cut off anywhere is malformed until its last option is whole") {
  const Bytes whole = full_reply().emit(548);
  const std::size_t end =
      static_cast<std::size_t>(std::find(whole.rbegin(), whole.rend(), 255).base() - whole.begin());
  std::size_t boundary_hits = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto parsed = Message::parse(ByteView(whole).first(size));
    if (size < kOptions + 3) CHECK_FALSE(parsed);  // not even the type
    if (size >= end - 1) CHECK(parsed == full_reply());
    if (parsed && size < end - 1) ++boundary_hits;
  }
  CHECK(boundary_hits == codes_of(whole).size() - 1);  // only between two options
}

TEST_CASE("a message for a BOOTP-era client has at least 300 bytes") {
  Message small;
  small.chaddr = kMac;
  CHECK(small.emit(548).size() == 300);
  CHECK(small.emit(280).size() == 280);
}

TEST_CASE("what stands behind the hardware address is repeated", "[RFC 2131 table 3]") {
  Message message;
  message.reserved_flags = 0x1234;
  message.chaddr = kMac;
  message.chaddr_rest = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const Bytes bytes = message.emit(548);
  CHECK(std::equal(message.chaddr_rest.begin(), message.chaddr_rest.end(), bytes.begin() + 34));
  CHECK(Message::parse(bytes)->chaddr_rest == message.chaddr_rest);
  CHECK(Message::parse(bytes)->reserved_flags == 0x1234);
  CHECK_FALSE(Message::parse(bytes)->broadcast);
}

TEST_CASE("a client identifier that fits no area is cut up; nothing else is", "[RFC 3396]") {
  Message reply = full_reply();
  for (const std::size_t size : {200U, 290U, 300U, 400U, 440U}) {
    INFO(size);
    reply.client_identifier.assign(size, 0x61);
    reply.host_name.assign(120, 'h');
    const auto parsed = Message::parse(reply.emit(548));
    REQUIRE(parsed);
    CHECK(parsed->client_identifier == reply.client_identifier);
    CHECK(parsed->lease_time_s == reply.lease_time_s);
    CHECK((parsed->host_name.empty() || parsed->host_name == reply.host_name));
  }
  reply.client_identifier.assign(1000, 0x61);  // more than there is
  CHECK(Message::parse(reply.emit(548))->client_identifier.empty());
}

TEST_CASE("the fixed header: what is not an Ethernet DHCP message is malformed",
          "[limit:kDhcpMessageBytes]") {
  const Bytes good = with_options("350101 ff");
  REQUIRE(Message::parse(good));
  const auto broken = [&](std::size_t at, std::uint8_t value) {
    Bytes bytes = good;
    bytes[at] = value;
    return !Message::parse(bytes).has_value();
  };
  CHECK(broken(0, 0));
  CHECK(broken(0, 3));
  CHECK(broken(1, 6));
  CHECK(broken(2, 16));
  CHECK(broken(2, 0));
  CHECK(broken(236, 0x64));
  Bytes too_long = good;
  too_long.resize(limits::kDhcpMessageBytes + 1);
  CHECK_FALSE(Message::parse(too_long));
  too_long.resize(limits::kDhcpMessageBytes);
  CHECK(Message::parse(too_long));
}

TEST_CASE("BOOTP without option 53, and types that do not exist, are malformed") {
  CHECK_FALSE(Message::parse(with_options("")));
  CHECK_FALSE(Message::parse(with_options("ff")));
  CHECK_FALSE(Message::parse(with_options("350100 ff")));
  CHECK_FALSE(Message::parse(with_options("350109 ff")));
  CHECK_FALSE(Message::parse(with_options("35020101 ff")));
}

TEST_CASE("padding, bytes after END and a missing END are forgiven") {
  const auto expected = Message::parse(with_options("350101 3204ac110005 ff"));
  REQUIRE(expected);
  CHECK(expected->requested_address == Ipv4Address::of(172, 17, 0, 5));
  CHECK(Message::parse(with_options("0000 350101 000000 3204ac110005 ff")) == expected);
  CHECK(Message::parse(with_options("350101 3204ac110005 ff 3501ff 0c")) == expected);
  CHECK(Message::parse(with_options("350101 3204ac110005")) == expected);
  CHECK_FALSE(Message::parse(with_options("350101 3204ac1100")));
  CHECK_FALSE(Message::parse(with_options("350101 32")));
}

TEST_CASE("RFC 3396: an option in several instances is one value") {
  const auto split = Message::parse(with_options("0c0377 6562 350101 0c022d31 ff"));
  REQUIRE(split);
  CHECK(split->host_name == "web-1");
  const auto address = Message::parse(with_options("350101 3202ac11 32020005 ff"));
  REQUIRE(address);
  CHECK(address->requested_address == Ipv4Address::of(172, 17, 0, 5));
}

TEST_CASE("fixed-size options of another size are malformed, empty ones absent") {
  CHECK_FALSE(Message::parse(with_options("350101 3203ac1100 ff")));
  CHECK_FALSE(Message::parse(with_options("350101 3903024001 ff")));
  CHECK_FALSE(Message::parse(with_options("350101 0605ac11000101 ff")));
  const auto empty = Message::parse(with_options("350101 0c00 3d00 3200 ff"));
  REQUIRE(empty);
  CHECK(empty->host_name.empty());
  CHECK(empty->client_identifier.empty());
  CHECK_FALSE(empty->requested_address);
}

TEST_CASE("RFC 2132 9.3: options continue in file, then in sname") {
  Bytes bytes = with_options("350101 340103 0c0141 ff");
  const Bytes in_file = unhex("0c0142 3d03010203 ff");
  const Bytes in_sname = unhex("0c0143");
  std::copy(in_file.begin(), in_file.end(), bytes.begin() + 108);
  std::copy(in_sname.begin(), in_sname.end(), bytes.begin() + 44);
  const auto both = Message::parse(bytes);
  REQUIRE(both);
  CHECK(both->host_name == "ABC");
  CHECK(both->client_identifier == unhex("010203"));

  const auto with_overload = [&](std::uint8_t value) {
    Bytes changed = bytes;
    changed[kOptions + 5] = value;
    return Message::parse(changed);
  };
  CHECK(with_overload(1)->host_name == "AB");
  CHECK(with_overload(2)->host_name == "AC");
  CHECK_FALSE(with_overload(0));
  CHECK_FALSE(with_overload(4));
  bytes[108 + 1] = 200;  // runs out of the file field
  CHECK_FALSE(Message::parse(bytes));
}

TEST_CASE("option 52 inside file or sname has no meaning") {
  Bytes bytes = with_options("350101 340101 ff");
  const Bytes in_file = unhex("340102 0c0142 ff");
  const Bytes in_sname = unhex("0c0143 ff");
  std::copy(in_file.begin(), in_file.end(), bytes.begin() + 108);
  std::copy(in_sname.begin(), in_sname.end(), bytes.begin() + 44);
  const auto parsed = Message::parse(bytes);
  REQUIRE(parsed);
  CHECK(parsed->host_name == "B");
}

TEST_CASE("what exceeds the options field continues in file and sname") {
  Message reply = full_reply();
  reply.client_identifier.assign(200, 0x61);
  reply.domain_name.assign(100, 'd');
  reply.relay_agent_information.assign(60, 0x82);
  const Bytes emitted = reply.emit(548);
  CHECK(emitted.size() <= 548);
  CHECK(Message::parse(emitted) == reply);
}

TEST_CASE("when the room ends, the least important options are left out") {
  Message reply = full_reply();
  reply.client_identifier.assign(250, 0x61);
  reply.domain_name.assign(200, 'd');
  reply.relay_agent_information.assign(250, 0x82);
  const auto parsed = Message::parse(reply.emit(548, unhex("0f")));
  REQUIRE(parsed);
  CHECK(parsed->lease_time_s == reply.lease_time_s);
  CHECK(parsed->client_identifier == reply.client_identifier);
  CHECK(parsed->relay_agent_information.empty());
}

TEST_CASE("RFC 2132 9.8: options go out in the client's order of preference") {
  Message reply = full_reply();
  reply.relay_agent_information = unhex("010161");
  const Bytes asked = unhex("0c 06 03 01");
  const std::vector<int> codes = codes_of(reply.emit(548, asked));
  // RFC 2132 3.3: the mask before the routers, whatever the client says.
  const std::vector<int> expected{53, 54, 51, 61, 12, 6, 1, 3, 58, 59, 26, 28, 15, 82};
  CHECK(codes == expected);
}

TEST_CASE("RFC 2132 9.10: the reply's limit is option 57 without headers, at least 576") {
  Message request;
  CHECK(reply_limit(request, 1500) == 548);
  request.maximum_message_size = 100;
  CHECK(reply_limit(request, 1500) == 548);
  request.maximum_message_size = 1000;
  CHECK(reply_limit(request, 1500) == 972);
  request.maximum_message_size = 65535;
  CHECK(reply_limit(request, 1500) == 1472);
  CHECK(reply_limit(request, 9000) == 1472);
  CHECK(reply_limit(request, 68) == 548);
}

TEST_CASE("libtins reads what we emit") {
  const Bytes emitted = full_reply().emit(548);
  Tins::DHCP seen(emitted.data(), static_cast<std::uint32_t>(emitted.size()));
  CHECK(seen.opcode() == 2);
  CHECK(seen.xid() == 0xdeadbeef);
  CHECK(seen.yiaddr() == Tins::IPv4Address("172.17.0.2"));
  CHECK(seen.chaddr() == Tins::HWAddress<6>("02:42:ac:11:00:02"));
  CHECK(seen.type() == Tins::DHCP::ACK);
  CHECK(seen.server_identifier() == Tins::IPv4Address("172.17.0.1"));
  CHECK(seen.lease_time() == 43200);
  CHECK(seen.renewal_time() == 21600);
  CHECK(seen.rebind_time() == 37800);
  CHECK(seen.subnet_mask() == Tins::IPv4Address("255.255.0.0"));
  CHECK(seen.routers() == std::vector<Tins::IPv4Address>{"172.17.0.1"});
  CHECK(seen.domain_name_servers() == std::vector<Tins::IPv4Address>{"172.17.0.1", "172.17.0.3"});
  CHECK(seen.broadcast() == Tins::IPv4Address("172.17.255.255"));
  CHECK(seen.domain_name() == "default.internal");
  CHECK(seen.hostname() == "web");
}

TEST_CASE("we read what libtins emits") {
  Tins::DHCP discover;
  discover.type(Tins::DHCP::DISCOVER);
  discover.chaddr(Tins::HWAddress<6>("02:42:ac:11:00:02"));
  discover.xid(7);
  discover.requested_ip("172.17.0.9");
  discover.hostname("box");
  discover.end();
  const auto parsed = Message::parse(discover.serialize());
  REQUIRE(parsed);
  CHECK(parsed->type == MessageType::discover);
  CHECK(parsed->chaddr == kMac);
  CHECK(parsed->xid == 7);
  CHECK(parsed->requested_address == Ipv4Address::of(172, 17, 0, 9));
  CHECK(parsed->host_name == "box");
}
