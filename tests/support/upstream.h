// A name server of the test's own on 127.0.0.1, UDP and TCP on one port. The test polls it: no
// threads.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "core/base/address.h"
#include "core/base/unique_fd.h"
#include "tests/support/dns.h"

namespace pontoon::test {

class Upstream {
 public:
  // Given a query, what to send back; an empty vector is silence.
  using Answer = std::function<std::vector<Bytes>(const Bytes& query, bool tcp)>;

  explicit Upstream(Answer answer);
  SocketAddress address() const { return address_; }
  // Works off what has arrived, without blocking.
  void serve();

  std::vector<Bytes> udp_queries;
  std::vector<Bytes> tcp_queries;
  std::vector<std::uint16_t> source_ports;  // of the UDP queries

 private:
  struct Connection {
    UniqueFd fd;
    Bytes input;
  };
  void serve_udp();
  void serve_tcp(Connection& connection);

  Answer answer_;
  SocketAddress address_;
  UniqueFd udp_;
  UniqueFd listener_;
  std::vector<Connection> connections_;
};

}  // namespace pontoon::test
