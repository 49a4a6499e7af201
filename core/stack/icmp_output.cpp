#include "core/stack/icmp_output.h"

#include <algorithm>

#include "core/wire/icmp.h"
#include "core/wire/icmpv6.h"
#include "core/wire/ipv4.h"
#include "core/wire/ipv6.h"
#include "core/wire/tcp.h"
#include "core/wire/udp.h"

namespace pontoon::stack {
namespace {

using wire::IpProtocol;

constexpr std::size_t kIcmpHeader = 8;

// RFC 1812 4.3.2.3: as much of the packet as fits into 576 bytes altogether; RFC 4443 2.4 (c): into
// IPv6's minimum MTU.
std::size_t max_quote(bool v4) noexcept {
  return v4 ? 576 - wire::Ipv4View::kMinHeaderSize - kIcmpHeader
            : 1280 - wire::Ipv6View::kHeaderSize - kIcmpHeader;
}

IpProtocol protocol_of(const IcmpErrorSpec& error) noexcept {
  switch (error.quoted) {
    case IcmpErrorSpec::Quoted::tcp:
      return IpProtocol::tcp;
    case IcmpErrorSpec::Quoted::udp:
      return IpProtocol::udp;
    case IcmpErrorSpec::Quoted::echo:
      break;
  }
  return error.flow.initiator.ip.is_v4() ? IpProtocol::icmp : IpProtocol::icmpv6;
}

void quote_echo(const IcmpErrorSpec& error, Frame& frame, ByteView payload) noexcept {
  const IpAddress& source = error.flow.initiator.ip;
  const std::uint16_t identifier = error.flow.initiator.port;
  const MutableBytes header = frame.prepend(kIcmpHeader);
  if (source.is_v4()) {
    wire::IcmpRepr::echo_request(identifier, error.echo_sequence).emit(header, payload);
    return;
  }
  wire::Icmpv6Repr::echo_request(identifier, error.echo_sequence)
      .emit(header, payload, source, error.flow.target.ip);
}

// The transport header as the endpoint had sent it, so far as we know.
void quote_transport(const IcmpErrorSpec& error, Frame& frame) noexcept {
  const ByteView payload = frame.bytes();
  const SocketAddress& source = error.flow.initiator;
  const SocketAddress& target = error.flow.target;
  switch (error.quoted) {
    case IcmpErrorSpec::Quoted::tcp: {
      wire::TcpRepr repr;
      repr.source_port = source.port;
      repr.destination_port = target.port;
      repr.sequence = {error.tcp_sequence};
      repr.emit(frame.prepend(repr.header_size()), payload, source.ip, target.ip);
      return;
    }
    case IcmpErrorSpec::Quoted::udp: {
      const wire::UdpRepr repr{source.port, target.port};
      repr.emit(frame.prepend(wire::UdpRepr::header_size()), payload, source.ip, target.ip);
      return;
    }
    case IcmpErrorSpec::Quoted::echo:
      quote_echo(error, frame, payload);
      return;
  }
}

void quote_ip(const IcmpErrorSpec& error, Frame& frame) noexcept {
  const IpAddress& source = error.flow.initiator.ip;
  const IpAddress& target = error.flow.target.ip;
  const auto length = static_cast<std::uint16_t>(frame.size());
  if (source.is_v4()) {
    wire::Ipv4Repr repr;
    repr.source = source.v4();
    repr.destination = target.v4();
    repr.protocol = protocol_of(error);
    repr.payload_length = length;
    repr.dont_fragment = error.reason == Unreachable::too_big;
    repr.emit(frame.prepend(repr.header_size()));
    return;
  }
  wire::Ipv6Repr repr;
  repr.source = source.v6();
  repr.destination = target.v6();
  repr.next_header = protocol_of(error);
  repr.payload_length = length;
  repr.emit(frame.prepend(wire::Ipv6Repr::header_size()));
}

}  // namespace

// Endpoints of one network differ in the last octets first. The families are apart, as an endpoint
// may choose among IPv6 addresses, but has one of IPv4.
TokenBucket& IcmpOutput::limit_of(const IpAddress& endpoint) noexcept {
  constexpr std::size_t buckets = limits::kIcmpErrorBuckets;
  if (endpoint.is_v4()) return limits_[endpoint.v4().value % buckets];
  return limits_[buckets + endpoint.octets()[15] % buckets];
}

bool IcmpOutput::admit(const IpAddress& endpoint, Instant now) noexcept {
  if (limit_of(endpoint).take(now)) return true;
  drops_.count(DropReason::icmp_limit);
  return false;
}

bool IcmpOutput::send_echo_reply(const EchoRequest& about, ByteView payload, Instant now) noexcept {
  FrameRef frame = output_.allocate(kIcmpHeader + payload.size());
  if (!frame) return false;
  const MutableBytes header = frame->append(kIcmpHeader);
  std::copy(payload.begin(), payload.end(), frame->append(payload.size()).begin());
  const Route route{about.target, about.source, std::nullopt};
  if (about.source.is_v4()) {
    wire::IcmpRepr::echo_reply(about.identifier, about.sequence).emit(header, payload);
    return output_.send(route, IpProtocol::icmp, std::move(frame), now);
  }
  wire::Icmpv6Repr::echo_reply(about.identifier, about.sequence)
      .emit(header, payload, route.source, route.target);
  return output_.send(route, IpProtocol::icmpv6, std::move(frame), now);
}

bool IcmpOutput::send_error(const IcmpErrorSpec& error, Instant now) noexcept {
  const IpAddress& endpoint = error.flow.initiator.ip;
  INVARIANT(endpoint.is_v4() == error.flow.target.ip.is_v4());
  if (!admit(endpoint, now)) return false;
  const bool v4 = endpoint.is_v4();
  const std::size_t headers = (v4 ? wire::Ipv4View::kMinHeaderSize : wire::Ipv6View::kHeaderSize) +
                              wire::TcpView::kMinHeaderSize;
  const std::size_t quoted = std::min(error.payload.size(), max_quote(v4) - headers);
  FrameRef frame = output_.allocate(quoted);
  if (!frame) return false;
  std::copy_n(error.payload.begin(), quoted, frame->append(quoted).begin());
  quote_transport(error, *frame);
  quote_ip(error, *frame);
  const IpAddress reporter = error.reporter && error.reporter->is_v4() == v4
                                 ? *error.reporter
                                 : addresses_.toward(endpoint);
  return send_message(Route{reporter, endpoint, std::nullopt},
                      icmp_message(endpoint.family(), error.reason, error.mtu), std::move(frame),
                      now);
}

void IcmpOutput::complain(const Offender& about, const IcmpMessage& message, Instant now) noexcept {
  const IpFamily family = about.source.family();
  if (!about.may_be_answered ||
      is_icmp_error(family, static_cast<std::uint8_t>(about.protocol), about.transport)) {
    return;
  }
  if (!admit(about.source, now)) return;
  const std::size_t size = std::min(about.whole.size(), max_quote(family == IpFamily::v4));
  FrameRef frame = output_.allocate(size);
  if (!frame) return;
  std::copy_n(about.whole.begin(), size, frame->append(size).begin());
  // RFC 4443 2.2 (a): the answer comes from the address that was asked, when it is ours.
  const IpAddress source =
      addresses_.ours(about.target) ? about.target : addresses_.toward(about.source);
  send_message(Route{source, about.source, std::nullopt}, message, std::move(frame), now);
}

bool IcmpOutput::send_message(const Route& route, const IcmpMessage& message, FrameRef quote,
                              Instant now) noexcept {
  const ByteView quoted = quote->bytes();
  const MutableBytes header = quote->prepend(kIcmpHeader);
  if (route.target.is_v4()) {
    wire::IcmpRepr{static_cast<wire::IcmpType>(message.type), message.code, message.rest}.emit(
        header, quoted);
    return output_.send(route, IpProtocol::icmp, std::move(quote), now);
  }
  wire::Icmpv6Repr{static_cast<wire::Icmpv6Type>(message.type), message.code, message.rest}.emit(
      header, quoted, route.source, route.target);
  return output_.send(route, IpProtocol::icmpv6, std::move(quote), now);
}

}  // namespace pontoon::stack
