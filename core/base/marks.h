// Which drop reasons have been counted, for tests only: a test that claims to reach a reason is
// held to it (tests/support/marks_listener.cpp, docs/adr/0010-marks.md). Without PONTOON_MARKS,
// which the preset dev defines, nothing is noted and counting costs what it costs.
#pragma once

#include <cstdint>

namespace pontoon {

enum class DropReason : std::uint8_t;

namespace marks {

#ifdef PONTOON_MARKS
void note(DropReason reason) noexcept;
bool noted(DropReason reason) noexcept;
void forget_all() noexcept;
#else
inline void note(DropReason) noexcept {}
#endif

}  // namespace marks
}  // namespace pontoon
