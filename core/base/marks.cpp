#include "core/base/marks.h"

#ifdef PONTOON_MARKS

#include <array>
#include <atomic>

#include "core/base/drop.h"

namespace pontoon::marks {
namespace {

// Tests may run a network on a thread of its own.
std::array<std::atomic<bool>, kDropReasonCount>& all() noexcept {
  static std::array<std::atomic<bool>, kDropReasonCount> marks{};
  return marks;
}

}  // namespace

void note(DropReason reason) noexcept {
  all()[static_cast<std::size_t>(reason)].store(true, std::memory_order_relaxed);
}

bool noted(DropReason reason) noexcept {
  return all()[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
}

void forget_all() noexcept {
  for (std::atomic<bool>& mark : all())
    mark.store(false, std::memory_order_relaxed);
}

}  // namespace pontoon::marks

#endif
