// Makes the switch port that fits a link.
#pragma once

#include <cstdint>
#include <memory>

#include "bridge/ports/link_handle.h"
#include "core/frame/frame.h"
#include "core/host/poller.h"
#include "core/link/port.h"

namespace pontoon::bridge {

// Takes the descriptor over and registers it with `poller`; the port removes itself there when it
// is destroyed. Whatever the link cannot take (segments, checksums) is done on the way out. Null
// when the poller cannot watch one more descriptor. `pool` and `poller` must outlive the port.
std::unique_ptr<Port> make_port(LinkHandle&& link, FramePool& pool, host::Poller& poller,
                                std::uint16_t mtu);

}  // namespace pontoon::bridge
