// INVARIANT guards our own invariants, in every build (CHECK is what Catch2 calls its assertion).
// It never judges a peer's bytes: those get a Result or a named drop reason.
#pragma once

namespace pontoon {
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;
}  // namespace pontoon

#define INVARIANT(expression) \
  ((expression) ? void(0) : ::pontoon::check_failed(#expression, __FILE__, __LINE__))
