// Filters from text: a recursive descent, one function for each precedence.
//
//   either  = both { "or" both }
//   both    = no { "and" no }
//   no      = "not" no | "(" either ")" | primitive
//
// Memory and stack are bounded by limits::kFilterTerms and kFilterDepth: chains of "and" and "or"
// grow to the left, so that matching recurses at most once per term.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/base/limits.h"
#include "core/capture/filter_program.h"

namespace pontoon::capture {
namespace {

using wire::EtherType;
using wire::IpProtocol;

constexpr std::string_view kBlanks = " \t\r\n";

// Words are what stands between blanks and operators; "&&" and "||" are words of their own.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> tokens;
  while (true) {
    const std::size_t start = text.find_first_not_of(kBlanks);
    if (start == text.npos) return tokens;
    text.remove_prefix(start);
    std::size_t length = text.find_first_of(" \t\r\n()!&|");
    if (length == text.npos) length = text.size();
    if (length == 0) length = text.starts_with("&&") || text.starts_with("||") ? 2 : 1;
    tokens.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
}

std::optional<std::uint64_t> number(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end || value > most) return std::nullopt;
  return value;
}

IpPrefix whole(const IpAddress& address) {
  return {address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)};
}

Term type_term(EtherType type) {
  Term term;
  term.kind = TermKind::type;
  term.type = type;
  return term;
}

Term protocol_term(IpProtocol protocol) {
  Term term;
  term.kind = TermKind::protocol;
  term.protocol = protocol;
  return term;
}

std::optional<Term> named_term(std::string_view word) {
  if (word == "arp") return type_term(EtherType::arp);
  if (word == "ip") return type_term(EtherType::ipv4);
  if (word == "ip6") return type_term(EtherType::ipv6);
  if (word == "icmp") return protocol_term(IpProtocol::icmp);
  if (word == "icmp6") return protocol_term(IpProtocol::icmpv6);
  if (word == "tcp") return protocol_term(IpProtocol::tcp);
  if (word == "udp") return protocol_term(IpProtocol::udp);
  if (word == "dropped") return Term{};
  return std::nullopt;
}

class Parser {
 public:
  Parser(std::string_view text, const NameLookup& names) : tokens_(split(text)), names_(names) {}

  Result<std::vector<Term>> run() {
    if (tokens_.empty()) return std::vector<Term>{};
    (void)either();
    if (ok() && at_ < tokens_.size()) {
      if (here() == ")") {
        fail("there is no \"(\" for it");
      } else {
        fail("\"and\" or \"or\" is missing in front of it");
      }
    }
    if (!ok()) return Error{ErrorCode::invalid_argument, error_};
    return std::move(terms_);
  }

 private:
  bool ok() const { return error_.empty(); }
  // The token at hand; empty at the end.
  std::string_view here() const { return at_ < tokens_.size() ? tokens_[at_] : std::string_view(); }
  bool take(std::string_view word) {
    if (here() != word) return false;
    ++at_;
    return true;
  }
  // The first error counts; the token at hand is the place.
  void fail(std::string_view text) {
    if (!ok()) return;
    const std::string place =
        at_ < tokens_.size() ? fmt::format("near \"{}\"", here()) : std::string("at its end");
    error_ = fmt::format("{}: {}; see FILTERS in pontoon(1)", place, text);
  }
  std::size_t add(Term term) {
    if (terms_.size() == limits::kFilterTerms) {
      fail(fmt::format("the filter has more than {} terms", limits::kFilterTerms));
      return 0;
    }
    terms_.push_back(std::move(term));
    return terms_.size() - 1;
  }
  std::size_t join(TermKind kind, std::size_t left, std::size_t right = 0) {
    Term term;
    term.kind = kind;
    term.left = left;
    term.right = right;
    return add(std::move(term));
  }

  std::size_t either();
  std::size_t both();
  std::size_t no();
  std::size_t nested(bool negated);
  std::size_t primitive();
  std::size_t qualified();
  std::size_t ether();
  bool qualifier_here() const;
  Side side();
  void host(Term& term);
  void net(Term& term);
  void port(Term& term);
  void port_range(Term& term);
  void length(Term& term);

  std::vector<std::string_view> tokens_;
  const NameLookup& names_;
  std::vector<Term> terms_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::string error_;
};

std::size_t Parser::either() {
  std::size_t left = both();
  while (ok() && (take("or") || take("||"))) {
    const std::size_t right = both();
    left = join(TermKind::either, left, right);
  }
  return left;
}

std::size_t Parser::both() {
  std::size_t left = no();
  while (ok() && (take("and") || take("&&"))) {
    const std::size_t right = no();
    left = join(TermKind::both, left, right);
  }
  return left;
}

std::size_t Parser::no() {
  if (here() != "not" && here() != "!" && here() != "(") return primitive();
  if (depth_ == limits::kFilterDepth) {
    fail(fmt::format("more than {} parentheses and negations within one another",
                     limits::kFilterDepth));
    return 0;
  }
  const bool negated = here() != "(";
  ++at_;
  ++depth_;
  const std::size_t inner = nested(negated);
  --depth_;
  return inner;
}

std::size_t Parser::nested(bool negated) {
  if (negated) {
    const std::size_t inner = no();
    return ok() ? join(TermKind::no, inner) : 0;
  }
  const std::size_t inner = either();
  if (ok() && !take(")")) fail("a \")\" is missing");
  return inner;
}

bool Parser::qualifier_here() const {
  constexpr std::string_view kQualifiers[] = {"src", "dst", "host", "net", "port", "portrange"};
  return std::find(std::begin(kQualifiers), std::end(kQualifiers), here()) != std::end(kQualifiers);
}

std::size_t Parser::primitive() {
  if (take("ether")) return ether();
  if (qualifier_here()) return qualified();
  if (here() == "less" || here() == "greater") {
    Term term;
    term.kind = here() == "less" ? TermKind::less : TermKind::greater;
    ++at_;
    length(term);
    return add(std::move(term));
  }
  auto term = named_term(here());
  if (!term) {
    fail("a primitive such as \"tcp\", \"host web\" or \"port 53\" is expected");
    return 0;
  }
  ++at_;
  const bool may_be_qualified = term->kind != TermKind::dropped;
  const std::size_t left = add(std::move(*term));
  // "tcp port 80" is one primitive.
  if (!ok() || !may_be_qualified || !qualifier_here()) return left;
  const std::size_t right = qualified();
  return ok() ? join(TermKind::both, left, right) : 0;
}

Side Parser::side() {
  if (take("src")) return Side::source;
  if (take("dst")) return Side::destination;
  return Side::either;
}

std::size_t Parser::qualified() {
  Term term;
  term.side = side();
  if (take("port")) {
    port(term);
  } else if (take("portrange")) {
    port_range(term);
  } else if (take("net")) {
    net(term);
  } else {
    (void)take("host");  // what follows "src" and "dst" without a word is a host
    host(term);
  }
  return ok() ? add(std::move(term)) : 0;
}

std::size_t Parser::ether() {
  Term term;
  term.kind = TermKind::ether;
  term.side = side();
  if (!take("host") && term.side == Side::either) fail("\"ether\" goes on with host, src or dst");
  const auto mac = MacAddress::parse(here());
  if (!mac) fail("a MAC address such as 02:42:ac:11:00:02 is expected");
  if (!ok()) return 0;
  ++at_;
  term.mac = *mac;
  return add(std::move(term));
}

void Parser::host(Term& term) {
  term.kind = TermKind::address;
  if (const auto address = IpAddress::parse(here())) {
    term.prefixes.push_back(whole(*address));
  } else if (!here().empty()) {
    for (const IpAddress& known : names_.addresses_of(here()))
      term.prefixes.push_back(whole(known));
  }
  if (term.prefixes.empty()) {
    fail(here().empty() ? "an address or an endpoint's name is expected"
                        : "neither an address nor the name of an endpoint");
    return;
  }
  ++at_;
}

void Parser::net(Term& term) {
  term.kind = TermKind::address;
  if (const auto prefix = IpPrefix::parse(here())) {
    term.prefixes.push_back(*prefix);
  } else if (const auto address = IpAddress::parse(here())) {
    term.prefixes.push_back(whole(*address));
  } else {
    fail("a network such as 172.17.0.0/16 is expected");
    return;
  }
  ++at_;
}

void Parser::port(Term& term) {
  term.kind = TermKind::port;
  const auto value = number(here(), 65535);
  if (!value) {
    fail("a port from 0 to 65535 is expected");
    return;
  }
  term.low = term.high = *value;
  ++at_;
}

void Parser::port_range(Term& term) {
  term.kind = TermKind::port;
  const std::size_t dash = here().find('-');
  const auto low = number(here().substr(0, dash), 65535);
  const auto high = dash == here().npos ? std::nullopt : number(here().substr(dash + 1), 65535);
  if (!low || !high || *low > *high) {
    fail("a range of ports such as 8000-8080 is expected");
    return;
  }
  term.low = *low;
  term.high = *high;
  ++at_;
}

void Parser::length(Term& term) {
  const auto value = number(here(), 0xffffffff);
  if (!value) {
    fail("a length in bytes is expected");
    return;
  }
  term.low = *value;
  ++at_;
}

}  // namespace

Result<std::vector<Term>> parse_terms(std::string_view text, const NameLookup& names) {
  return Parser(text, names).run();
}

}  // namespace pontoon::capture
