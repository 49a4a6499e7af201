#include "dns/writer.h"

#include "core/base/check.h"

namespace pontoon::dns {
namespace {

constexpr std::size_t kNotFound = 0xffff;
constexpr std::size_t kFarthestTarget = 0x3fff;  // a pointer has 14 bits

}  // namespace

MessageWriter::MessageWriter(MutableBytes out, std::size_t limit, const Query& query, Rcode rcode,
                             std::uint16_t flags) noexcept
    : out_(out.first(limit)),
      with_opt_(query.edns.has_value()),
      dnssec_ok_(query.dnssec_ok()),
      rcode_(rcode),
      writer_(out.first(limit - (with_opt_ ? kOptBytes : 0))) {
  INVARIANT(limit >= kPlainUdpBytes);
  header_.id = query.id;
  header_.flags = static_cast<std::uint16_t>(flag::qr | flags |
                                             (query.flags & (flag::opcode | flag::rd | flag::cd)) |
                                             (static_cast<unsigned>(rcode) & flag::rcode));
  header_.write(writer_);
  if (!query.question) return;
  header_.questions = 1;
  write_name(query.question->name);
  writer_.u16(static_cast<std::uint16_t>(query.question->type));
  writer_.u16(static_cast<std::uint16_t>(query.question->record_class));
}

void MessageWriter::add(Section section, NameView owner, const Record& record,
                        std::uint32_t ttl_s) noexcept {
  if (truncated_) return;
  open_record(owner, record.type, ttl_s);
  if (record.type == RecordType::a) {
    writer_.bytes(record.address.v4().bytes());
  } else if (record.type == RecordType::aaaa) {
    writer_.bytes(record.address.octets());
  } else {
    write_name(record.target);
  }
  close_record(section);
}

void MessageWriter::add_soa(Section section, NameView owner, const Soa& soa,
                            std::uint32_t ttl_s) noexcept {
  if (truncated_) return;
  open_record(owner, RecordType::soa, ttl_s);
  write_name(soa.primary);
  write_name(soa.mailbox);
  for (const std::uint32_t field :
       {soa.serial, soa.refresh_s, soa.retry_s, soa.expire_s, soa.minimum_s})
    writer_.u32(field);
  close_record(section);
}

ByteView MessageWriter::finish() noexcept {
  const std::size_t size = writer_.position();
  ByteWriter tail(out_.subspan(size));
  if (with_opt_) {
    write_opt(tail, rcode_, dnssec_ok_);
    ++header_.additionals;
  }
  if (truncated_) header_.flags |= flag::tc;
  ByteWriter head(out_);
  header_.write(head);
  return out_.first(size + tail.position());
}

void MessageWriter::open_record(NameView owner, RecordType type, std::uint32_t ttl_s) noexcept {
  record_start_ = writer_.position();
  record_targets_ = target_count_;
  write_name(owner);
  writer_.u16(static_cast<std::uint16_t>(type));
  writer_.u16(static_cast<std::uint16_t>(RecordClass::in));
  writer_.u32(ttl_s);
  writer_.u16(0);  // RDLENGTH, in close_record()
  data_start_ = writer_.position();
}

void MessageWriter::close_record(Section section) noexcept {
  if (!writer_.ok()) {
    writer_.rewind(record_start_);
    target_count_ = record_targets_;
    // RFC 2181 9: "The TC bit should be set in responses only when an RRSet is required as a part
    // of the response, but could not be included in its entirety."
    if (section != Section::additional) truncated_ = true;
    return;
  }
  store_be(out_.data() + data_start_ - 2,
           static_cast<std::uint16_t>(writer_.position() - data_start_));
  switch (section) {
    case Section::answer:
      ++header_.answers;
      break;
    case Section::authority:
      ++header_.authorities;
      break;
    case Section::additional:
      ++header_.additionals;
      break;
  }
}

void MessageWriter::write_name(NameView name) noexcept {
  NameView rest = name;
  for (; !rest.is_root(); rest = rest.parent()) {
    const std::size_t target = find_target(rest);
    if (target != kNotFound) {
      writer_.u16(static_cast<std::uint16_t>(0xc000 | target));
      return;
    }
    if (target_count_ < kTargets && writer_.position() <= kFarthestTarget) {
      targets_[target_count_++] = static_cast<std::uint16_t>(writer_.position());
    }
    writer_.bytes(rest.wire().first(std::size_t{rest.wire()[0]} + 1));
    if (!writer_.ok()) return;
  }
  writer_.u8(0);
}

std::size_t MessageWriter::find_target(NameView suffix) const noexcept {
  for (std::size_t i = 0; i < target_count_; ++i) {
    ByteReader reader(writer_.written());
    reader.seek(targets_[i]);
    const auto name = Name::read(reader);
    if (name && NameView(*name) == suffix) return targets_[i];
  }
  return kNotFound;
}

}  // namespace pontoon::dns
