// The window that we offer to an endpoint mirrors the room of the host socket. Its right edge never
// moves left, except when the host took less than it had promised; it moves right in steps that are
// worth a segment (RFC 9293 3.8.6.2.2).
#pragma once

#include "core/stack/tcp/flow.h"

namespace pontoon::stack::tcp {

// What the window scale option says when the endpoint offers one: windows up to 8 MiB in steps of
// 128 bytes.
constexpr std::uint8_t kOurWindowScale = 7;

// Brings the edge up to date and gives the value of the window field. A SYN's is not scaled.
std::uint16_t offer_window(Flow& flow, bool syn) noexcept;
// Room has returned since the window was (nearly) closed, and the endpoint does not know.
bool window_update_due(const Flow& flow) noexcept;
// The endpoint has less than a segment's worth of window left.
bool window_nearly_closed(const Flow& flow) noexcept;
// The host took less than the window promised: takes the promise back.
void withdraw_window(Flow& flow) noexcept;

}  // namespace pontoon::stack::tcp
