// A stream of pcapng cut into its blocks, as the client needs them: to count frames, to begin
// further files of a ring, and to end a file where a block ends.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"

namespace pontoon::control {

enum class BlockKind : std::uint8_t {
  header,      // section header, interface, names: what each file of a ring begins with
  frame,       // one packet
  statistics,  // of an interface, at the end
};

// Stops for good at what is no block.
class BlockSplitter {
 public:
  // visit(BlockKind, ByteView block) for each whole block; the rest waits for more bytes.
  template <class Visit>
  void feed(ByteView bytes, Visit&& visit) {
    rest_.insert(rest_.end(), bytes.begin(), bytes.end());
    std::size_t at = 0;
    while (const std::size_t length = next(ByteView(rest_).subspan(at))) {
      const ByteView block = ByteView(rest_).subspan(at, length);
      visit(kind_of(block), block);
      at += length;
    }
    rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  bool broken() const noexcept { return broken_; }
  // Bytes of a block that is not whole yet.
  std::size_t rest() const noexcept { return rest_.size(); }

 private:
  // The length of the block that `bytes` begins with; 0 when it is not all there.
  std::size_t next(ByteView bytes) noexcept;
  static BlockKind kind_of(ByteView block) noexcept;

  std::vector<std::uint8_t> rest_;
  bool broken_ = false;
};

}  // namespace pontoon::control
