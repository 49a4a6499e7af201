#include "core/link/virtio_header.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "tests/support/packets.h"

namespace pontoon {
namespace {

using test::Bytes;

constexpr std::size_t kFrame = 3000;

constexpr std::uint8_t kNeedsChecksum = 1;
constexpr std::uint8_t kDataValid = 2;
constexpr std::uint8_t kTcp4 = 1;
constexpr std::uint8_t kUfo = 3;
constexpr std::uint8_t kTcp6 = 4;
constexpr std::uint8_t kUdpL4 = 5;
constexpr std::uint8_t kEcn = 0x80;

// As the kernel declares it (struct virtio_net_hdr; its header is no valid C++): what lies where,
// in which byte order.
struct KernelHeader {
  std::uint8_t flags;
  std::uint8_t gso_type;
  std::uint16_t hdr_len;
  std::uint16_t gso_size;
  std::uint16_t csum_start;
  std::uint16_t csum_offset;
};
static_assert(sizeof(KernelHeader) == kVirtioHeaderSize);

Bytes bytes_of(const KernelHeader& header) {
  Bytes bytes(sizeof header);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

KernelHeader tso4() {
  KernelHeader header{};
  header.flags = kNeedsChecksum;
  header.gso_type = kTcp4 | kEcn;
  header.hdr_len = 66;
  header.gso_size = 1448;
  header.csum_start = 34;
  header.csum_offset = 16;
  return header;
}

bool converts(const KernelHeader& header) {
  return read_virtio_header(bytes_of(header), kFrame).has_value();
}

bool same(const Offload& left, const Offload& right) {
  return left.gso == right.gso && left.needs_checksum == right.needs_checksum &&
         left.checksum_valid == right.checksum_valid && left.ecn == right.ecn &&
         left.header_length == right.header_length && left.segment_size == right.segment_size &&
         left.checksum_start == right.checksum_start &&
         left.checksum_offset == right.checksum_offset;
}

Offload any_offload() {
  Offload offload;
  offload.gso = *rc::gen::element(Gso::none, Gso::tcp4, Gso::tcp6, Gso::udp);
  offload.needs_checksum = *rc::gen::arbitrary<bool>();
  offload.checksum_valid = !offload.needs_checksum && *rc::gen::arbitrary<bool>();
  if (offload.gso != Gso::none) {
    offload.ecn = offload.gso != Gso::udp && *rc::gen::arbitrary<bool>();
    offload.header_length = *rc::gen::inRange<std::uint16_t>(0, kFrame + 1);
    offload.segment_size = *rc::gen::inRange<std::uint16_t>(1, 0xffff);
  }
  if (offload.needs_checksum) {
    offload.checksum_start = *rc::gen::inRange<std::uint16_t>(14, 2000);
    offload.checksum_offset = *rc::gen::inRange<std::uint16_t>(0, 900);
  }
  return offload;
}

}  // namespace

TEST_CASE("virtio header: a TSO frame as the kernel describes it") {
  const auto offload = read_virtio_header(bytes_of(tso4()), kFrame);
  REQUIRE(offload);
  CHECK(offload->gso == Gso::tcp4);
  CHECK(offload->ecn);
  CHECK(offload->needs_checksum);
  CHECK_FALSE(offload->checksum_valid);
  CHECK(offload->header_length == 66);
  CHECK(offload->segment_size == 1448);
  CHECK(offload->checksum_start == 34);
  CHECK(offload->checksum_offset == 16);
  Bytes written(kVirtioHeaderSize);
  write_virtio_header(written, *offload);
  CHECK(written == bytes_of(tso4()));
}

TEST_CASE("virtio header: gso types") {
  KernelHeader header = tso4();
  header.gso_type = kTcp6;
  CHECK(read_virtio_header(bytes_of(header), kFrame)->gso == Gso::tcp6);
  header.gso_type = kUdpL4;
  CHECK(read_virtio_header(bytes_of(header), kFrame)->gso == Gso::udp);
  header.gso_type = kUfo;  // UFO is never negotiated
  CHECK_FALSE(converts(header));
  for (const int unknown : {2, 6, 0x7f}) {
    header.gso_type = static_cast<std::uint8_t>(unknown);
    CHECK_FALSE(converts(header));
  }
}

TEST_CASE("virtio header: a plain frame ignores fields that mean nothing") {
  KernelHeader header{};
  header.hdr_len = 0xffff;
  header.csum_start = 0xffff;
  const auto offload = read_virtio_header(bytes_of(header), kFrame);
  REQUIRE(offload);
  CHECK(same(*offload, Offload{}));
  header.flags = kDataValid;
  CHECK(read_virtio_header(bytes_of(header), kFrame)->checksum_valid);
}

TEST_CASE("virtio header: one that points outside the frame is refused") {
  KernelHeader header = tso4();
  SECTION("no segment size") {
    header.gso_size = 0;
  }
  SECTION("headers beyond the frame") {
    header.hdr_len = kFrame + 1;
  }
  SECTION("the field ends behind the frame") {
    header.csum_start = kFrame - 17;
  }
  SECTION("offsets whose sum does not fit 16 bits") {
    header.csum_start = 0xfff0;
    header.csum_offset = 0xfff0;
  }
  SECTION("a checksum over the Ethernet header") {
    header.csum_start = 13;
  }
  CHECK_FALSE(converts(header));
}

TEST_CASE("virtio header: what reaches just to the end of the frame is accepted") {
  KernelHeader header = tso4();
  header.csum_start = kFrame - 18;
  header.hdr_len = kFrame;
  CHECK(converts(header));
}

TEST_CASE("virtio header: short ones, and the larger form") {
  const Bytes whole = bytes_of(tso4());
  for (std::size_t size = 0; size < kVirtioHeaderSize; ++size)
    CHECK_FALSE(read_virtio_header(ByteView(whole).first(size), kFrame));
  Bytes larger(kVirtioMergeableHeaderSize, 0xee);
  write_virtio_header(larger, *read_virtio_header(whole, kFrame));
  CHECK(larger[10] == 0);
  CHECK(larger[11] == 0);
  CHECK(read_virtio_header(larger, kFrame)->segment_size == 1448);
}

TEST_CASE("virtio header: reading what was written gives the same offload") {
  REQUIRE(rc::check([] {
    const Offload offload = any_offload();
    Bytes header(kVirtioHeaderSize, 0xee);
    write_virtio_header(header, offload);
    const auto read = read_virtio_header(header, kFrame);
    RC_ASSERT(read.has_value());
    RC_ASSERT(same(*read, offload));
  }));
}

}  // namespace pontoon
