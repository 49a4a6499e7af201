// The client's side of the API, for the commands. Blocking, with a time limit.
#pragma once

#include <string>
#include <string_view>

#include "control/model.h"
#include "control/paths.h"
#include "core/base/result.h"

namespace pontoon::control {

class Client {
 public:
  explicit Client(Paths paths) : paths_(std::move(paths)) {}

  // The body of a successful answer. `unavailable` when no daemon answers; otherwise the daemon's
  // own error.
  Result<std::string> call(std::string_view method, std::string_view target,
                           std::string_view body = {}) const;

  const Paths& paths() const noexcept { return paths_; }

 private:
  Paths paths_;
};

}  // namespace pontoon::control
