// What a driver drives: an engine that is turned when something has come or a timer is due. Knows
// nothing of Asio, so that who turns it by other means needs none.
#pragma once

#include "core/base/time.h"

namespace pontoon::host {

class Turnable {
 public:
  virtual ~Turnable() = default;
  // One bounded turn; true when more work is waiting and another turn is due at once.
  virtual bool turn(Instant now) noexcept = 0;
  // When the next timer is due; kNever when none is armed.
  virtual Instant next_deadline() const noexcept = 0;
};

}  // namespace pontoon::host
