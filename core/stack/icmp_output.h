// ICMP messages to endpoints: echo replies, and errors about what they sent, within the bounds of
// RFC 1812 4.3.2 and RFC 4443 2.4.
#pragma once

#include <array>

#include "core/stack/icmp_rules.h"
#include "core/stack/ip_output.h"

namespace pontoon::stack {

// A packet from an endpoint that an error may be about.
struct Offender {
  IpAddress source;
  IpAddress target;
  bool may_be_answered = false;  // unicast on the link and in IP, from an address of the link
  wire::IpProtocol protocol{};
  ByteView whole;      // from the IP header on
  ByteView transport;  // to see whether it is an ICMP error itself
};

// Errors are limited per endpoint that gets them: one that provokes as many as it can must not cost
// the others theirs, without which refused is a timeout and path MTU discovery a black hole.
class IcmpOutput {
 public:
  IcmpOutput(const Addresses& addresses, IpOutput& output, DropCounters& drops) noexcept
      : addresses_(addresses), output_(output), drops_(drops) {
    limits_.fill(TokenBucket(limits::kIcmpErrorsPerSecond, limits::kIcmpErrorBurst));
  }

  bool send_echo_reply(const EchoRequest& about, ByteView payload, Instant now) noexcept;
  // The quoted packet is rebuilt from the fields.
  bool send_error(const IcmpErrorSpec& error, Instant now) noexcept;
  // Quotes the packet; says nothing where nothing may be said.
  void complain(const Offender& about, const IcmpMessage& message, Instant now) noexcept;

 private:
  bool admit(const IpAddress& endpoint, Instant now) noexcept;
  TokenBucket& limit_of(const IpAddress& endpoint) noexcept;
  // `quote`: what follows the ICMP header, in a frame of its own.
  bool send_message(const Route& route, const IcmpMessage& message, FrameRef quote,
                    Instant now) noexcept;

  const Addresses& addresses_;
  IpOutput& output_;
  DropCounters& drops_;
  std::array<TokenBucket, 2 * limits::kIcmpErrorBuckets> limits_;
};

}  // namespace pontoon::stack
