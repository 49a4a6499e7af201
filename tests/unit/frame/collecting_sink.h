// Keeps what segmentation makes; stops after `limit` frames.
#pragma once

#include <vector>

#include "core/frame/offload.h"

namespace pontoon::test {

class CollectingSink final : public FrameSink {
 public:
  explicit CollectingSink(std::size_t limit = ~std::size_t{0}) : limit_(limit) {}

  bool accept(FrameRef frame) noexcept override {
    if (frames.size() == limit_) return false;
    frames.push_back(std::move(frame));
    return true;
  }
  std::vector<FrameRef> frames;

 private:
  std::size_t limit_;
};

}  // namespace pontoon::test
