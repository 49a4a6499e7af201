// Who called an endpoint from outside: connections that somebody else than an endpoint opened to
// one become clients of published ports, which say what the captured ones said.
#pragma once

#include "lab/adopt/adopt_plan.h"
#include "lab/replay/case.h"

namespace pontoon::lab {

// Adds publications to the endpoints of `description`, which stand in the order of the plan's
// clients, and TCP clients, at most kCaseActors.
void adopt_callers(const CaptureFile& capture, const Plan& plan, Case& description);

}  // namespace pontoon::lab
