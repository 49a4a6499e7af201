// The DNS server of one network, sans-IO: a chain of responders, in the order in which they are
// asked:
//
//   parse -> zones (authoritative) -> policy -> cache -> join a question in flight -> forwarder
//
// Every query that is not dropped as malformed gets exactly one reply through its ReplySink: at
// once when the answer is ours or cached, else when the forwarder answered, and SERVFAIL at the
// latest after kDnsForwardTimeout. Internal networks never forward; what is not ours is REFUSED
// there (a policy, not a statement that the name does not exist; nobody caches it). A query without
// RD that is not ours is REFUSED too.
//
// A forwarded question is rebuilt: RD, the client's CD and DO bits, no other EDNS options. Its
// response is taken apart record by record before it is cached or handed on: AA is cleared, the
// upstream's OPT is replaced by our own, AD is passed on only to clients that set DO. Clients
// that ask the same question (name, type, DO, CD) while it is in flight wait for one response, and
// each gets its own ID and its own spelling of the name back.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/base/drop.h"
#include "core/base/random.h"
#include "core/base/time.h"
#include "core/base/timer_queue.h"
#include "dns/forwarder.h"
#include "dns/zone.h"

namespace pontoon::dns {

enum class Transport : std::uint8_t { udp, tcp };

// Who asked, and whatever its ReplySink needs to find the way back.
struct Client {
  SocketAddress address;      // the endpoint's
  SocketAddress local;        // what it was sent to; the reply leaves from there
  std::uint64_t session = 0;  // the TCP session's number; 0 over UDP
};

class ReplySink {
 public:
  virtual ~ReplySink() = default;
  // `reply` is a whole message, valid during the call only, and fits the client's UDP limit. May be
  // called from within on_query(). Must not call back into the server.
  virtual void on_reply(const Client& client, Transport transport, ByteView reply,
                        Instant now) noexcept = 0;
};

enum class QueryFate : std::uint8_t {
  replied,  // the sink was called
  waiting,  // the sink will be called
  dropped,  // it won't: not a query. Counted as dns_malformed
};

struct ServerConfig {
  bool internal = false;  // never forward
};

struct ServerCounters {
  std::uint64_t queries = 0;
  std::uint64_t local = 0;   // answered from the zones
  std::uint64_t errors = 0;  // FORMERR, NOTIMP, BADVERS, REFUSED
  std::uint64_t cache_hits = 0;
  std::uint64_t forwarded = 0;  // questions sent upstream
  std::uint64_t joined = 0;     // queries that waited for a question already in flight
  std::uint64_t failures = 0;   // SERVFAIL replies, cached ones included
  std::uint64_t limited = 0;    // of these: kDnsWaiters, kDnsInFlight or ...PerClient reached
  std::uint64_t timeouts = 0;   // questions that the forwarder did not end in time
  std::uint64_t upstream_failures = 0;  // questions that failed otherwise
  std::uint64_t truncated = 0;          // replies with TC
  DropCounters drops;
};

class Server final : public ForwardHandler {
 public:
  // Makes itself the forwarder's handler; the forwarder must outlive it. Sinks must too, or
  // forget() must be called for them.
  Server(const ServerConfig& config, std::shared_ptr<const ZoneSet> zones, Forwarder& forwarder,
         TimerQueue& timers, Random& random);
  ~Server() override;

  // The next query sees the new snapshot.
  void set_zones(std::shared_ptr<const ZoneSet> zones) noexcept;

  QueryFate on_query(const Client& client, ByteView query, Transport transport, ReplySink& sink,
                     Instant now) noexcept;
  void on_forwarded(ForwardTicket ticket, const Result<ByteView, ForwardError>& response,
                    Instant now) noexcept override;

  // Drops every waiting query of this sink without a reply.
  void forget(const ReplySink& sink) noexcept;
  // After the upstreams changed.
  void flush_cache() noexcept;

  const ServerCounters& counters() const noexcept;
  std::size_t in_flight() const noexcept;  // questions
  std::size_t cache_entries() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::dns
