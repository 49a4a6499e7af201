#include "core/capture/filter.h"

#include <algorithm>

#include "core/capture/filter_program.h"

namespace pontoon::capture {
namespace {

// What a term is held against.
struct Subject {
  Headers headers;
  std::size_t length = 0;
  bool dropped = false;
};

template <class T, class Test>
bool on_side(Side side, const std::optional<T>& source, const std::optional<T>& destination,
             Test test) noexcept {
  return (side != Side::destination && source && test(*source)) ||
         (side != Side::source && destination && test(*destination));
}

bool matches_term(const std::vector<Term>& terms, std::size_t index,
                  const Subject& subject) noexcept {
  const Term& term = terms[index];
  const Headers& headers = subject.headers;
  switch (term.kind) {
    case TermKind::both:
      return matches_term(terms, term.left, subject) && matches_term(terms, term.right, subject);
    case TermKind::either:
      return matches_term(terms, term.left, subject) || matches_term(terms, term.right, subject);
    case TermKind::no:
      return !matches_term(terms, term.left, subject);
    case TermKind::type:
      return headers.type == term.type;
    case TermKind::protocol:
      return headers.protocol == term.protocol;
    case TermKind::address:
      return on_side(term.side, headers.source, headers.destination, [&](const IpAddress& address) {
        return std::any_of(term.prefixes.begin(), term.prefixes.end(),
                           [&](const IpPrefix& prefix) { return prefix.contains(address); });
      });
    case TermKind::port:
      return on_side(term.side, headers.source_port, headers.destination_port,
                     [&](std::uint16_t port) { return term.low <= port && port <= term.high; });
    case TermKind::ether:
      return on_side(term.side, headers.ether_source, headers.ether_destination,
                     [&](const MacAddress& mac) { return mac == term.mac; });
    case TermKind::less:
      return subject.length <= term.low;
    case TermKind::greater:
      return subject.length >= term.low;
    case TermKind::dropped:
      return subject.dropped;
  }
  return false;
}

}  // namespace

Filter::Filter() = default;
Filter::~Filter() = default;
Filter::Filter(Filter&&) noexcept = default;
Filter& Filter::operator=(Filter&&) noexcept = default;

Result<Filter> Filter::parse(std::string_view text, const NameLookup& names) {
  auto terms = parse_terms(text, names);
  if (!terms) return terms.error();
  Filter filter;
  if (!terms->empty()) filter.program_ = std::make_unique<Program>(Program{std::move(*terms)});
  return filter;
}

bool Filter::matches(ByteView frame, std::size_t original_length, bool dropped) const noexcept {
  if (!program_) return true;
  const Subject subject{read_headers(frame), std::max(original_length, frame.size()), dropped};
  return matches_term(program_->terms, program_->terms.size() - 1, subject);
}

}  // namespace pontoon::capture
