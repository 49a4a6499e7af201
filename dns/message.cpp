#include "dns/message.h"

#include <algorithm>

#include "core/base/limits.h"

namespace pontoon::dns {
namespace {

constexpr std::uint16_t kDnssecOk = 0x8000;  // RFC 3225 3

std::size_t total_records(const Header& header) noexcept {
  return std::size_t{header.answers} + header.authorities + header.additionals;
}

// RFC 6891 6.1.2: options are (code, length, data), and fill the record exactly.
bool options_well_formed(ByteView data) noexcept {
  ByteReader reader(data);
  while (reader.ok() && reader.remaining() > 0) {
    reader.skip(2);
    reader.skip(reader.u16());
  }
  return reader.ok();
}

// Reads one additional record. False: the message is malformed.
bool read_additional(ByteReader& reader, std::optional<Edns>& edns) noexcept {
  const std::size_t start = reader.position();
  if (!skip_name(reader)) return false;
  const bool at_root = reader.position() == start + 1;
  const auto type = static_cast<RecordType>(reader.u16());
  const std::uint16_t record_class = reader.u16();
  const std::uint32_t ttl = reader.u32();
  const ByteView data = reader.take(reader.u16());
  if (!reader.ok()) return false;
  if (type != RecordType::opt) return true;
  // RFC 6891 6.1.1: "If a query message with more than one OPT RR is received, a FORMERR (RCODE=1)
  // MUST be returned."
  if (edns || !at_root || !options_well_formed(data)) return false;
  edns = Edns{record_class, static_cast<std::uint8_t>(ttl >> 16), (ttl & kDnssecOk) != 0};
  return true;
}

bool is_meta(RecordType type) noexcept {
  switch (type) {
    case RecordType::opt:
    case RecordType::tkey:
    case RecordType::tsig:
    case RecordType::ixfr:
    case RecordType::axfr:
    case RecordType::mailb:
    case RecordType::maila:
      return true;
    default:
      return static_cast<std::uint16_t>(type) == 0;
  }
}

bool read_additionals(ByteReader& reader, const Header& header,
                      std::optional<Edns>& edns) noexcept {
  if (header.additionals > limits::kDnsAdditionalRecords) return false;
  for (unsigned i = 0; i < header.additionals; ++i) {
    if (!read_additional(reader, edns)) return false;
  }
  return reader.remaining() == 0;
}

bool skip_record(ByteReader& reader) noexcept {
  if (!skip_name(reader)) return false;
  reader.skip(8);
  reader.skip(reader.u16());
  return reader.ok();
}

// Of a message that we don't serve: what the refusal repeats of it, as far as it can be read. RFC
// 6891 6.1.1: "If an OPT record is present in a received request, compliant responders MUST include
// an OPT record in their respective responses."
void read_for_refusal(ByteReader reader, const Header& header, Query& query) noexcept {
  const std::size_t skipped = std::size_t{header.answers} + header.authorities;
  if (header.questions + skipped > limits::kDnsAdditionalRecords) return;
  Question question;
  for (unsigned i = 0; i < header.questions; ++i) {
    if (!question.read(reader)) return;
  }
  for (std::size_t i = 0; i < skipped; ++i) {
    if (!skip_record(reader)) return;
  }
  std::optional<Edns> edns;
  if (!read_additionals(reader, header, edns)) return;
  query.edns = edns;
  if (header.questions == 1) query.question = question;
}

ParsedQuery failed(Query& query, Rcode rcode) noexcept {
  return {Verdict::error, rcode, query};
}

}  // namespace

Header Header::read(ByteReader& reader) noexcept {
  Header header;
  header.id = reader.u16();
  header.flags = reader.u16();
  header.questions = reader.u16();
  header.answers = reader.u16();
  header.authorities = reader.u16();
  header.additionals = reader.u16();
  return header;
}

void Header::write(ByteWriter& writer) const noexcept {
  for (const std::uint16_t field : {id, flags, questions, answers, authorities, additionals})
    writer.u16(field);
}

bool Question::read(ByteReader& reader) noexcept {
  const auto read_name = Name::read(reader);
  type = static_cast<RecordType>(reader.u16());
  record_class = static_cast<RecordClass>(reader.u16());
  if (!read_name || !reader.ok()) return false;
  name = *read_name;
  return true;
}

ParsedQuery parse_query(ByteView message) noexcept {
  ParsedQuery parsed;
  Query& query = parsed.query;
  ByteReader reader(message);
  const Header header = Header::read(reader);
  if (!reader.ok() || (header.flags & flag::qr) != 0) return parsed;
  query.id = header.id;
  query.flags = header.flags;
  // RFC 9619 4: more than one question is malformed. Nor is there anything to answer without one.
  const bool other_opcode = (header.flags & flag::opcode) != 0;
  if (other_opcode || header.questions != 1) {
    read_for_refusal(reader, header, query);
    return failed(query, other_opcode ? Rcode::not_implemented : Rcode::form_error);
  }
  Question question;
  if (!question.read(reader)) return failed(query, Rcode::form_error);
  query.question = question;
  if (total_records(header) != header.additionals) return failed(query, Rcode::form_error);
  if (!read_additionals(reader, header, query.edns)) return failed(query, Rcode::form_error);
  if (query.edns && query.edns->version > 0) return failed(query, Rcode::bad_version);
  if (question.record_class != RecordClass::in) return failed(query, Rcode::refused);
  if (is_meta(question.type)) return failed(query, Rcode::refused);
  parsed.verdict = Verdict::answer;
  return parsed;
}

std::size_t udp_limit(const std::optional<Edns>& edns) noexcept {
  if (!edns) return kPlainUdpBytes;
  // RFC 6891 6.2.3: "Values lower than 512 MUST be treated as equal to 512."
  return std::clamp<std::size_t>(edns->payload, kPlainUdpBytes, limits::kDnsUdpPayload);
}

std::size_t write_upstream_query(MutableBytes out, std::uint16_t id, const Question& question,
                                 bool dnssec_ok, bool checking_disabled) noexcept {
  ByteWriter writer(out);
  Header header;
  header.id = id;
  header.flags = static_cast<std::uint16_t>(flag::rd | (checking_disabled ? flag::cd : 0));
  header.questions = 1;
  header.additionals = 1;
  header.write(writer);
  writer.bytes(question.name.wire());
  writer.u16(static_cast<std::uint16_t>(question.type));
  writer.u16(static_cast<std::uint16_t>(question.record_class));
  write_opt(writer, Rcode::no_error, dnssec_ok);
  return writer.ok() ? writer.position() : 0;
}

void write_opt(ByteWriter& writer, Rcode rcode, bool dnssec_ok) noexcept {
  writer.u8(0);  // the root
  writer.u16(static_cast<std::uint16_t>(RecordType::opt));
  writer.u16(static_cast<std::uint16_t>(limits::kDnsUdpPayload));
  writer.u8(static_cast<std::uint8_t>(static_cast<unsigned>(rcode) >> 4));
  writer.u8(0);  // version
  writer.u16(dnssec_ok ? kDnssecOk : 0);
  writer.u16(0);  // no options
}

}  // namespace pontoon::dns
