// `run` and `attach` start a daemon when none answers.
#pragma once

#include <memory>

#include "control/attach_session.h"
#include "control/paths.h"
#include "core/base/result.h"

namespace pontoon::app {

// Says on stderr when it started one. Returns once a daemon accepts connections.
Status<> ensure_daemon(const control::Paths& paths);

// A daemon, and the endpoint reserved there.
Result<std::unique_ptr<control::DaemonSession>> open_session(
    const control::Paths& paths, const control::EndpointRequest& request);

}  // namespace pontoon::app
