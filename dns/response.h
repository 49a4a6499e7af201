// A response from an upstream, checked record by record: what may be cached and handed on.
//
// The upstream's OPT record goes; so do additional records behind it, because what stays must be
// one piece (compression pointers are offsets). Records are not looked into beyond their frame:
// types that we do not know pass unchanged (RFC 3597).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/time.h"
#include "dns/message.h"

namespace pontoon::dns {

// Header and question of a response, without a look at its records: does it answer this question?
bool answers_question(ByteView response, std::uint16_t id, const Question& question) noexcept;

struct ResponseRecord {
  std::uint16_t end = 0;  // offset behind the record
  std::uint16_t ttl_at = 0;
};

// Offsets into a message whose bytes are kept elsewhere.
struct ResponseLayout {
  Header header;  // counts of what is kept
  Rcode rcode = Rcode::no_error;
  std::uint16_t question_end = 0;
  std::uint16_t end = 0;  // bytes that are kept
  bool had_opt = false;
  std::uint32_t ttl_s = 0;              // for how long it may be cached; 0: not at all
  std::vector<ResponseRecord> records;  // of all sections, in order
};

// Fills `layout`, reusing its memory; false when the response is malformed.
//
// The time to cache it is the least TTL of its records; of a denial also at most the SOA's minimum
// (RFC 2308 5), and none without SOA. Truncated responses and those with another RCODE than NOERROR
// and NXDOMAIN are not to be cached.
bool lay_out_response(ByteView response, ResponseLayout& layout);

// Who gets the response.
struct ResponseTarget {
  const Query* query = nullptr;  // has a question of the same length as the response's
  std::size_t limit = 0;         // bytes, OPT included
  std::uint32_t age_s = 0;       // taken off every TTL
};

// Writes the response as this client is to see it: its ID, its spelling of the question, its flags,
// our OPT when it sent one, cut at a record's end with TC when it exceeds the limit. out.size() >=
// limit >= 512.
ByteView render_response(MutableBytes out, ByteView response, const ResponseLayout& layout,
                         const ResponseTarget& target) noexcept;

}  // namespace pontoon::dns
