// The client's side of a capture. See attach_message.h.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/attach_message.h"
#include "control/paths.h"
#include "core/base/result.h"
#include "core/base/unique_fd.h"

namespace pontoon::control {

class CaptureSession {
 public:
  enum class Event : std::uint8_t {
    none,
    note,      // text() is for people
    captured,  // counts() are there, all is on the stream
    stopped,   // the daemon ends on purpose
    lost,      // it has gone without a word
  };

  static Result<std::unique_ptr<CaptureSession>> open(const Paths& paths,
                                                      const CaptureRequest& request);

  // pcapng comes from here, to its end.
  int stream() const noexcept { return stream_.get(); }
  // Readable when next_event() has something to say.
  int fd() const noexcept { return socket_.get(); }
  Event next_event();
  const std::string& text() const noexcept { return text_; }
  const std::optional<CaptureCounts>& counts() const noexcept { return counts_; }
  // No more frames: what is under way comes, then the stream ends.
  void finish() noexcept;

 private:
  CaptureSession() = default;

  UniqueFd socket_;
  UniqueFd stream_;
  std::string text_;
  std::optional<CaptureCounts> counts_;
};

}  // namespace pontoon::control
