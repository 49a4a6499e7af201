#include "control/capture_blocks.h"

#include <catch2/catch.hpp>

#include "core/base/limits.h"
#include "core/capture/writer.h"

using namespace pontoon;
using namespace pontoon::control;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes file() {
  Bytes out;
  capture::append_section_header(out, "test");
  capture::append_interface(out, {});
  capture::append_names(out, {{*IpAddress::parse("10.0.0.1"), "one"}});
  capture::Packet packet;
  packet.bytes = Bytes(61, 7);
  packet.original_length = 61;
  capture::append_packet(out, packet);
  capture::append_statistics(out, {});
  return out;
}

struct Got {
  std::string kinds;
  Bytes bytes;
};

void feed(BlockSplitter& splitter, ByteView bytes, Got& got) {
  splitter.feed(bytes, [&](BlockKind kind, ByteView block) {
    got.kinds += kind == BlockKind::header ? 'h' : kind == BlockKind::frame ? 'f' : 's';
    got.bytes.insert(got.bytes.end(), block.begin(), block.end());
  });
}

}  // namespace

TEST_CASE("capture blocks: a file in pieces of any size is the same blocks") {
  const Bytes whole = file();
  for (std::size_t piece = 1; piece <= whole.size(); ++piece) {
    BlockSplitter splitter;
    Got got;
    for (std::size_t at = 0; at < whole.size(); at += piece)
      feed(splitter, ByteView(whole).subspan(at, std::min(piece, whole.size() - at)), got);
    CHECK(got.kinds == "hhhfs");
    CHECK(got.bytes == whole);
    CHECK(splitter.rest() == 0);
    CHECK_FALSE(splitter.broken());
  }
}

TEST_CASE("capture blocks: what is cut off is waited for") {
  const Bytes whole = file();
  BlockSplitter splitter;
  Got got;
  feed(splitter, ByteView(whole).first(whole.size() - 1), got);
  CHECK(got.kinds == "hhhf");
  CHECK(splitter.rest() > 0);
  CHECK_FALSE(splitter.broken());
}

TEST_CASE("capture blocks: lengths that no block has end it") {
  for (const std::uint32_t length :
       {0U, 8U, 13U, static_cast<std::uint32_t>(limits::kCaptureBlock) + 4, 0xffffffffU}) {
    Bytes block = {6, 0, 0, 0};
    for (int shift = 0; shift < 32; shift += 8)
      block.push_back(static_cast<std::uint8_t>(length >> shift));
    block.resize(64);
    BlockSplitter splitter;
    Got got;
    feed(splitter, block, got);
    CHECK(got.kinds.empty());
    CHECK(splitter.broken());
    feed(splitter, file(), got);
    CHECK(got.kinds.empty());
  }
}
