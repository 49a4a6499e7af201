// The captures of one daemon. A capture is a connection of the attach protocol with a stream beside
// it, one end of a socket pair that the client made: pcapng goes there. It ends when the client
// shuts its end of the stream for writing (what is queued still goes out, then the statistics),
// when the connection closes, or with its network.
//
// The daemon never waits for a reader: what the stream does not take stays in a queue of
// limits::kCaptureQueueBytes, and what finds no room there is counted.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/model.h"
#include "control/service.h"
#include "core/base/unique_fd.h"

namespace pontoon::control {

// What the connection passes on to the client.
struct CaptureEvents {
  std::function<void(const std::string& text)> note;
  // All is written that will be; the stream is closed.
  std::function<void(const CaptureCounts& counts)> ended;
};

class CaptureHub {
 public:
  class Capture;

  CaptureHub(boost::asio::io_context& io, Service& service) : io_(io), service_(service) {}

  // The error is the user's: an unknown target, a filter that is none, too many captures, a
  // descriptor that is no connected UNIX stream.
  Result<std::shared_ptr<Capture>> start(const CaptureRequest& request, UniqueFd stream,
                                         CaptureEvents events);
  // The statistics, as far as the reader takes them now; then the stream is closed.
  static void finish(Capture& capture);
  // At once, without a word.
  static void stop(Capture& capture) noexcept;

 private:
  boost::asio::io_context& io_;
  Service& service_;
  std::vector<std::weak_ptr<Capture>> captures_;
};

}  // namespace pontoon::control
