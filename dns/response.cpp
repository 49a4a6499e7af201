#include "dns/response.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace pontoon::dns {
namespace {

// RFC 2181 8: "Implementations should treat TTL values received with the most significant bit set
// as if the entire value received was zero."
std::uint32_t sane_ttl(std::uint32_t ttl_s) noexcept {
  return (ttl_s & 0x80000000U) != 0 ? 0 : ttl_s;
}

class Scanner {
 public:
  Scanner(ByteView response, ResponseLayout& layout) noexcept
      : reader_(response), layout_(layout) {}

  bool scan() {
    layout_.records.clear();
    layout_.had_opt = false;
    layout_.header = Header::read(reader_);
    Question question;
    if (!reader_.ok() || reader_.all().size() > limits::kDnsMessageBytes) return false;
    if (layout_.header.questions != 1 || !question.read(reader_)) return false;
    type_ = question.type;
    layout_.question_end = here();
    layout_.end = here();
    const Header counts = layout_.header;
    if (!section(counts.answers, layout_.header.answers, true)) return false;
    if (!section(counts.authorities, layout_.header.authorities, false)) return false;
    if (!section(counts.additionals, layout_.header.additionals, false)) return false;
    layout_.rcode = static_cast<Rcode>((layout_.header.flags & flag::rcode) | extended_rcode_);
    layout_.ttl_s = cache_ttl();
    return true;
  }

 private:
  std::uint16_t here() const noexcept { return static_cast<std::uint16_t>(reader_.position()); }

  bool section(std::uint16_t count, std::uint16_t& kept, bool answer) {
    kept = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (!record(kept, answer)) return false;
    }
    return true;
  }

  bool record(std::uint16_t& kept, bool answer) {
    if (!skip_name(reader_)) return false;
    const auto type = static_cast<RecordType>(reader_.u16());
    reader_.skip(2);
    const std::uint16_t ttl_at = here();
    const std::uint32_t ttl_s = reader_.u32();
    const ByteView data = reader_.take(reader_.u16());
    if (!reader_.ok()) return false;
    if (type == RecordType::opt) {
      extended_rcode_ = ttl_s >> 24 << 4;
      layout_.had_opt = true;
    }
    if (layout_.had_opt) return true;  // behind OPT nothing is kept
    layout_.records.push_back({here(), ttl_at});
    layout_.end = here();
    ++kept;
    least_ttl_s_ = std::min(least_ttl_s_, sane_ttl(ttl_s));
    if (answer && (type == type_ || type_ == RecordType::any)) answered_ = true;
    if (!answer && type == RecordType::soa && data.size() >= 22) {
      soa_minimum_s_ = sane_ttl(load_be<std::uint32_t>(data.data() + data.size() - 4));
    }
    return true;
  }

  std::uint32_t cache_ttl() const noexcept {
    constexpr auto seconds = [](Duration time) {
      return static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::seconds>(time).count());
    };
    if ((layout_.header.flags & flag::tc) != 0) return 0;
    const bool denial = layout_.rcode == Rcode::nx_domain || !answered_;
    if (layout_.rcode != Rcode::no_error && layout_.rcode != Rcode::nx_domain) return 0;
    if (layout_.records.empty()) return 0;
    if (!denial) return std::min(least_ttl_s_, seconds(limits::kDnsCacheMaxTtl));
    // RFC 2308 5: "Negative responses without SOA records SHOULD NOT be cached".
    if (!soa_minimum_s_) return 0;
    return std::min({least_ttl_s_, *soa_minimum_s_, seconds(limits::kDnsNegativeMaxTtl)});
  }

  ByteReader reader_;
  ResponseLayout& layout_;
  RecordType type_ = RecordType::a;
  unsigned extended_rcode_ = 0;
  std::uint32_t least_ttl_s_ = 0x7fffffff;
  std::optional<std::uint32_t> soa_minimum_s_;
  bool answered_ = false;
};

// How many records fit into `room` bytes from the message's start.
std::size_t fitting_records(const ResponseLayout& layout, std::size_t room) noexcept {
  std::size_t count = layout.records.size();
  while (count > 0 && layout.records[count - 1].end > room)
    --count;
  return count;
}

Header header_for(const ResponseLayout& layout, const Query& query, std::size_t kept) noexcept {
  Header header = layout.header;
  const std::size_t required = std::size_t{header.answers} + header.authorities;
  header.id = query.id;
  header.answers = static_cast<std::uint16_t>(std::min<std::size_t>(header.answers, kept));
  header.authorities =
      static_cast<std::uint16_t>(std::min<std::size_t>(header.authorities, kept - header.answers));
  header.additionals = static_cast<std::uint16_t>(kept - header.answers - header.authorities);
  // RFC 6840 5.7 and 5.8: AD only for those who asked. AA is not ours to claim.
  const unsigned passed = flag::tc | flag::rcode | (query.dnssec_ok() ? flag::ad : 0U);
  header.flags = static_cast<std::uint16_t>((layout.header.flags & passed) | flag::qr | flag::ra |
                                            (query.flags & (flag::rd | flag::cd)));
  if (kept < required) header.flags |= flag::tc;
  return header;
}

}  // namespace

bool answers_question(ByteView response, std::uint16_t id, const Question& question) noexcept {
  ByteReader reader(response);
  const Header header = Header::read(reader);
  Question echoed;
  return reader.ok() && header.id == id && (header.flags & flag::qr) != 0 &&
         (header.flags & flag::opcode) == 0 && header.questions == 1 && echoed.read(reader) &&
         reader.position() == kHeaderBytes + question.size() && echoed == question;
}

bool lay_out_response(ByteView response, ResponseLayout& layout) {
  return Scanner(response, layout).scan();
}

ByteView render_response(MutableBytes out, ByteView response, const ResponseLayout& layout,
                         const ResponseTarget& target) noexcept {
  const Query& query = *target.query;
  INVARIANT(query.question && kHeaderBytes + query.question->size() == layout.question_end);
  const std::size_t room = target.limit - (query.edns ? kOptBytes : 0);
  const std::size_t kept = fitting_records(layout, room);
  const std::size_t size = kept == 0 ? layout.question_end : layout.records[kept - 1].end;
  Header header = header_for(layout, query, kept);
  if (query.edns) ++header.additionals;
  std::memcpy(out.data(), response.data(), size);
  ByteWriter head(out);
  header.write(head);
  head.bytes(query.question->name.wire());
  for (std::size_t i = 0; i < kept; ++i) {
    std::uint8_t* ttl = out.data() + layout.records[i].ttl_at;
    const std::uint32_t ttl_s = sane_ttl(load_be<std::uint32_t>(ttl));
    store_be(ttl, ttl_s - std::min(ttl_s, target.age_s));
  }
  ByteWriter tail(out.subspan(size));
  if (query.edns) write_opt(tail, layout.rcode, query.dnssec_ok());
  return out.first(size + tail.position());
}

}  // namespace pontoon::dns
