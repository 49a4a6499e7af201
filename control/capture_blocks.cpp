#include "control/capture_blocks.h"

#include "core/base/limits.h"

namespace pontoon::control {
namespace {

// draft-ietf-opsawg-pcapng 11.1
constexpr std::uint32_t kStatisticsBlock = 5;
constexpr std::uint32_t kPacketBlock = 6;
constexpr std::size_t kSmallestBlock = 12;

// Our own writer's order.
std::uint32_t load_little(ByteView bytes, std::size_t at) noexcept {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i > 0; --i)
    value = value << 8 | bytes[at + i - 1];
  return value;
}

}  // namespace

std::size_t BlockSplitter::next(ByteView bytes) noexcept {
  if (broken_ || bytes.size() < kSmallestBlock) return 0;
  const std::size_t length = load_little(bytes, 4);
  if (length < kSmallestBlock || length % 4 != 0 || length > limits::kCaptureBlock) {
    broken_ = true;
    return 0;
  }
  return bytes.size() < length ? 0 : length;
}

BlockKind BlockSplitter::kind_of(ByteView block) noexcept {
  switch (load_little(block, 0)) {
    case kPacketBlock:
      return BlockKind::frame;
    case kStatisticsBlock:
      return BlockKind::statistics;
    default:
      return BlockKind::header;
  }
}

}  // namespace pontoon::control
