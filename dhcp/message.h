// DHCPv4 messages (RFC 2131 2, options RFC 2132): bounded parser and emitter.
//
// Parsing takes options that are split over several instances (RFC 3396), continued in `file` and
// `sname` (option 52), padded, and followed by bytes after END; a missing END is forgiven. A length
// that runs out of its area, a fixed-size option of another size, a bad option 52, a message that
// is not Ethernet's (htype 1, hlen 6) or longer than kDhcpMessageBytes makes the whole message
// malformed. Options that we do not use are skipped; variable-size ones of size 0 count as absent.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/bytes.h"

namespace pontoon::dhcp {

enum class MessageType : std::uint8_t {
  discover = 1,
  offer = 2,
  request = 3,
  decline = 4,
  ack = 5,
  nak = 6,
  release = 7,
  inform = 8,
};

enum class OptionCode : std::uint8_t {
  pad = 0,
  subnet_mask = 1,
  routers = 3,
  dns_servers = 6,
  host_name = 12,
  domain_name = 15,
  interface_mtu = 26,
  broadcast_address = 28,
  requested_address = 50,
  lease_time = 51,
  overload = 52,
  message_type = 53,
  server_identifier = 54,
  parameter_requests = 55,
  maximum_message_size = 57,
  renewal_time = 58,
  rebinding_time = 59,
  client_identifier = 61,
  relay_agent_information = 82,
  end = 255,
};

// `sname` and `file` carry options or nothing: we neither boot anybody nor care what they say.
struct Message {
  bool from_client = true;  // op: BOOTREQUEST or BOOTREPLY
  std::uint8_t hops = 0;
  std::uint32_t xid = 0;
  std::uint16_t secs = 0;
  bool broadcast = false;            // the one flag that is defined
  std::uint16_t reserved_flags = 0;  // the others: repeated, not looked at
  Ipv4Address ciaddr;
  Ipv4Address yiaddr;
  Ipv4Address siaddr;
  Ipv4Address giaddr;
  MacAddress chaddr;
  std::array<std::uint8_t, 10> chaddr_rest{};  // behind the address: repeated, not looked at

  MessageType type = MessageType::discover;
  std::optional<Ipv4Address> subnet_mask;
  std::vector<Ipv4Address> routers;
  std::vector<Ipv4Address> dns_servers;
  std::string host_name;
  std::string domain_name;
  std::optional<std::uint16_t> interface_mtu;
  std::optional<Ipv4Address> broadcast_address;
  std::optional<Ipv4Address> requested_address;
  std::optional<std::uint32_t> lease_time_s;  // 0xffffffff: forever
  std::optional<Ipv4Address> server_identifier;
  std::vector<std::uint8_t> parameter_requests;
  std::optional<std::uint16_t> maximum_message_size;
  std::optional<std::uint32_t> renewal_time_s;
  std::optional<std::uint32_t> rebinding_time_s;
  std::vector<std::uint8_t> client_identifier;
  std::vector<std::uint8_t> relay_agent_information;

  // nullopt when malformed, or without option 53 (BOOTP).
  static std::optional<Message> parse(ByteView payload);

  // At most `limit` bytes (240 or more), at least 300 (RFC 1542 2.1) unless `limit` is smaller.
  // Options go out in the order of their importance: type, server, lease time and client
  // identifier, then those of `preferred` in its order, then the others; relay agent information is
  // the last (RFC 3046 2.2). What exceeds the room continues in `file` and `sname`; what does not
  // fit even there is left out. Client identifiers and relay agent information are cut up before.
  std::vector<std::uint8_t> emit(std::size_t limit, ByteView preferred = {}) const;

  friend bool operator==(const Message&, const Message&) = default;
};

// The UDP payload that a client takes: what option 57 says, which counts IP and UDP headers and is
// never below 576 (RFC 2132 9.10), but no more than fits `mtu`.
std::size_t reply_limit(const Message& request, std::uint16_t mtu) noexcept;

}  // namespace pontoon::dhcp
