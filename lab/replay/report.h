// What happened in a replay, for people and for tools.
#pragma once

#include <cstdint>
#include <string>

#include "lab/replay/replay.h"

namespace pontoon::lab {

// The conversation, one line per event: seconds since the first one, the port, the direction (`>`
// from the endpoint, `<` to it, `x` for what was dropped), who to whom, what was said. Behind it
// clients, drops and notes, a line each.
//
//   0.000000 web > 172.17.0.2 -> 172.17.0.1 DNS A? api
//   0.000000 web < 172.17.0.1 -> 172.17.0.2 DNS NOERROR api A 172.17.0.3
//   0.100000 web x 10.0.0.9 -> 172.17.0.1 DROPPED guard_source_ip: UDP 4000 > 7 len 5
std::string conversation_text(const ReplayResult& result);

// One object: "played", "endpoints", "events" with their layers and fields, "clients", "drops",
// "notes". Documented in docs/replay.md.
std::string conversation_json(const ReplayResult& result);

// The same in pieces, for a replay that is too long to be held: one event, its time shown as
// seconds since `start_ns`, and everything but the events.
std::string event_text(const ReplayEvent& event, std::int64_t start_ns, std::size_t port_width);
std::string event_json(const ReplayEvent& event, std::int64_t start_ns);
std::string outcome_text(const ReplayResult& result);
std::string outcome_json(const ReplayResult& result);

}  // namespace pontoon::lab
