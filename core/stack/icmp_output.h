// ICMP messages to endpoints: echo replies, and errors about what they sent, within the bounds of
// RFC 1812 4.3.2 and RFC 4443 2.4.
#pragma once

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

class IcmpOutput {
 public:
  IcmpOutput(const Addresses& addresses, IpOutput& output, DropCounters& drops) noexcept
      : addresses_(addresses),
        output_(output),
        drops_(drops),
        limit_(limits::kIcmpErrorsPerSecond, limits::kIcmpErrorBurst) {}

  bool send_echo_reply(const EchoRequest& about, ByteView payload, Instant now) noexcept;
  // The quoted packet is rebuilt from the fields.
  bool send_error(const IcmpErrorSpec& error, Instant now) noexcept;
  // Quotes the packet; says nothing where nothing may be said.
  void complain(const Offender& about, const IcmpMessage& message, Instant now) noexcept;

 private:
  bool admit(Instant now) noexcept;
  // `quote`: what follows the ICMP header, in a frame of its own.
  bool send_message(const Route& route, const IcmpMessage& message, FrameRef quote,
                    Instant now) noexcept;

  const Addresses& addresses_;
  IpOutput& output_;
  DropCounters& drops_;
  TokenBucket limit_;
};

}  // namespace pontoon::stack
