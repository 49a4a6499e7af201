#include "control/impairments.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/names.h"
#include "core/base/limits.h"

namespace pontoon::control {
namespace {

using Kind = ImpairTarget::Kind;

const ImpairableLink* find(ImpairableLinks links, std::string_view name) noexcept {
  const auto found = std::find_if(links.begin(), links.end(), [&](const ImpairableLink& link) {
    return same_name(link.name, name);
  });
  return found == links.end() ? nullptr : &*found;
}

// The closest rule counts.
int rank_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::one_way:
      return 0;
    case Kind::pair:
      return 1;
    case Kind::named:
    case Kind::link:
      return 2;
    case Kind::network:
      return 3;
  }
  return 3;
}

// Every port and direction draws from a stream of its own.
std::uint64_t stream_seed(std::uint64_t seed, const ImpairableLink& link, bool from_endpoint) {
  const std::string stream = std::string(link.name) + (from_endpoint ? " out" : " in");
  return SeededRandom(seed, stream).u64();
}

std::int64_t whole_seconds(Duration duration) {
  return std::chrono::ceil<std::chrono::seconds>(duration).count();
}

}  // namespace

Impairments::Impairments(std::string network, const MacAddress& gateway, TimerQueue& timers)
    : network_(std::move(network)),
      gateway_(gateway),
      timers_(timers),
      timer_(Timer::bind<&Impairments::forget_ended>(*this)) {}

Result<ImpairTarget> Impairments::resolve(const ImpairTarget& target, ImpairableLinks links) const {
  ImpairTarget out = target;
  if (target.kind == Kind::network) {
    out.first = network_;
    if (same_name(target.first, network_)) return out;
    return Error{ErrorCode::not_found, fmt::format("No such network: {}", target.first)};
  }
  if (target.kind == Kind::named) {
    if (find(links, target.first) != nullptr) {
      out.kind = Kind::link;
    } else if (same_name(target.first, network_)) {
      out = {Kind::network, network_, {}};
    } else {
      return Error{ErrorCode::not_found,
                   fmt::format("No such endpoint or network: {}. See `pontoon ps` and `pontoon "
                               "network ls`",
                               target.first)};
    }
    return out;
  }
  for (const std::string& name : {target.first, target.second}) {
    if (name.empty() || same_name(name, kHostEnd) || find(links, name) != nullptr) continue;
    return Error{
        ErrorCode::not_found,
        fmt::format("No such endpoint on network {}: {}. See `pontoon ps`", network_, name)};
  }
  return out;
}

Result<ImpairmentInfo> Impairments::set(const ImpairTarget& target, const Impairment& impairment,
                                        std::uint64_t seed, ImpairableLinks links, Instant now) {
  forget_ended(now);
  const auto resolved = resolve(target, links);
  if (!resolved) return resolved.error();
  clear_if([&](const Rule& rule) { return same_target(rule.target, *resolved); }, links, now);
  if (rules_.size() >= limits::kImpairments) {
    return Error{ErrorCode::exhausted,
                 fmt::format("network {} has {} impairments, which is its limit; clear some with "
                             "`pontoon impair --clear`",
                             network_, limits::kImpairments)};
  }
  const Instant until = impairment.duration ? now + *impairment.duration : kNever;
  rules_.push_back({next_number_++, *resolved, impairment, seed, now, until, {}});
  rearm();
  for (const ImpairableLink& link : links)
    apply(rules_.back(), link, links, now);
  return describe(rules_.back(), links, now);
}

std::size_t Impairments::clear(const ImpairTarget& target, ImpairableLinks links, Instant now) {
  const auto is_on = [&](Kind kind) {
    ImpairTarget exact = target;
    exact.kind = kind;
    return [exact](const Rule& rule) { return same_target(rule.target, exact); };
  };
  if (target.kind != Kind::named) return clear_if(is_on(target.kind), links, now);
  // The endpoint may have gone, its rule has not.
  const std::size_t cleared = clear_if(is_on(Kind::link), links, now);
  return cleared > 0 ? cleared : clear_if(is_on(Kind::network), links, now);
}

std::size_t Impairments::clear_all(ImpairableLinks links, Instant now) {
  return clear_if([](const Rule&) { return true; }, links, now);
}

template <class Predicate>
std::size_t Impairments::clear_if(Predicate predicate, ImpairableLinks links, Instant now) {
  forget_ended(now);
  for (Rule& rule : rules_) {
    if (!predicate(rule)) continue;
    for (const ImpairableLink& link : links)
      lift(rule, link, now);
  }
  return std::erase_if(rules_, predicate);
}

void Impairments::attached(std::string_view name, ImpairableLinks links, Instant now) {
  forget_ended(now);
  const ImpairableLink* self = find(links, name);
  if (self == nullptr) return;
  for (Rule& rule : rules_) {
    // The far ends of its pairs know it by its MAC, which may have changed.
    const bool all = rule.target.kind == Kind::pair || rule.target.kind == Kind::one_way;
    if (all && !rule.target.mentions(name)) continue;
    for (const ImpairableLink& link : links) {
      if (!all && &link != self) continue;
      lift(rule, link, now);
      apply(rule, link, links, now);
    }
  }
}

void Impairments::detaching(const ImpairableLink& link) {
  if (link.port == nullptr) return;
  for (Rule& rule : rules_)
    rule.departed.add(link.port->counters_of(rule.number));
}

void Impairments::lift(Rule& rule, const ImpairableLink& link, Instant now) {
  if (link.port == nullptr) return;
  rule.departed.add(link.port->counters_of(rule.number));
  link.port->remove_rule(rule.number, now);
}

void Impairments::apply(const Rule& rule, const ImpairableLink& link, ImpairableLinks links,
                        Instant now) {
  if (link.port == nullptr) return;
  switch (rule.target.kind) {
    case Kind::network:
      put(rule, link, {true, std::nullopt}, now);
      return put(rule, link, {false, gateway_}, now);
    case Kind::named:
    case Kind::link:
      if (!same_name(link.name, rule.target.first)) return;
      put(rule, link, {true, std::nullopt}, now);
      return put(rule, link, {false, std::nullopt}, now);
    case Kind::pair:
    case Kind::one_way:
      return apply_ways(rule, link, links, now);
  }
}

void Impairments::apply_ways(const Rule& rule, const ImpairableLink& link, ImpairableLinks links,
                             Instant now) {
  apply_way(rule, rule.target.first, rule.target.second, link, links, now);
  if (rule.target.kind == Kind::pair)
    apply_way(rule, rule.target.second, rule.target.first, link, links, now);
}

void Impairments::apply_way(const Rule& rule, std::string_view from, std::string_view to,
                            const ImpairableLink& link, ImpairableLinks links, Instant now) {
  if (same_name(to, kHostEnd)) {
    if (same_name(link.name, from)) put(rule, link, {true, gateway_}, now);
    return;
  }
  if (!same_name(link.name, to)) return;
  if (same_name(from, kHostEnd)) return put(rule, link, {false, gateway_}, now);
  const ImpairableLink* sender = find(links, from);
  // When it comes back, attached() does this again.
  if (sender != nullptr) put(rule, link, {false, sender->mac}, now);
}

void Impairments::put(const Rule& rule, const ImpairableLink& link, ImpairmentMatch match,
                      Instant now) {
  match.rank = rank_of(rule.target.kind);
  Impairment impairment = rule.impairment;
  if (impairment.duration) impairment.duration = rule.until - now;
  link.port->add_rule(rule.number, match, impairment,
                      stream_seed(rule.seed, link, match.from_endpoint), now);
}

void Impairments::forget_ended(Instant now) {
  std::erase_if(rules_, [now](const Rule& rule) { return rule.until <= now; });
  rearm();
}

void Impairments::rearm() {
  Instant next = kNever;
  for (const Rule& rule : rules_)
    next = std::min(next, rule.until);
  timers_.arm(timer_, next);
}

ImpairmentInfo Impairments::describe(const Rule& rule, ImpairableLinks links, Instant now) const {
  ImpairmentCounters counters = rule.departed;
  for (const ImpairableLink& link : links) {
    if (link.port != nullptr) counters.add(link.port->counters_of(rule.number));
  }
  ImpairmentInfo info;
  info.network = network_;
  info.target = to_string(rule.target);
  info.impairment = pontoon::to_string(rule.impairment);
  info.seed = rule.seed;
  info.age_s = std::chrono::floor<std::chrono::seconds>(now - rule.since).count();
  if (rule.until != kNever) info.ends_in_s = whole_seconds(rule.until - now);
  info.passed = counters.passed;
  info.lost = counters.lost;
  info.duplicated = counters.duplicated;
  info.reordered = counters.reordered;
  info.corrupted = counters.corrupted;
  return info;
}

std::vector<ImpairmentInfo> Impairments::list(ImpairableLinks links, Instant now) const {
  std::vector<ImpairmentInfo> out;
  for (const Rule& rule : rules_)
    out.push_back(describe(rule, links, now));
  return out;
}

std::vector<std::string> Impairments::texts_for(std::string_view name) const {
  std::vector<std::string> out;
  for (const Rule& rule : rules_) {
    if (rule.target.kind == Kind::network || rule.target.mentions(name))
      out.push_back(to_string(rule.target) + " " + pontoon::to_string(rule.impairment));
  }
  return out;
}

}  // namespace pontoon::control
