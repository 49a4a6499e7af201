#include "core/base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

namespace pontoon::log {
namespace {

spdlog::level::level_enum native(Level level) noexcept {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      return spdlog::level::off;
  }
  return spdlog::level::info;
}

// The one logger of the process. A function-local static, so that it is made at first use (after
// fork).
std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("pontoon",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return instance;
}

}  // namespace

void open(std::string_view path, Level level) {
  auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(std::string(path));
  auto opened = std::make_shared<spdlog::logger>("pontoon", std::move(sink));
  opened->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  opened->set_level(native(level));
  opened->flush_on(spdlog::level::info);
  logger() = std::move(opened);
}

void set_level(Level level) noexcept {
  logger()->set_level(native(level));
}

void write(Level level, std::string_view message) {
  logger()->log(native(level), spdlog::string_view_t(message.data(), message.size()));
}

bool RateLimit::pass(Instant now) noexcept {
  if (now - window_start_ >= per_) {
    window_start_ = now;
    used_ = 0;
  }
  if (used_ < burst_) {
    ++used_;
    return true;
  }
  ++suppressed_;
  return false;
}

std::uint64_t RateLimit::take_suppressed() noexcept {
  return std::exchange(suppressed_, 0);
}

}  // namespace pontoon::log
