// The upstream resolver of a world: what it knows, how late it answers, when it is dead.
//
//   well      an answer, NODATA or NXDOMAIN, as its records say; CNAMEs are followed
//   slow      the same, later: see delay()
//   dead      silence
//   refusing  REFUSED
//   lying     ID and question are right, the answer is about another name, or broken off
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/timer_queue.h"

namespace pontoon::dns {
struct Query;
}

namespace pontoon::lab {

struct NameRecord {
  std::string name{};  // absolute, without the last dot
  std::string type{};  // A AAAA CNAME PTR TXT MX SRV, or TYPE12345 with data \# in hexadecimal
  std::string data{};
  std::uint32_t ttl_s = 300;
};

class UpstreamNames {
 public:
  enum class Mood : std::uint8_t { well, slow, dead, refusing, lying };

  // Error: the record's type or data makes no sense.
  Status<> add(const NameRecord& record);
  // A whole response that was captured: its answer is given to its question, with a fresh ID.
  void remember(std::vector<std::uint8_t> response);
  void set_mood(Mood mood) noexcept { mood_ = mood; }
  Mood mood() const noexcept { return mood_; }
  void set_latency(Duration latency) noexcept { latency_ = latency; }
  Duration latency() const noexcept { return latency_; }
  // How late an answer comes in the present mood.
  Duration delay() const noexcept;

  // The response to a query's bytes, by the data and the mood; empty: none comes.
  std::vector<std::uint8_t> answer(const std::vector<std::uint8_t>& query) const;

 private:
  // In wire form (RFC 1035 3.2.1), the name in lower case.
  struct Record {
    std::vector<std::uint8_t> name;
    std::uint16_t type = 0;
    std::uint32_t ttl_s = 0;
    std::vector<std::uint8_t> data;
  };

  std::vector<std::uint8_t> from_records(const dns::Query& query) const;

  std::vector<Record> records_;
  std::vector<std::vector<std::uint8_t>> remembered_;
  Mood mood_ = Mood::well;
  Duration latency_{};
};

}  // namespace pontoon::lab
