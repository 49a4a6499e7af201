// DNS over TCP (RFC 1035 4.2.2, RFC 7766): messages with a two-byte length in front, pipelined,
// answered in whatever order the answers come.
//
// A session reads while less than kDnsTcpBacklogBytes wait to be written, so a client that does not
// read its answers stops only itself. It ends
//   - orderly when the client has shut down and every query of its was answered,
//   - when nothing happened for kDnsTcpIdle: no complete query and no byte written,
//   - at once when a message is longer than kDnsTcpQueryBytes or is not a query.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/address.h"
#include "core/base/time.h"
#include "core/base/timer_queue.h"
#include "core/socket/stream.h"
#include "dns/server.h"

namespace pontoon::dns {

struct TcpServiceCounters {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;  // kDnsTcpClients or kDnsTcpClientsPerAddress reached
  std::uint64_t queries = 0;
  std::uint64_t idle = 0;       // ended by kDnsTcpIdle
  std::uint64_t malformed = 0;  // ended because of what the client sent
};

class DnsTcpService final : public ReplySink {
 public:
  // The server must outlive the service.
  DnsTcpService(Server& server, TimerQueue& timers);
  ~DnsTcpService() override;

  // Takes an open (or opening) stream over. False when a limit is reached: the stream was aborted.
  // `local` is what the client connected to.
  bool accept(std::unique_ptr<Stream> stream, const SocketAddress& client,
              const SocketAddress& local, Instant now);

  // Reads, answers and writes on the sessions that became ready; bounded. has_work() says that
  // another call is due at once.
  void pump(Instant now) noexcept;
  bool has_work() const noexcept;

  std::size_t sessions() const noexcept;
  const TcpServiceCounters& counters() const noexcept;

  void on_reply(const Client& client, Transport transport, ByteView reply,
                Instant now) noexcept override;

 private:
  class Impl;
  Server& server_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::dns
