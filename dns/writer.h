// Writes one response: header, question, records with compressed names, OPT.
//
// A record either fits whole or leaves no trace. The first one in answer or authority that does not
// fit sets TC (RFC 2181 9) and nothing is added after it; additional records are left out silently.
// Room for the OPT record is kept from the start when the query had one (RFC 6891 7).
#pragma once

#include <array>
#include <cstdint>

#include "core/base/bytes.h"
#include "dns/message.h"
#include "dns/zone.h"

namespace pontoon::dns {

enum class Section : std::uint8_t { answer, authority, additional };

class MessageWriter {
 public:
  // Begins the response: the question is repeated byte for byte when the query had one. `flags` are
  // those that we choose (AA, RA, AD); opcode, RD and CD are the query's. `limit` bytes at most,
  // OPT included; out.size() >= limit >= 512.
  MessageWriter(MutableBytes out, std::size_t limit, const Query& query, Rcode rcode,
                std::uint16_t flags) noexcept;

  void add(Section section, NameView owner, const Record& record, std::uint32_t ttl_s) noexcept;
  void add_soa(Section section, NameView owner, const Soa& soa, std::uint32_t ttl_s) noexcept;
  // The whole message. To be called once.
  ByteView finish() noexcept;
  bool truncated() const noexcept { return truncated_; }

 private:
  void open_record(NameView owner, RecordType type, std::uint32_t ttl_s) noexcept;
  void close_record(Section section) noexcept;
  void write_name(NameView name) noexcept;
  std::size_t find_target(NameView suffix) const noexcept;

  // Where names and their suffixes begin that later ones may point to.
  static constexpr std::size_t kTargets = 32;

  MutableBytes out_;
  bool with_opt_;
  bool dnssec_ok_;
  Rcode rcode_;
  Header header_;
  ByteWriter writer_;  // ends where OPT must begin at the latest
  std::array<std::uint16_t, kTargets> targets_{};
  std::size_t target_count_ = 0;
  std::size_t record_start_ = 0;
  std::size_t record_targets_ = 0;  // target_count_ when the record began
  std::size_t data_start_ = 0;
  bool truncated_ = false;
};

}  // namespace pontoon::dns
