#include "lab/world/upstream_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "core/base/address.h"
#include "core/base/limits.h"
#include "dns/message.h"
#include "dns/name.h"
#include "dns/response.h"

namespace pontoon::lab {
namespace {

using Data = std::vector<std::uint8_t>;

constexpr Duration kSlowness = std::chrono::seconds(3);  // within limits::kDnsForwardTimeout
constexpr unsigned kCnames = 8;                          // followed from one question
constexpr std::uint32_t kLieTtl = 60;
constexpr std::uint32_t kDenialTtl = 60;
constexpr std::size_t kTextBytes = 255;  // RFC 1035 3.3: one character-string

struct TypeName {
  std::string_view name;
  dns::RecordType type;
};
constexpr std::array<TypeName, 8> kTypes{{{"A", dns::RecordType::a},
                                          {"AAAA", dns::RecordType::aaaa},
                                          {"CNAME", dns::RecordType::cname},
                                          {"PTR", dns::RecordType::ptr},
                                          {"NS", dns::RecordType::ns},
                                          {"TXT", dns::RecordType::txt},
                                          {"MX", dns::RecordType::mx},
                                          {"SRV", dns::RecordType::srv}}};

std::optional<unsigned> number(std::string_view text, unsigned most, int base = 10) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

std::optional<std::uint16_t> type_from(std::string_view text) {
  for (const TypeName& known : kTypes) {
    if (known.name == text) return static_cast<std::uint16_t>(known.type);
  }
  if (!text.starts_with("TYPE")) return std::nullopt;
  const auto value = number(text.substr(4), 0xffff);
  return value ? std::optional(static_cast<std::uint16_t>(*value)) : std::nullopt;
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (true) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return out;
    const auto end = std::min(text.find(' ', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

void add_u16(Data& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void add_u32(Data& out, std::uint32_t value) {
  add_u16(out, value >> 16);
  add_u16(out, value & 0xffff);
}

bool add_name(Data& out, std::string_view text) {
  const auto name = dns::Name::from_text(text);
  if (name) out.insert(out.end(), name->wire().begin(), name->wire().end());
  return name.has_value();
}

// RFC 3597 5: "\# 4 0A000001", the octets in any number of groups.
std::optional<Data> unknown_data(const std::vector<std::string_view>& parts) {
  if (parts.size() < 2 || parts[0] != "\\#") return std::nullopt;
  const auto length = number(parts[1], 0xffff);
  Data out;
  for (std::size_t i = 2; i < parts.size(); ++i) {
    if (parts[i].size() % 2 != 0) return std::nullopt;
    for (std::size_t at = 0; at < parts[i].size(); at += 2) {
      const auto octet = number(parts[i].substr(at, 2), 0xff, 16);
      if (!octet) return std::nullopt;
      out.push_back(static_cast<std::uint8_t>(*octet));
    }
  }
  if (!length || out.size() != *length) return std::nullopt;
  return out;
}

std::optional<Data> address_data(std::string_view text, IpFamily family) {
  const auto address = IpAddress::parse(text);
  if (!address || address->family() != family) return std::nullopt;
  if (family == IpFamily::v6) return Data(address->octets().begin(), address->octets().end());
  const auto bytes = address->v4().bytes();
  return Data(bytes.begin(), bytes.end());
}

// Numbers of 16 bits, then a name: MX has one of them, SRV three.
std::optional<Data> numbered_name(const std::vector<std::string_view>& parts, std::size_t numbers) {
  if (parts.size() != numbers + 1) return std::nullopt;
  Data out;
  for (std::size_t i = 0; i < numbers; ++i) {
    const auto value = number(parts[i], 0xffff);
    if (!value) return std::nullopt;
    add_u16(out, *value);
  }
  if (!add_name(out, parts.back())) return std::nullopt;
  return out;
}

Data text_data(std::string_view text) {
  Data out;
  do {
    const std::string_view piece = text.substr(0, kTextBytes);
    out.push_back(static_cast<std::uint8_t>(piece.size()));
    out.insert(out.end(), piece.begin(), piece.end());
    text.remove_prefix(piece.size());
  } while (!text.empty());
  return out;
}

std::optional<Data> data_from(std::uint16_t type, std::string_view text) {
  switch (dns::RecordType{type}) {
    case dns::RecordType::a:
      return address_data(text, IpFamily::v4);
    case dns::RecordType::aaaa:
      return address_data(text, IpFamily::v6);
    case dns::RecordType::cname:
    case dns::RecordType::ptr:
    case dns::RecordType::ns:
      return numbered_name({text}, 0);
    case dns::RecordType::mx:
      return numbered_name(words(text), 1);
    case dns::RecordType::srv:
      return numbered_name(words(text), 3);
    case dns::RecordType::txt:
      return text_data(text);
    default:
      return unknown_data(words(text));
  }
}

Data lower(ByteView name) {
  Data out(name.begin(), name.end());
  for (std::uint8_t& byte : out) {
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<std::uint8_t>(byte - 'A' + 'a');
  }
  return out;
}

// A response as it grows: header, question, then records without compression.
class ResponseText {
 public:
  ResponseText(const dns::Query& query, dns::Rcode rcode) : with_opt_(query.edns.has_value()) {
    add_u16(bytes_, query.id);
    add_u16(bytes_, dns::flag::qr | dns::flag::ra | (query.flags & dns::flag::rd) |
                        static_cast<unsigned>(rcode));
    add_u16(bytes_, 1);
    bytes_.resize(dns::kHeaderBytes);
    const dns::Question& question = *query.question;
    bytes_.insert(bytes_.end(), question.name.wire().begin(), question.name.wire().end());
    add_u16(bytes_, static_cast<unsigned>(question.type));
    add_u16(bytes_, static_cast<unsigned>(question.record_class));
  }

  void answer(const Data& owner, unsigned type, std::uint32_t ttl_s, const Data& data) {
    record(owner, type, ttl_s, data);
    ++answers_;
  }

  // The SOA that a denial needs to be remembered (RFC 2308 3).
  void deny() {
    Data soa;
    add_name(soa, "ns.example");
    add_name(soa, "hostmaster.example");
    for (const std::uint32_t value : {1U, 3600U, 600U, 86400U, kDenialTtl})
      add_u32(soa, value);
    record({0}, static_cast<unsigned>(dns::RecordType::soa), kDenialTtl, soa);
    ++authorities_;
  }

  Data finish(std::size_t cut_off = 0) {
    if (with_opt_) {
      bytes_.push_back(0);
      add_u16(bytes_, static_cast<unsigned>(dns::RecordType::opt));
      add_u16(bytes_, limits::kDnsUdpPayload);
      add_u32(bytes_, 0);
      add_u16(bytes_, 0);
    }
    const auto put = [this](std::size_t at, unsigned value) {
      bytes_[at] = static_cast<std::uint8_t>(value >> 8);
      bytes_[at + 1] = static_cast<std::uint8_t>(value);
    };
    put(6, answers_);
    put(8, authorities_);
    put(10, with_opt_ ? 1 : 0);
    bytes_.resize(bytes_.size() - cut_off);
    return std::move(bytes_);
  }

 private:
  void record(const Data& owner, unsigned type, std::uint32_t ttl_s, const Data& data) {
    bytes_.insert(bytes_.end(), owner.begin(), owner.end());
    add_u16(bytes_, type);
    add_u16(bytes_, static_cast<unsigned>(dns::RecordClass::in));
    add_u32(bytes_, ttl_s);
    add_u16(bytes_, static_cast<unsigned>(data.size()));
    bytes_.insert(bytes_.end(), data.begin(), data.end());
  }

  Data bytes_;
  bool with_opt_;
  unsigned answers_ = 0;
  unsigned authorities_ = 0;
};

// Which lie it is depends on the name alone.
Data lie(const dns::Query& query) {
  ResponseText text(query, dns::Rcode::no_error);
  Data owner;
  add_name(owner, "elsewhere.example");
  text.answer(owner, static_cast<unsigned>(dns::RecordType::a), kLieTtl, {198, 51, 100, 66});
  const bool broken_off = query.question->name.size() % 2 == 0;
  return text.finish(broken_off ? dns::kOptBytes + 2 : 0);
}

}  // namespace

Status<> UpstreamNames::add(const NameRecord& record) {
  const auto name = dns::Name::from_text(record.name);
  if (!name) {
    return Error{
        ErrorCode::invalid_argument,
        fmt::format("\"{}\" is not a DNS name; write it like www.example.org", record.name)};
  }
  const auto type = type_from(record.type);
  if (!type) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("\"{}\" is not a record type; there are A, AAAA, CNAME, PTR, NS, TXT, "
                             "MX, SRV and TYPE followed by a number",
                             record.type)};
  }
  auto data = data_from(*type, record.data);
  if (!data) {
    return Error{ErrorCode::invalid_argument,
                 fmt::format("\"{}\" is not the data of a {} record of {}", record.data,
                             record.type, record.name)};
  }
  records_.push_back({lower(name->wire()), *type, record.ttl_s, std::move(*data)});
  return {};
}

void UpstreamNames::remember(std::vector<std::uint8_t> response) {
  if (response.size() >= dns::kHeaderBytes) remembered_.push_back(std::move(response));
}

Duration UpstreamNames::delay() const noexcept {
  return mood_ == Mood::slow ? latency_ + kSlowness : latency_;
}

std::vector<std::uint8_t> UpstreamNames::answer(const std::vector<std::uint8_t>& query) const {
  const dns::ParsedQuery parsed = dns::parse_query(query);
  if (parsed.verdict != dns::Verdict::answer || mood_ == Mood::dead) return {};
  if (mood_ == Mood::refusing) return ResponseText(parsed.query, dns::Rcode::refused).finish();
  if (mood_ == Mood::lying) return lie(parsed.query);
  for (const Data& response : remembered_) {
    const auto id = static_cast<std::uint16_t>(response[0] << 8 | response[1]);
    if (!dns::answers_question(response, id, *parsed.query.question)) continue;
    Data fresh = response;
    fresh[0] = query[0];
    fresh[1] = query[1];
    return fresh;
  }
  return from_records(parsed.query);
}

std::vector<std::uint8_t> UpstreamNames::from_records(const dns::Query& query) const {
  Data name = lower(query.question->name.wire());
  const auto wanted = static_cast<std::uint16_t>(query.question->type);
  const auto any = static_cast<std::uint16_t>(dns::RecordType::any);
  const auto cname = static_cast<std::uint16_t>(dns::RecordType::cname);
  std::vector<const Record*> found;
  bool known = false;
  for (unsigned step = 0; step < kCnames; ++step) {
    const Record* alias = nullptr;
    for (const Record& record : records_) {
      if (record.name != name) continue;
      known = true;
      if (record.type == wanted || wanted == any) found.push_back(&record);
      if (record.type == cname && wanted != cname && wanted != any) alias = &record;
    }
    if (alias == nullptr) break;
    found.push_back(alias);
    name = lower(alias->data);
  }
  ResponseText text(query, known ? dns::Rcode::no_error : dns::Rcode::nx_domain);
  for (const Record* record : found)
    text.answer(record->name, record->type, record->ttl_s, record->data);
  if (found.empty()) text.deny();
  return text.finish();
}

}  // namespace pontoon::lab
