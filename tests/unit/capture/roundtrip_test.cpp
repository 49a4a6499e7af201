// read(write(x)) == x, and hostile bytes: whatever a file holds, reading it ends and stays within
// it.
#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "core/base/random.h"
#include "core/capture/writer.h"
#include "tests/support/packets.h"
#include "tests/unit/capture/build.h"
#include "tests/unit/wire/generators.h"

namespace pontoon::capture {
namespace {

using pontoon::test::any;
using pontoon::test::any_bytes_up_to;
using pontoon::test::any_ip4;
using pontoon::test::any_mac;
using test::Content;
using test::Order;
using test::Raw;

std::string any_text() {
  const auto bytes = any_bytes_up_to(20);
  return {bytes.begin(), bytes.end()};
}

Interface any_interface() {
  Interface interface;
  interface.name = any_text();
  interface.description = any_text();
  interface.link_type = *rc::gen::element(LinkType::ethernet, LinkType::raw, LinkType::linux_sll2);
  interface.snap_length = any<std::uint32_t>();
  if (any<bool>()) interface.mac = any_mac();
  if (any<bool>()) interface.ipv4 = IpPrefix{any_ip4(), *rc::gen::inRange<std::uint8_t>(0, 33)};
  return interface;
}

Packet any_packet(std::size_t interfaces) {
  Packet packet;
  packet.interface = *rc::gen::inRange<std::uint32_t>(0, static_cast<std::uint32_t>(interfaces));
  // The scale saturates in its last second.
  packet.time_ns = *rc::gen::inRange<std::int64_t>(0, 9'223'372'035'000'000'000);
  packet.direction = *rc::gen::element(Direction::unknown, Direction::inbound, Direction::outbound);
  packet.bytes = any_bytes_up_to(200);
  packet.original_length =
      static_cast<std::uint32_t>(packet.bytes.size()) + *rc::gen::inRange<std::uint32_t>(0, 2000);
  packet.comment = any_text();
  return packet;
}

void require_same(const Interface& got, const Interface& expected) {
  RC_ASSERT(got.name == expected.name);
  RC_ASSERT(got.description == expected.description);
  RC_ASSERT(got.link_type == expected.link_type);
  RC_ASSERT(got.snap_length == expected.snap_length);
  RC_ASSERT(got.mac == expected.mac);
  RC_ASSERT(got.ipv4 == expected.ipv4);
}

void require_same(const Packet& got, const Packet& expected) {
  RC_ASSERT(got.interface == expected.interface);
  RC_ASSERT(got.time_ns == expected.time_ns);
  RC_ASSERT(got.direction == expected.direction);
  RC_ASSERT(got.bytes == expected.bytes);
  RC_ASSERT(got.original_length == expected.original_length);
  RC_ASSERT(got.comment == expected.comment);
}

TEST_CASE("capture: what was written is what is read") {
  CHECK(rc::check("read(write(x)) == x", [] {
    std::vector<Interface> interfaces;
    std::vector<Packet> packets;
    Bytes file;
    append_section_header(file, any_text());
    for (int left = *rc::gen::inRange(1, 4); left > 0; --left) {
      interfaces.push_back(any_interface());
      append_interface(file, interfaces.back());
    }
    for (int left = *rc::gen::inRange(0, 10); left > 0; --left) {
      packets.push_back(any_packet(interfaces.size()));
      append_packet(file, packets.back());
      if (any<bool>()) append_names(file, {{any_ip4(), any_text()}});
      if (any<bool>()) append_statistics(file, {0, 1, 2, 3});
    }
    const Content content = test::read(file);
    RC_ASSERT(content.error == "");
    RC_ASSERT(content.problem == "");
    RC_ASSERT(content.interfaces.size() == interfaces.size());
    for (std::size_t i = 0; i < interfaces.size(); ++i)
      require_same(content.interfaces[i], interfaces[i]);
    RC_ASSERT(content.packets.size() == packets.size());
    for (std::size_t i = 0; i < packets.size(); ++i)
      require_same(content.packets[i], packets[i]);
  }));
}

// Files with a bit of everything, to be spoilt.
std::vector<Bytes> specimens() {
  std::vector<Bytes> files;
  for (const Order order : {Order::big, Order::little}) {
    Raw options(order);
    options.option(2, "eth0").option(9, Bytes{9}).option(14, Bytes(8)).option(6, Bytes(6));
    Raw flags(order);
    flags.option(2, Raw(order).u32(1).bytes).option(1, "comment");
    Raw file = test::section(order).add(test::interface(order, 1, 4, &options));
    file.add(test::packet(order, 0, 77, Bytes(5), 60, &flags));
    file.add(test::block(order, 3, Raw(order).u32(6).u32(0)));
    file.add(test::block(order, 2, Raw(order).u64(0).u32(1).u32(4).u32(4).u32(9)));
    file.add(test::block(order, 5, Raw(order).u32(0))).add(test::section(order));
    files.push_back(file.add(test::interface(order)).bytes);
    Raw pcap = test::pcap_header(order, order == Order::big ? 0xa1b2c3d4 : 0xa1b23c4d);
    pcap.add(test::pcap_record(order, 1, 2, Bytes(7)))
        .add(test::pcap_record(order, 3, 4, Bytes(3)));
    files.push_back(pcap.bytes);
  }
  return files;
}

// Every link type's conversion sees the bytes as well. A copy of its own, so that the sanitizer
// guards the file's very end.
void read_and_convert(ByteView bytes) {
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), exact.get());
  const Content content = test::read({exact.get(), bytes.size()});
  std::size_t held = 0;
  for (const Packet& packet : content.packets) {
    held += packet.bytes.size();
    REQUIRE(packet.interface < content.interfaces.size());
    REQUIRE(packet.original_length >= packet.bytes.size());
    for (const LinkType type :
         {LinkType::null, LinkType::ethernet, LinkType::raw, LinkType::loop, LinkType::linux_sll,
          LinkType::ipv4, LinkType::ipv6, LinkType::linux_sll2, LinkType{999}}) {
      const auto frame = as_ethernet(packet, type);
      REQUIRE((!frame || frame->size() >= 14));
    }
  }
  REQUIRE(held <= bytes.size());
}

TEST_CASE("capture: the specimens are whole") {
  for (const Bytes& specimen : specimens()) {
    const Content content = test::read(specimen);
    CHECK(content.error == "");
    CHECK(content.problem == "");
    CHECK(content.packets.size() >= 2);
  }
}

TEST_CASE("capture: files cut at every length") {
  for (const Bytes& specimen : specimens()) {
    for (std::size_t size = 0; size < specimen.size(); ++size)
      read_and_convert(ByteView(specimen).first(size));
  }
}

TEST_CASE("capture: each byte of each file set to extremes") {
  for (const Bytes& specimen : specimens()) {
    for (std::size_t at = 0; at < specimen.size(); ++at) {
      for (const int value : {0x00, 0x01, 0x04, 0x7f, 0x80, 0xff}) {
        Bytes bent = specimen;
        bent[at] = static_cast<std::uint8_t>(value);
        read_and_convert(bent);
      }
    }
  }
}

TEST_CASE("capture: many bytes of a file changed at random") {
  SeededRandom random(11, "captures");
  for (int round = 0; round < 2000; ++round) {
    const auto files = specimens();
    Bytes bent = files[random.below(static_cast<std::uint32_t>(files.size()))];
    for (std::uint32_t changes = 1 + random.below(8); changes > 0; --changes)
      bent[random.below(static_cast<std::uint32_t>(bent.size()))] =
          static_cast<std::uint8_t>(random.below(256));
    read_and_convert(bent);
  }
}

TEST_CASE("capture: random bytes behind every beginning") {
  CHECK(rc::check("reading ends", [] {
    auto bytes = any_bytes_up_to(400);
    const auto files = specimens();
    const Bytes& from = files[*rc::gen::inRange<std::size_t>(0, files.size())];
    const auto size = *rc::gen::inRange<std::size_t>(0, from.size() + 1);
    bytes.insert(bytes.begin(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size));
    read_and_convert(bytes);
  }));
}

}  // namespace
}  // namespace pontoon::capture
