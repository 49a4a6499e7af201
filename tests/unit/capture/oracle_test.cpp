// libpcap as an independent judge, by way of libtins: it reads what we write, and writes what we
// read.
#include <catch2/catch.hpp>
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <tins/tins.h>
#pragma GCC diagnostic pop

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/capture/writer.h"
#include "tests/support/hex.h"
#include "tests/support/packets.h"
#include "tests/unit/capture/build.h"

namespace pontoon::capture {
namespace {

using namespace pontoon::test;

class File {
 public:
  File() {
    const int fd = mkstemp(name_.data());
    REQUIRE(fd >= 0);
    close(fd);
  }
  ~File() { std::filesystem::remove(name_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const std::string& name() const { return name_; }
  void write(const Bytes& bytes) const {
    std::ofstream(name_, std::ios::binary) << std::string(bytes.begin(), bytes.end());
  }
  Bytes read() const {
    std::ifstream file(name_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string name_ = (std::filesystem::temp_directory_path() / "pontoon-XXXXXX").string();
};

struct Seen {
  std::int64_t time_us = 0;
  Bytes bytes;
};

std::vector<Seen> seen_by_libpcap(const Bytes& bytes) {
  const File file;
  file.write(bytes);
  Tins::FileSniffer sniffer(file.name());
  sniffer.set_extract_raw_pdus(true);
  std::vector<Seen> seen;
  for (const auto& packet : sniffer) {
    const auto& payload = packet.pdu()->rfind_pdu<Tins::RawPDU>().payload();
    seen.push_back({packet.timestamp().seconds() * 1'000'000LL + packet.timestamp().microseconds(),
                    {payload.begin(), payload.end()}});
  }
  return seen;
}

const std::vector<Bytes>& frames() {
  static const std::vector<Bytes> made = {
      udp_frame(between("172.17.0.2", "172.17.0.1"), 68, 67, pattern(301)),
      tcp_frame(between("fd00::2", "fd00::1"), {}, pattern(1)),
      unhex("ffffffffffff 020000000001 0806"),
  };
  return made;
}

TEST_CASE("oracle: libpcap reads our pcapng") {
  Bytes file;
  append_section_header(file, "pontoon");
  Interface interface;
  interface.name = "web";
  interface.snap_length = 65535;
  append_interface(file, interface);
  append_names(file, {{ip("172.17.0.2"), "web"}});
  std::int64_t time_ns = 1'700'000'000'123'456'789;
  for (const Bytes& frame : frames()) {
    Packet packet;
    packet.time_ns = time_ns;
    packet.bytes = frame;
    packet.direction = Direction::inbound;
    packet.comment = "a comment";
    append_packet(file, packet);
    append_statistics(file, {0, time_ns, 1, 0});
    time_ns += 1'000'000;
  }
  const auto seen = seen_by_libpcap(file);
  REQUIRE(seen.size() == frames().size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(hex(seen[i].bytes) == hex(frames()[i]));
    CHECK(seen[i].time_us == 1'700'000'000'123'456 + static_cast<std::int64_t>(i) * 1000);
  }
}

void check_same(const Bytes& file) {
  const auto content = test::read(file);
  CHECK(content.problem == "");
  const auto seen = seen_by_libpcap(file);
  REQUIRE(seen.size() == content.packets.size());
  CHECK(seen.size() > 0);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(hex(seen[i].bytes) == hex(content.packets[i].bytes));
    CHECK(seen[i].time_us == content.packets[i].time_ns / 1000);
  }
}

TEST_CASE("oracle: libpcap and we see the same in files of either byte order") {
  for (const test::Order order : {test::Order::big, test::Order::little}) {
    test::Raw options(order);
    options.option(9, Bytes{0x80 | 20}).option(14, test::Raw(order).u64(1'600'000'000).bytes);
    test::Raw file = test::section(order).add(test::interface(order, 1, 65535, &options));
    file.add(test::block(order, 10, test::Raw(order).u32(0)));
    for (const Bytes& frame : frames())
      file.add(test::packet(order, 0, 77ULL << 20, frame, 4000));
    check_same(file.bytes);
    for (const std::uint32_t magic : {0xa1b2c3d4U, 0xa1b23c4dU}) {
      test::Raw pcap = test::pcap_header(order, magic);
      for (const Bytes& frame : frames())
        pcap.add(test::pcap_record(order, 1'700'000'000, 5000, frame));
      check_same(pcap.bytes);
    }
  }
}

TEST_CASE("oracle: we read what libpcap writes") {
  // Those with a payload: of a bare header libtins makes something else.
  const std::vector<Bytes> sent(frames().begin(), frames().begin() + 2);
  const File file;
  {
    Tins::PacketWriter writer(file.name(), Tins::DataLinkType<Tins::EthernetII>());
    for (const Bytes& frame : sent) {
      Tins::EthernetII pdu(frame.data(), static_cast<std::uint32_t>(frame.size()));
      Tins::Packet packet(pdu, Tins::Timestamp(std::chrono::microseconds(1'234'567'890'123)));
      writer.write(packet);
    }
  }
  const auto content = test::read(file.read());
  CHECK(content.problem == "");
  REQUIRE(content.packets.size() == sent.size());
  CHECK(content.interfaces.at(0).link_type == LinkType::ethernet);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    // libtins pads to Ethernet's minimal size.
    const Bytes& bytes = content.packets[i].bytes;
    REQUIRE(bytes.size() >= sent[i].size());
    CHECK(hex(ByteView(bytes).first(sent[i].size())) == hex(sent[i]));
    CHECK(content.packets[i].time_ns == 1'234'567'890'123'000);
  }
}

}  // namespace
}  // namespace pontoon::capture
