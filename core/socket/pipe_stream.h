// Two streams joined back to back in memory, with bounded buffers: an in-process TCP service (DNS
// over TCP at the gateway) is a flow whose host side is one end of such a pipe. No file
// descriptors, and deterministic.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "core/socket/stream.h"

namespace pontoon {

struct StreamPair {
  std::unique_ptr<Stream> first;
  std::unique_ptr<Stream> second;
};

// Both ends are open at once. `capacity` bytes are held per direction. Closing or aborting one end
// is seen by the other as end or reset; handlers of the other end are called from within the call
// that caused it.
StreamPair make_pipe(std::size_t capacity);

}  // namespace pontoon
