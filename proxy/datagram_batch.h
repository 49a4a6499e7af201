// The buffers into which sockets are read, allocated once and reused for every flow.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/limits.h"
#include "core/socket/datagram.h"

namespace pontoon::proxy {

class DatagramBatch {
 public:
  DatagramBatch() : storage_(kSlotBytes * limits::kDatagramBatch) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      slots_[i].buffer = MutableBytes(storage_).subspan(i * kSlotBytes, kSlotBytes);
    }
  }
  DatagramBatch(const DatagramBatch&) = delete;
  DatagramBatch& operator=(const DatagramBatch&) = delete;

  std::span<DatagramSlot> slots() noexcept { return slots_; }
  // For what must be put together before it is sent. Shares its bytes with slots().
  MutableBytes scratch() noexcept { return slots_[0].buffer; }

 private:
  static constexpr std::size_t kSlotBytes = 65536;  // longer than any UDP payload
  std::vector<std::uint8_t> storage_;
  std::array<DatagramSlot, limits::kDatagramBatch> slots_;
};

inline ByteView payload_of(const DatagramSlot& slot) noexcept {
  return ByteView(slot.buffer).first(slot.size);
}

}  // namespace pontoon::proxy
