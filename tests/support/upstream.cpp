#include "tests/support/upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace pontoon::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

UniqueFd open_bound(int type, std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  if (type == SOCK_STREAM && ::listen(fd.get(), 16) != 0) return {};
  return fd;
}

std::uint16_t port_of(const UniqueFd& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

Upstream::Upstream(Answer answer) : answer_(std::move(answer)) {
  // The port that UDP got may be taken for TCP: try again.
  for (int i = 0; i < 20 && !listener_; ++i) {
    udp_ = open_bound(SOCK_DGRAM, 0);
    if (udp_) listener_ = open_bound(SOCK_STREAM, port_of(udp_));
  }
  if (!listener_) throw std::runtime_error("no port for the upstream");
  address_ = {Ipv4Address::of(127, 0, 0, 1), port_of(udp_)};
}

void Upstream::serve() {
  serve_udp();
  for (;;) {
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) break;
    connections_.push_back({std::move(fd), {}});
  }
  for (Connection& connection : connections_)
    serve_tcp(connection);
}

void Upstream::serve_udp() {
  std::array<std::uint8_t, 4096> buffer;
  for (;;) {
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t count = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
    if (count < 0) return;
    udp_queries.emplace_back(buffer.begin(), buffer.begin() + count);
    source_ports.push_back(ntohs(from.sin_port));
    for (const Bytes& reply : answer_(udp_queries.back(), false)) {
      ::sendto(udp_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }
}

void Upstream::serve_tcp(Connection& connection) {
  std::array<std::uint8_t, 4096> buffer;
  const ssize_t count = ::recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
  if (count > 0) {
    connection.input.insert(connection.input.end(), buffer.begin(), buffer.begin() + count);
  }
  Bytes& input = connection.input;
  while (input.size() >= 2) {
    const std::size_t length = std::size_t{input[0]} << 8 | input[1];
    if (input.size() < 2 + length) return;
    const auto end = input.begin() + static_cast<std::ptrdiff_t>(2 + length);
    tcp_queries.emplace_back(input.begin() + 2, end);
    input.erase(input.begin(), end);
    for (Bytes reply : answer_(tcp_queries.back(), true)) {
      reply.insert(reply.begin(), {static_cast<std::uint8_t>(reply.size() >> 8),
                                   static_cast<std::uint8_t>(reply.size())});
      ::send(connection.fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
    }
  }
}

}  // namespace pontoon::test
