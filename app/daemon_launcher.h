// `run` and `attach` start a daemon when none answers.
#pragma once

#include "control/paths.h"
#include "core/base/result.h"

namespace pontoon::app {

// Says on stderr when it started one. Returns once a daemon accepts connections.
Status<> ensure_daemon(const control::Paths& paths);

}  // namespace pontoon::app
