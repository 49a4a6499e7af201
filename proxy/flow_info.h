// A line of `pontoon flows` for what the proxy carries itself; TCP's lines come from the engine.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/time.h"
#include "core/stack/types.h"

namespace pontoon::proxy {

struct FlowInfo {
  std::string_view protocol;  // "udp", "icmp"
  stack::FlowKey flow;        // as seen inside; an echo's identifier stands in initiator.port
  bool published = false;     // opened by a client outside
  Duration age{};
  Duration idle{};
  std::uint64_t bytes_to_host = 0;
  std::uint64_t bytes_to_endpoint = 0;
};

}  // namespace pontoon::proxy
