#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "tests/support/hex.h"
#include "tests/unit/capture/build.h"

namespace pontoon::capture {
namespace {

using namespace test;
using pontoon::test::hex;
using pontoon::test::unhex;

TEST_CASE("pcap: every magic and byte order") {
  struct Variant {
    Order order;
    std::uint32_t magic;
    std::int64_t time_ns;
  };
  const Variant variant = GENERATE(Variant{Order::big, 0xa1b2c3d4, 7'000'500'000},
                                   Variant{Order::little, 0xa1b2c3d4, 7'000'500'000},
                                   Variant{Order::big, 0xa1b23c4d, 7'000'000'500},
                                   Variant{Order::little, 0xa1b23c4d, 7'000'000'500});
  Raw file = pcap_header(variant.order, variant.magic);
  file.add(pcap_record(variant.order, 7, 500, unhex("010203"), 60));
  file.add(pcap_record(variant.order, 6, 0, unhex("")));
  const Content content = read(file.bytes);
  CHECK(content.problem == "");
  REQUIRE(content.interfaces.size() == 1);
  CHECK(content.interfaces[0].link_type == LinkType::ethernet);
  CHECK(content.interfaces[0].snap_length == 65535);
  REQUIRE(content.packets.size() == 2);
  CHECK(content.packets[0].time_ns == variant.time_ns);
  CHECK(hex(content.packets[0].bytes) == "010203");
  CHECK(content.packets[0].original_length == 60);
  CHECK(content.packets[0].cut());
  CHECK(content.packets[0].interface == 0);
  // Backwards, as the file has it.
  CHECK(content.packets[1].time_ns == 6'000'000'000);
  CHECK_FALSE(content.packets[1].cut());
}

TEST_CASE("pcap: times beyond 2038 and fractions beyond a second") {
  Raw file = pcap_header(Order::little, 0xa1b2c3d4);
  file.add(pcap_record(Order::little, 0xffffffff, 0xffffffff, {}));
  const Content content = read(file.bytes);
  REQUIRE(content.packets.size() == 1);
  CHECK(content.packets[0].time_ns == 4294967295LL * 1'000'000'000 + 4294967295LL * 1000);
}

TEST_CASE("pcap: the original length is never below the one kept") {
  Raw file = pcap_header(Order::little, 0xa1b2c3d4);
  file.add(pcap_record(Order::little, 0, 0, unhex("0102030405"), 2));
  const Content content = read(file.bytes);
  REQUIRE(content.packets.size() == 1);
  CHECK(content.packets[0].original_length == 5);
}

TEST_CASE("pcap: the link type, without what some files have above it") {
  const auto type_of = [](std::uint32_t link) {
    const Content content = read(pcap_header(Order::big, 0xa1b2c3d4, link).bytes);
    return content.interfaces.at(0).link_type;
  };
  CHECK(type_of(1) == LinkType::ethernet);
  CHECK(type_of(0x14000001) == LinkType::ethernet);  // a frame check sequence of four bytes
  CHECK(type_of(113) == LinkType::linux_sll);
  CHECK(type_of(101) == LinkType::raw);
  CHECK(type_of(12) == LinkType::raw);
  CHECK(type_of(14) == LinkType::raw);
  CHECK(type_of(105) == LinkType{105});
}

TEST_CASE("pcap: a file that ends early gives what is whole and says where it ends") {
  Raw file = pcap_header(Order::little, 0xa1b2c3d4);
  file.add(pcap_record(Order::little, 1, 0, unhex("01020304")));
  file.add(pcap_record(Order::little, 2, 0, unhex("05060708090a")));
  const auto content_of = [&](std::size_t size) { return read(ByteView(file.bytes).first(size)); };
  CHECK(content_of(24).problem == "");
  CHECK(content_of(24).packets.empty());
  CHECK(content_of(30).problem == "packet 1 at byte 24: the file ends within its header");
  CHECK(content_of(44).problem == "");
  CHECK(content_of(44).packets.size() == 1);
  const Content content = content_of(63);
  CHECK(content.packets.size() == 1);
  CHECK(content.problem ==
        "packet 2 at byte 44: is 6 bytes long, but the file ends after 3 of them");
}

TEST_CASE("pcap: after a problem nothing more comes") {
  Raw file = pcap_header(Order::little, 0xa1b2c3d4);
  file.add(pcap_record(Order::little, 1, 0, unhex("01020304")));
  file.bytes.resize(file.bytes.size() - 1);
  const auto reader = Reader::open(file.bytes);
  REQUIRE(reader);
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE((*reader)->next());
}

TEST_CASE("pcap: an absurd length is refused, the longest reasonable one is not",
          "[limit:kCaptureBlock]") {
  Raw file = pcap_header(Order::big, 0xa1b2c3d4);
  file.u32(0).u32(0).u32(0xffffffff).u32(0xffffffff).u32(0);
  CHECK(read(file.bytes).problem ==
        "packet 1 at byte 24: claims to be 4294967295 bytes long, more than 16777216");
  const Bytes most(limits::kCaptureBlock, 0xee);
  Raw large = pcap_header(Order::big, 0xa1b2c3d4);
  large.add(pcap_record(Order::big, 0, 0, most));
  const Content content = read(large.bytes);
  CHECK(content.problem == "");
  REQUIRE(content.packets.size() == 1);
  CHECK(content.packets[0].bytes == most);
}

TEST_CASE("pcap: headers that are none") {
  CHECK(read({}).error == "the file is empty");
  CHECK(read(unhex("a1b2c3")).error == "the file has 3 bytes, too few for a capture");
  CHECK(read(unhex("a1b2c3d4 0002")).error ==
        "the file ends after 6 of the 24 bytes of a pcap header");
  Raw old(Order::big);
  old.u32(0xa1b2c3d4).u16(2).u16(2).u64(0).u32(65535).u32(1);
  CHECK(read(old.bytes).error == "byte 4: pcap version 2.2; only 2.3 and 2.4 are read");
  Raw strange(Order::little);
  strange.u32(0xa1b2c3d4).u16(543).u16(4).u64(0).u32(65535).u32(1);
  CHECK(read(strange.bytes).error == "byte 4: pcap version 543.4; only 2.3 and 2.4 are read");
}

TEST_CASE("pcap: other files are called by their names") {
  const auto error_of = [](std::string_view magic) { return read(unhex(magic)).error; };
  CHECK(error_of("1f8b0800 00") == "this is a gzip file; unpack it first (gunzip)");
  CHECK(error_of("28b52ffd") == "this is a zstd file; unpack it first (unzstd)");
  CHECK(error_of("fd377a58") == "this is an xz file; unpack it first (unxz)");
  CHECK(error_of("425a6839") == "this is a bzip2 file; unpack it first (bunzip2)");
  CHECK(error_of("504b0304") == "this is a zip file; unpack it first (unzip)");
  const std::string modified =
      "this is the modified pcap format of old Linux systems; convert it first (editcap -F pcapng)";
  CHECK(error_of("a1b2cd34") == modified);
  CHECK(error_of("34cdb2a1") == modified);
  CHECK(error_of("736e6f6f 70000000") ==
        "this is a snoop file; convert it first (editcap -F pcapng)");
  CHECK(error_of("7f454c46 0102") ==
        "neither pcap nor pcapng: the file begins with 7f 45 4c 46, a capture with a1 b2 c3 d4, "
        "a1 b2 3c 4d (or the same backwards) or 0a 0d 0d 0a");
}

}  // namespace
}  // namespace pontoon::capture
