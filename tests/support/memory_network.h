// The host in memory, under the names that the tests use.
#pragma once

#include "lab/world/memory_network.h"

namespace pontoon::test {

using lab::MemoryNetwork;
using lab::read_all;
using lab::write_all;

}  // namespace pontoon::test
