#include "core/wire/tcp.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "tests/support/hex.h"
#include "tests/support/packets.h"
#include "tests/unit/wire/generators.h"

namespace pontoon::wire {
namespace {

using test::Bytes;
using test::hex;
using test::ip;
using test::joined;
using test::unhex;

// A segment without payload whose options are these bytes, which must be a multiple of 4.
Bytes with_options(std::string_view options) {
  const Bytes bytes = unhex(options);
  Bytes header = unhex("0050 1f90 00000001 00000002 00 10 ffff 0000 0000");
  header[12] = static_cast<std::uint8_t>((20 + bytes.size()) / 4 << 4);
  return joined(header, bytes);
}

TcpOptions options_of(std::string_view options) {
  const Bytes bytes = with_options(options);
  return TcpView::parse(bytes).value().options_parsed();
}

std::string emitted_options(const TcpOptions& options) {
  TcpRepr repr;
  repr.options = options;
  Bytes header(repr.header_size());
  repr.emit(header, {}, ip("10.0.0.1"), ip("10.0.0.2"));
  return hex(ByteView(header).subspan(20));
}

}  // namespace

TEST_CASE("sequence: comparisons wrap") {
  const TcpSequence before{0xfffffff0};
  const TcpSequence after{0x10};
  CHECK(before < after);
  CHECK(before <= after);
  CHECK(after > before);
  CHECK(after - before == 0x20);
  CHECK(before - after == -0x20);
  CHECK(before + 0x20 == after);
  CHECK(after - 0x20U == before);
  CHECK(later(before, after) == after);
  CHECK(earlier(before, after) == before);
}

TEST_CASE("sequence: the order is the order of small steps from anywhere") {
  REQUIRE(rc::check([] {
    const TcpSequence from = test::any_sequence();
    const auto step = *rc::gen::inRange<std::uint32_t>(1, 0x7fffffff);
    RC_ASSERT(from < from + step);
    RC_ASSERT(!(from + step < from));
    RC_ASSERT(from + step - from == static_cast<std::int32_t>(step));
    RC_ASSERT(in_window(from + step, from, step + 1));
    RC_ASSERT(!in_window(from + step, from, step));
    RC_ASSERT(!in_window(from - 1U, from, step));
  }));
}

TEST_CASE("tcp: the fields of a SYN as Linux sends it") {
  const Bytes bytes = unhex(
      "c350 0050 11223344 00000000 a0 02 faf0 0000 0000"
      "020405b4 0402080a 0000000100000000 01030307");
  const auto view = TcpView::parse(bytes);
  REQUIRE(view);
  CHECK(view->source_port() == 50000);
  CHECK(view->destination_port() == 80);
  CHECK(view->sequence() == TcpSequence{0x11223344});
  CHECK(view->flags() == TcpFlags{.syn = true});
  CHECK(view->window() == 64240);
  CHECK(view->header_length() == 40);
  CHECK(view->payload().empty());
  CHECK(view->sequence_length() == 1);
  const TcpOptions options = view->options_parsed();
  CHECK(options.mss == 1460);
  CHECK(options.sack_permitted);
  CHECK(options.timestamps == TcpTimestamps{1, 0});
  CHECK(options.window_scale == 7);
  // And we lay ours out in the same way.
  CHECK(emitted_options(options) == "020405b40402080a000000010000000001030307");
}

TEST_CASE("tcp: flags and bits") {
  for (unsigned bits = 0; bits < 256; ++bits)
    CHECK(TcpFlags::from_bits(static_cast<std::uint8_t>(bits)).bits() == bits);
  CHECK(TcpFlags{.fin = true, .ack = true}.bits() == 0x11);
}

TEST_CASE("tcp: data offsets outside 20 bytes and the segment do not parse") {
  Bytes bytes = with_options("");
  bytes[12] = 0x40;
  CHECK_FALSE(TcpView::parse(bytes));
  bytes[12] = 0x60;
  CHECK_FALSE(TcpView::parse(bytes));
  bytes[12] = 0x50;
  CHECK(TcpView::parse(bytes));
}

TEST_CASE("tcp options: layouts are aligned") {
  TcpOptions options;
  CHECK(emitted_options(options) == "");
  options.timestamps = TcpTimestamps{1, 2};
  CHECK(emitted_options(options) == "0101080a0000000100000002");
  options.add_sack({{3}, {4}});
  CHECK(emitted_options(options) ==
        "0101080a0000000100000002"
        "0101050a0000000300000004");
  options = {};
  options.sack_permitted = true;
  CHECK(emitted_options(options) == "04020101");
}

TEST_CASE("tcp options: SACK blocks for which there is no room are left out") {
  TcpOptions options;
  for (std::uint32_t i = 0; i < TcpOptions::kMaxSackBlocks; ++i)
    CHECK(options.add_sack({{i}, {i + 1}}));
  CHECK_FALSE(options.add_sack({{9}, {10}}));
  CHECK(emitted_options(options).size() / 2 == 36);
  options.timestamps = TcpTimestamps{1, 2};
  CHECK(emitted_options(options).size() / 2 == 40);
  options.mss = 1460;
  options.window_scale = 1;
  CHECK(emitted_options(options).size() / 2 == 40);
}

TEST_CASE("tcp options: garbage is tolerated") {
  SECTION("an unknown option is skipped") {
    CHECK(options_of("fe04ffff 020405b4").mss == 1460);
  }
  SECTION("what follows the end of the list does not count") {
    CHECK_FALSE(options_of("00000000 020405b4").mss);
  }
  SECTION("a length of zero or one ends the list") {
    CHECK_FALSE(options_of("fe000101 020405b4").mss);
    CHECK_FALSE(options_of("fe010101 020405b4").mss);
  }
  SECTION("a length beyond the header ends the list and keeps what came before") {
    const auto options = options_of("020405b4 080a0000");
    CHECK(options.mss == 1460);
    CHECK_FALSE(options.timestamps);
  }
  SECTION("a kind as the last byte, without its length") {
    CHECK_FALSE(options_of("01010102").mss);
  }
  SECTION("a known option of a wrong length is ignored, the next one is not") {
    const auto options = options_of("0205010203 0304 0707 03 0307");
    CHECK_FALSE(options.mss);
    CHECK(options.window_scale == 7);
    CHECK_FALSE(options_of("0403ff01").sack_permitted);
    CHECK_FALSE(options_of("08060000 00000101").timestamps);
  }
  SECTION("SACK of a broken length, and of more blocks than there can be") {
    CHECK(options_of("0509 01020304 050607 010101").sack_count == 0);
    CHECK(options_of("05020101").sack_count == 0);
  }
}

TEST_CASE("tcp: only the pseudo-header's sum, when the checksum is somebody else's") {
  TcpRepr repr;
  repr.source_port = 1;
  Bytes header(20);
  const Bytes payload = test::pattern(100);
  const IpAddress source = ip("fd00::1");
  const IpAddress target = ip("fd00::2");
  repr.emit(header, payload, source, target, ChecksumFill::pseudo_header);
  CHECK(load_be<std::uint16_t>(header.data() + 16) ==
        Checksum::pseudo_header(source, target, IpProtocol::tcp, 120).folded());
  // Summing over all of it, the field included, gives the complete checksum.
  Checksum sum;
  sum.add(header);
  sum.add(payload);
  store_be(header.data() + 16, sum.value());
  const Bytes segment = joined(header, payload);
  CHECK(TcpView::parse(segment)->checksum_ok(source, target));
  CHECK_FALSE(TcpView::parse(segment)->checksum_ok(source, ip("fd00::3")));
}

}  // namespace pontoon::wire
