// DNS messages (RFC 1035 4.1, EDNS of RFC 6891) as fields: one for each question and record, in the
// words of a zone file.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "dns/message.h"
#include "lab/dissect/dissect_layers.h"

namespace pontoon::lab::layers {
namespace {

struct Record {
  std::string name;
  std::uint16_t type = 0;
  std::uint16_t record_class = 0;
  std::uint32_t ttl = 0;
  std::string data;
};

struct Asked {
  std::string name;
  std::string type;  // with the class in front when it is not IN
};

constexpr auto kCname = static_cast<std::uint16_t>(dns::RecordType::cname);

// Whatever the case of ASCII letters (RFC 4343).
bool same_name(std::string_view left, std::string_view right) noexcept {
  const auto lower = [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char one, char other) { return lower(one) == lower(other); });
}

std::string opcode_name(unsigned opcode) {
  switch (opcode) {
    case 0:
      return "QUERY";
    case 1:
      return "IQUERY";
    case 2:
      return "STATUS";
    case 4:
      return "NOTIFY";
    case 5:
      return "UPDATE";
    default:
      return fmt::format("OPCODE{}", opcode);
  }
}

std::string flag_names(std::uint16_t flags) {
  constexpr std::array<std::pair<std::uint16_t, std::string_view>, 8> kNames = {{
      {dns::flag::qr, "QR"},
      {dns::flag::aa, "AA"},
      {dns::flag::tc, "TC"},
      {dns::flag::rd, "RD"},
      {dns::flag::ra, "RA"},
      {0x0040, "Z"},
      {dns::flag::ad, "AD"},
      {dns::flag::cd, "CD"},
  }};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((flags & bit) == 0) continue;
    if (!text.empty()) text += ' ';
    text += name;
  }
  return text.empty() ? "none" : text;
}

// Reads one message; stops at the first thing that makes no sense.
class MessageReader {
 public:
  MessageReader(ByteView bytes, LayerReader& in) : reader_(bytes), in_(in) {}

  void read() {
    const dns::Header header = dns::Header::read(reader_);
    show(header);
    for (unsigned i = 0; i < header.questions && read_question(); ++i) {
    }
    read_section("answer", header.answers, &answers_);
    read_section("authority", header.authorities, nullptr);
    read_section("additional", header.additionals, nullptr);
    in_.field("rcode", dns_rcode_name(rcode_));
    if (!stopped_ && reader_.remaining() > 0) in_.field("behind the message", hex(reader_.rest()));
  }

  std::string summary() const;

 private:
  // Of the name that was asked, or one that an earlier CNAME leads to.
  bool is_about_the_question(std::size_t index) const {
    const std::string& name = answers_[index].name;
    for (const Asked& asked : asked_)
      if (same_name(asked.name, name)) return true;
    for (std::size_t i = 0; i < index; ++i)
      if (answers_[i].type == kCname && same_name(answers_[i].data, name)) return true;
    return false;
  }

  void show(const dns::Header& header) {
    flags_ = header.flags;
    rcode_ = header.flags & dns::flag::rcode;
    in_.field("id", hex_number(header.id, 4));
    in_.field("opcode", opcode_name(opcode()));
    in_.field("flags", flag_names(header.flags));
    in_.field("counts", fmt::format("{} {} {} {}", header.questions, header.answers,
                                    header.authorities, header.additionals));
  }
  unsigned opcode() const noexcept { return (flags_ & dns::flag::opcode) >> 11; }

  bool stop(std::string_view section) {
    in_.problem(fmt::format("bad {} at byte {}", section, last_));
    stopped_ = true;
    return false;
  }

  bool read_question() {
    last_ = reader_.position();
    const auto name = dns::Name::read(reader_);
    const std::uint16_t type = reader_.u16();
    const std::uint16_t record_class = reader_.u16();
    if (!name || !reader_.ok()) return stop("question");
    const std::string text = escaped(as_bytes(name->to_text()));
    in_.field("question",
              fmt::format("{} {} {}", text, dns_class_name(record_class), dns_type_name(type)));
    const std::string prefix = record_class == 1 ? "" : dns_class_name(record_class) + ' ';
    asked_.push_back({text, prefix + dns_type_name(type)});
    return true;
  }

  void read_section(std::string_view section, unsigned count, std::vector<Record>* kept) {
    for (unsigned i = 0; i < count && !stopped_; ++i) {
      const std::optional<Record> record = read_record(section);
      if (record && kept != nullptr && kept->size() <= kMaxInSummary) kept->push_back(*record);
      if (record && kept != nullptr) ++answer_count_;
    }
  }

  std::optional<Record> read_record(std::string_view section) {
    last_ = reader_.position();
    const auto name = dns::Name::read(reader_);
    Record record;
    record.type = reader_.u16();
    record.record_class = reader_.u16();
    record.ttl = reader_.u32();
    const std::size_t size = reader_.u16();
    if (!name || !reader_.ok() || size > reader_.remaining()) {
      stop(section);
      return std::nullopt;
    }
    record.name = escaped(as_bytes(name->to_text()));
    if (record.type == static_cast<std::uint16_t>(dns::RecordType::opt)) {
      read_opt(record, reader_.take(size));
      return std::nullopt;
    }
    if (!dns_record_data(record.type, reader_, size, record.data))
      in_.problem(fmt::format("bad {} data at byte {}", dns_type_name(record.type), last_));
    in_.field(section, fmt::format("{} {} {} {} {}", record.name, record.ttl,
                                   dns_class_name(record.record_class), dns_type_name(record.type),
                                   record.data));
    return record;
  }

  // RFC 6891 6.1.2: class and TTL of an OPT record are something else.
  void read_opt(const Record& record, ByteView options) {
    rcode_ |= record.ttl >> 24 << 4;
    std::string text =
        fmt::format("version {} payload {}", record.ttl >> 16 & 0xff, record.record_class);
    if ((record.ttl & 0x8000) != 0) text += " DO";
    ByteReader reader(options);
    while (reader.remaining() > 0) {
      const unsigned code = reader.u16();
      const ByteView value = reader.take(reader.u16());
      if (!reader.ok()) {
        in_.problem("bad EDNS options");
        break;
      }
      text += fmt::format(" option {} [{}]", code, hex(value));
    }
    if (record.name != ".") in_.problem("OPT record not at the root");
    in_.field("EDNS", text);
  }

  ByteReader reader_;
  LayerReader& in_;
  std::uint16_t flags_ = 0;
  unsigned rcode_ = 0;
  std::size_t last_ = 0;  // where the last question or record began
  bool stopped_ = false;
  std::vector<Asked> asked_;
  std::vector<Record> answers_;
  std::size_t answer_count_ = 0;
};

std::string MessageReader::summary() const {
  std::string text = "DNS";
  const bool response = (flags_ & dns::flag::qr) != 0;
  if (opcode() != 0) text += ' ' + opcode_name(opcode());
  if (response) text += ' ' + dns_rcode_name(rcode_);
  if (asked_.empty()) text += response ? "" : " query without a question";
  const bool answered = response && !answers_.empty();
  for (std::size_t i = 0; i < asked_.size() && i < kMaxInSummary; ++i) {
    if (i > 0) text += ',';
    text +=
        answered ? ' ' + asked_[i].name : fmt::format(" {}? {}", asked_[i].type, asked_[i].name);
  }
  for (std::size_t i = 0; i < answers_.size() && i < kMaxInSummary; ++i) {
    text += i == 0 ? " " : ", ";
    if (!is_about_the_question(i)) text += answers_[i].name + ' ';
    text += dns_type_name(answers_[i].type) + ' ' + answers_[i].data;
  }
  if (answer_count_ > kMaxInSummary)
    text += fmt::format(" and {} more", answer_count_ - kMaxInSummary);
  if (response && (flags_ & dns::flag::tc) != 0) text += " truncated";
  return text;
}

}  // namespace

void dissect_dns(ByteView bytes, Dissection& out) {
  out.summary = "DNS";
  LayerReader in("DNS", bytes);
  if (bytes.size() < dns::kHeaderBytes) {
    in.problem(fmt::format("{}, less than a header", count_of(bytes.size())));
    in.field("bytes", hex(bytes));
  } else {
    MessageReader message(bytes, in);
    message.read();
    out.summary = message.summary();
  }
  in.push_to(out);
}

}  // namespace pontoon::lab::layers
