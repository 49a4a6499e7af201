// What the parts of a publisher share.
#pragma once

#include <cstdint>

#include "core/base/drop.h"
#include "proxy/client_flow.h"
#include "proxy/endpoint_side.h"

namespace pontoon::proxy {

struct PublisherCounters {
  std::uint64_t accepted = 0;  // TCP connections handed to the engine
  std::uint64_t refused = 0;   // accepted by the kernel, but not taken by the engine
  std::uint64_t accept_errors = 0;
  std::uint64_t accept_pauses = 0;  // out of descriptors: accepting rested for a moment
  std::uint64_t udp_flows = 0;      // opened so far
  std::uint64_t udp_evicted = 0;    // of those, closed to make room
};

struct PublisherContext {
  PublisherConfig config;
  EndpointSide& inside;
  TimerQueue& timers;
  SourcePorts tcp_ports;
  SourcePorts udp_ports;
  PublisherCounters counters;
  DropCounters drops;
};

// Where a published port leads.
struct PublishedTo {
  PublishTarget target;
  std::uint16_t container_port = 0;
};

}  // namespace pontoon::proxy
