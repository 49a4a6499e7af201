// Where a capture goes: a file or a ring of files, stdout, or lines of text.
#pragma once

#include <cstdint>
#include <memory>

#include "app/capture_options.h"
#include "control/capture_blocks.h"
#include "core/base/result.h"

namespace pontoon::app {

class CaptureOutput {
 public:
  virtual ~CaptureOutput() = default;
  // One block of pcapng. `unavailable`: the reader of the output has gone; anything else is for
  // people.
  virtual Status<> add(control::BlockKind kind, ByteView block) = 0;
  // After each batch: what was added is out.
  virtual Status<> flush() = 0;
  // Frames that were written.
  virtual std::uint64_t frames() const noexcept = 0;
};

// Refuses to write pcapng to a terminal.
Result<std::unique_ptr<CaptureOutput>> open_capture_output(const CapturePlan& plan);

}  // namespace pontoon::app
