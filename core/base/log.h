// Structured logs of the rim and the control plane. Engines count and return; they do not log.
// Never called per packet; whatever a frame can trigger goes through a RateLimit.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/time.h"

namespace pontoon::log {

enum class Level : std::uint8_t { trace, debug, info, warning, error, off };

// To stderr until open() is called. Call after fork, never before.
void open(std::string_view path, Level level);
void set_level(Level level) noexcept;

void write(Level level, std::string_view message);
inline void debug(std::string_view message) {
  write(Level::debug, message);
}
inline void info(std::string_view message) {
  write(Level::info, message);
}
inline void warning(std::string_view message) {
  write(Level::warning, message);
}
inline void error(std::string_view message) {
  write(Level::error, message);
}

// At most `burst` passes per `per`; counts what it held back.
class RateLimit {
 public:
  RateLimit(std::uint32_t burst, Duration per) noexcept : burst_(burst), per_(per) {}
  bool pass(Instant now) noexcept;
  std::uint64_t take_suppressed() noexcept;

 private:
  std::uint32_t burst_;
  Duration per_;
  Instant window_start_{};
  std::uint32_t used_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace pontoon::log
