// Stream integrity: what one end reads is what the other wrote at that place, and an orderly end
// comes only after all of it. One checker per conversation.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tests/sim/report.h"
#include "tests/sim/script.h"

namespace pontoon::sim {

class StreamChecker {
 public:
  StreamChecker(const Script& script, Report& report) : script_(script), report_(report) {}

  void on_said(Way way, std::uint64_t count) { side(way).said = count; }
  void on_shut_down(Way way, std::uint64_t count);
  void on_abort(Way way) { side(way).aborted = true; }
  // Text on the wire, or in a reader's hands, at its position.
  void on_heard(Way way, std::uint64_t position, std::string_view text);
  void on_end(Way way, std::uint64_t position);
  void on_reset(Way way, std::uint64_t position);

  // The host does not take the connection: a reset is the answer to it.
  void allow_reset() noexcept { reset_allowed_ = true; }
  // From now on either end may be cut off: the daemon died, or an endpoint has gone.
  void disturb() noexcept { disturbed_ = true; }
  bool disturbed() const noexcept { return disturbed_; }

 private:
  struct Side {
    std::uint64_t said = 0;
    bool shut_down = false;
    bool aborted = false;
  };
  Side& side(Way way) { return sides_[static_cast<std::size_t>(way)]; }

  const Script& script_;
  Report& report_;
  std::array<Side, 2> sides_{};
  bool disturbed_ = false;
  bool reset_allowed_ = false;
};

}  // namespace pontoon::sim
