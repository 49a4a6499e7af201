// DNS messages (RFC 1035 4.1) with EDNS(0) (RFC 6891): reading queries, and the constants that
// everything else shares. Writing is in writer.h, reading upstream responses in response.h.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bytes.h"
#include "dns/name.h"

namespace pontoon::dns {

// Open enumerations: any 16-bit value may travel.
enum class RecordType : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  opt = 41,
  ds = 43,
  rrsig = 46,
  dnskey = 48,
  tkey = 249,
  tsig = 250,
  ixfr = 251,
  axfr = 252,
  mailb = 253,
  maila = 254,
  any = 255,
};

enum class RecordClass : std::uint16_t { in = 1, ch = 3, any = 255 };

// With the extension bits of the OPT record (RFC 6891 6.1.3).
enum class Rcode : std::uint16_t {
  no_error = 0,
  form_error = 1,
  server_failure = 2,
  nx_domain = 3,
  not_implemented = 4,
  refused = 5,
  bad_version = 16,
};

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kOptBytes = 11;        // an OPT record without options
constexpr std::size_t kPlainUdpBytes = 512;  // RFC 1035 2.3.4: what a client without EDNS takes

namespace flag {
constexpr std::uint16_t qr = 0x8000;
constexpr std::uint16_t opcode = 0x7800;
constexpr std::uint16_t aa = 0x0400;
constexpr std::uint16_t tc = 0x0200;
constexpr std::uint16_t rd = 0x0100;
constexpr std::uint16_t ra = 0x0080;
constexpr std::uint16_t ad = 0x0020;
constexpr std::uint16_t cd = 0x0010;
constexpr std::uint16_t rcode = 0x000f;
}  // namespace flag

struct Header {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;
  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  std::uint16_t authorities = 0;
  std::uint16_t additionals = 0;

  static Header read(ByteReader& reader) noexcept;
  void write(ByteWriter& writer) const noexcept;
};

struct Edns {
  std::uint16_t payload = kPlainUdpBytes;  // as the sender said; not clamped
  std::uint8_t version = 0;
  bool dnssec_ok = false;
};

// One question, case preserved.
struct Question {
  Name name;
  RecordType type = RecordType::a;
  RecordClass record_class = RecordClass::in;

  // False (and the reader failed) when malformed.
  bool read(ByteReader& reader) noexcept;
  std::size_t size() const noexcept { return name.size() + 4; }
  friend bool operator==(const Question&, const Question&) noexcept = default;  // RFC 4343
};

// A query as it came. Views nothing: it may outlive the bytes.
struct Query {
  std::uint16_t id = 0;
  std::uint16_t flags = 0;           // as they came
  std::optional<Question> question;  // absent when it could not be read
  std::optional<Edns> edns;

  bool recursion_desired() const noexcept { return (flags & flag::rd) != 0; }
  bool checking_disabled() const noexcept { return (flags & flag::cd) != 0; }
  bool dnssec_ok() const noexcept { return edns && edns->dnssec_ok; }
};

enum class Verdict : std::uint8_t {
  answer,  // well-formed: look the question up
  error,   // reply with `rcode`
  drop,    // no reply at all: shorter than a header, or itself a response
};

struct ParsedQuery {
  Verdict verdict = Verdict::drop;
  Rcode rcode = Rcode::no_error;
  Query query;
};

// Rules, in this order:
//   shorter than a header, or QR set                  drop
//   opcode other than QUERY                           NOTIMP
//   QDCOUNT other than 1 (RFC 9619)                   FORMERR
//   records in answer or authority                    FORMERR
//   bytes left over, or missing                       FORMERR
//   two OPT records, OPT not at the root, bad options FORMERR (RFC 6891 6.1.1)
//   OPT version above 0                               BADVERS (RFC 6891 6.1.3)
//   class other than IN                               REFUSED
//   transfers and other meta-types save ANY           REFUSED
// EDNS options and additional records that we do not know are ignored.
ParsedQuery parse_query(ByteView message) noexcept;

// What an answer over UDP may measure: 512 without EDNS, else the client's payload size within 512
// and kDnsUdpPayload.
std::size_t udp_limit(const std::optional<Edns>& edns) noexcept;

// A query of ours to an upstream: `question` with RD and an OPT record of 11 bytes at the end.
// Returns the bytes written into `out` (kMaxUpstreamQueryBytes are always enough).
constexpr std::size_t kMaxUpstreamQueryBytes = kHeaderBytes + kMaxNameBytes + 4 + kOptBytes;
std::size_t write_upstream_query(MutableBytes out, std::uint16_t id, const Question& question,
                                 bool dnssec_ok, bool checking_disabled) noexcept;

// An OPT record of ours, kOptBytes long: our payload size, the upper bits of `rcode`, no options.
void write_opt(ByteWriter& writer, Rcode rcode, bool dnssec_ok) noexcept;

}  // namespace pontoon::dns
