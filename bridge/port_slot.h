// How a PortId is made: the port's slot, and a generation that differs each time the slot is used
// again, so that an id kept too long names nobody rather than somebody else.
#pragma once

#include <bit>
#include <cstdint>

#include "bridge/switch.h"
#include "core/base/limits.h"

namespace pontoon::bridge {

static_assert(std::has_single_bit(limits::kPortsPerNetwork));
constexpr unsigned kPortGenerations = 0x10000 / limits::kPortsPerNetwork;

constexpr std::size_t slot_of(PortId id) noexcept {
  return static_cast<std::size_t>(id) % limits::kPortsPerNetwork;
}
constexpr PortId make_port_id(std::size_t slot, unsigned generation) noexcept {
  return static_cast<PortId>(generation % kPortGenerations * limits::kPortsPerNetwork + slot);
}

}  // namespace pontoon::bridge
