// DNS messages as tests write and read them: a builder and a strict decoder that share no code with
// dns/ except names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/address.h"
#include "core/base/bytes.h"

namespace pontoon::test {

using Bytes = std::vector<std::uint8_t>;

struct DnsRecord {
  std::string name;
  std::uint16_t type = 0;
  std::uint16_t record_class = 1;
  std::uint32_t ttl = 0;
  Bytes data;
  std::string
      text;  // decoded: the address of A and AAAA, the target of PTR, NS, CNAME, SOA's primary
};

struct DnsMessage {
  std::uint16_t id = 0x1234;
  std::uint16_t flags = 0x0100;  // RD
  std::string name;              // of the only question; empty: no question
  std::uint16_t type = 1;
  std::uint16_t record_class = 1;
  std::vector<DnsRecord> answers;
  std::vector<DnsRecord> authorities;
  std::vector<DnsRecord> additionals;  // OPT not among them
  struct Opt {
    std::uint16_t payload = 1232;
    std::uint8_t extended_rcode = 0;
    std::uint8_t version = 0;
    bool dnssec_ok = false;
    Bytes options;
  };
  std::optional<Opt> opt;

  unsigned rcode() const { return (flags & 15U) | (opt ? opt->extended_rcode * 16U : 0U); }
  bool has(std::uint16_t flag) const { return (flags & flag) == flag; }
  std::vector<std::string> texts() const;  // of the answers
};

// Without compression. A name's labels are cut at the dots.
Bytes encode(const DnsMessage& message);
// Throws std::runtime_error when malformed or when bytes are left over.
DnsMessage decode(ByteView bytes);

DnsMessage question(std::string name, std::uint16_t type = 1);
DnsRecord address_record(std::string name, std::uint32_t ttl, std::string_view address);
DnsRecord name_record(std::string name, std::uint16_t type, std::uint32_t ttl, std::string_view to);
DnsRecord soa_record(std::string name, std::uint32_t ttl, std::uint32_t minimum);
// The beginning of a response to an encoded query: QR and RA set, ID and question taken over.
DnsMessage response_to(ByteView query, unsigned rcode = 0);

}  // namespace pontoon::test
