// Where questions go that are not ours. cares_forwarder.h implements it over c-ares, tests with a
// script.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/base/time.h"

namespace pontoon::dns {

// Chosen by the caller of forward(); means nothing to the forwarder.
enum class ForwardTicket : std::uint64_t {};

enum class ForwardError : std::uint8_t {
  no_servers,  // none is configured, or only ourselves
  overloaded,  // a limit of the forwarder is reached, or the host has no sockets left
  timed_out,   // nobody answered in time
  failed,      // every upstream was unreachable or answered with SERVFAIL, REFUSED or NOTIMP
  malformed,   // the answer is not one to our question
};

class ForwardHandler {
 public:
  virtual ~ForwardHandler() = default;
  // Exactly once for each accepted forward(), unless it was cancelled; never from within forward().
  // A response has the query's ID and question, whatever its records are worth. It is valid during
  // the call only. May call forward() and cancel().
  virtual void on_forwarded(ForwardTicket ticket, const Result<ByteView, ForwardError>& response,
                            Instant now) noexcept = 0;
};

class Forwarder {
 public:
  virtual ~Forwarder() = default;
  virtual void set_handler(ForwardHandler* handler) noexcept = 0;
  // `query` is a whole message with its ID and, at its end, an OPT record of 11 bytes
  // (write_upstream_query); it is copied. An error means that on_forwarded() won't be called.
  virtual Status<ForwardError> forward(ForwardTicket ticket, ByteView query,
                                       Instant now) noexcept = 0;
  // Forgets a query; its handler won't be called. Unknown tickets are fine.
  virtual void cancel(ForwardTicket ticket) noexcept = 0;
};

}  // namespace pontoon::dns
