// Theory of operation.
//
// A frame that meets a rule goes through these stages, in this order:
//
//   cut -> partition -> loss -> duplicate -> corrupt -> rate and its queue -> delay -> held
//
// Cut: a super-frame becomes its segments, each an own frame from here on (PortEdge). A checksum
// that somebody else is to finish stays as it is, unless the frame is corrupted.
//
// Loss is independent with burst=1. With more, it is the simple Gilbert model (tc-netem(8) calls it
// `gemodel p r`): two states, all frames of the bad one are lost. From bad to good with r = 1/burst
// per frame, so that runs have that mean; from good to bad with p = loss / (burst * (1 - loss)), so
// that the share of the bad state is `loss`.
//
// Rate: frames leave one after the other, each taking size * 8 / rate, Ethernet header included
// (preamble, check sequence and gap are not). `queue` frames may wait for the one that is leaving;
// what finds the queue full is lost. The instant at which the n-th of an uninterrupted row has left
// is the exact quotient, rounded down once.
//
// Delay follows the rate. A frame is due at its departure plus the delay, evenly spread by the
// jitter, but not before the frame in front of it: order is kept. A reordered one skips both, and
// without a delay is held back for a millisecond, in which later ones pass it.
//
// Memory: all frames that are not lost are held, for no time at least, until ImpairedPort takes
// them. They are bounded by kImpairedFrames and by three quarters of the pool, so that a slow link
// does not take the frames of the others away; what finds no room is lost. The heap and the list of
// rules are the only allocations; they grow to their bound and stay.
//
// A rule that ends lets what it holds go at once, in the order in which it would have left.
//
// Not here: timers (ImpairedPort arms one), correlation between consecutive draws.
#include "core/link/impaired_wire.h"

#include <algorithm>

#include "core/base/limits.h"
#include "core/wire/ethernet.h"

namespace pontoon {
namespace {

constexpr Duration kReorderHold = std::chrono::milliseconds(1);
constexpr std::uint64_t kNanoseconds = 1'000'000'000;

// The frame's own size is not the wire's business, and whole frames keep their partial checksums.
constexpr PortFeatures kCutOnly{.checksum = true, .mtu = 65535};

bool happens(Random& random, Share share) noexcept {
  return share != 0 && random.below(kAlways) < share;
}

// With the probability of numerator / denominator.
bool happens(Random& random, std::uint64_t numerator, std::uint64_t denominator) noexcept {
  if (numerator >= denominator) return true;
  return random.u32() < (numerator << 32) / denominator;
}

bool is_lost(WireRule& rule) noexcept {
  const Impairment& it = rule.impairment;
  if (it.partition) return true;
  if (it.burst <= 1 || it.loss >= kAlways) return happens(rule.losses, it.loss);
  rule.in_burst =
      rule.in_burst ? !happens(rule.losses, 1, it.burst)
                    : happens(rule.losses, it.loss, std::uint64_t{it.burst} * (kAlways - it.loss));
  return rule.in_burst;
}

Duration draw_delay(WireRule& rule) noexcept {
  const Duration jitter = rule.impairment.jitter;
  if (jitter == Duration::zero()) return rule.impairment.delay;
  const auto width = static_cast<std::uint64_t>(jitter.count()) * 2 + 1;
  // 60 s of jitter are 2^37: a modulus of 64 bits is even enough.
  const auto offset = static_cast<Duration::rep>(rule.jitters.u64() % width);
  return rule.impairment.delay - jitter + Duration(offset);
}

}  // namespace

RateQueue::RateQueue(std::uint64_t bits_per_s, std::uint32_t queue_frames)
    : rate_(bits_per_s), begins_(queue_frames) {}

std::optional<Instant> RateQueue::depart(std::size_t bytes, Instant now) noexcept {
  for (; waiting_ > 0 && begins_[first_] <= now; --waiting_)
    first_ = (first_ + 1) % begins_.size();
  if (free_at_ <= now) {
    free_at_ = now;
    remainder_ = 0;
  } else if (waiting_ == begins_.size()) {
    return std::nullopt;
  } else {
    begins_[(first_ + waiting_++) % begins_.size()] = free_at_;
  }
  const std::uint64_t total = std::uint64_t{bytes} * 8 * kNanoseconds + remainder_;
  remainder_ = total % rate_;
  free_at_ += Duration(static_cast<Duration::rep>(total / rate_));
  return free_at_;
}

WireRule::WireRule(std::uint64_t id_, const std::optional<MacAddress>& peer_, int rank_,
                   const Impairment& impairment_, std::uint64_t seed, Instant now)
    : id(id_),
      peer(peer_),
      rank(rank_),
      impairment(impairment_),
      until(impairment_.duration ? now + *impairment_.duration : kNever),
      losses(seed, "loss"),
      duplicates(seed, "duplicate"),
      reorders(seed, "reorder"),
      corruptions(seed, "corrupt"),
      jitters(seed, "jitter") {
  if (impairment.rate_bits_per_s != 0)
    rate.emplace(impairment.rate_bits_per_s, std::max(impairment.queue_frames, 1U));
}

ImpairedWire::ImpairedWire(Direction direction, FramePool& pool, DropCounters& drops) noexcept
    : direction_(direction), pool_(pool), drops_(drops), edge_(pool, kCutOnly, *this, drops) {}

void ImpairedWire::add(std::unique_ptr<WireRule> rule) {
  const auto behind = std::find_if(
      rules_.begin(), rules_.end(),
      [&](const std::unique_ptr<WireRule>& other) { return other->rank > rule->rank; });
  rules_.insert(behind, std::move(rule));
}

bool ImpairedWire::remove(std::uint64_t id, Instant now) noexcept {
  return std::erase_if(rules_, [&](const std::unique_ptr<WireRule>& rule) {
           if (rule->id != id) return false;
           let_go(*rule, now);
           return true;
         }) > 0;
}

void ImpairedWire::expire(Instant now) noexcept {
  std::erase_if(rules_, [&](const std::unique_ptr<WireRule>& rule) {
    if (rule->until > now) return false;
    let_go(*rule, now);
    return true;
  });
}

// In the order in which they would have left; those of other rules stay as they are.
void ImpairedWire::let_go(const WireRule& rule, Instant now) noexcept {
  std::sort(held_.begin(), held_.end(),
            [](const Held& left, const Held& right) { return later(right, left); });
  for (Held& held : held_) {
    if (held.rule != &rule) continue;
    held.rule = nullptr;
    held.due = std::min(held.due, now);
    held.order = next_order_++;
  }
  std::make_heap(held_.begin(), held_.end(), later);
}

ImpairmentCounters ImpairedWire::counters(std::uint64_t id) const noexcept {
  ImpairmentCounters sum;
  for (const auto& rule : rules_) {
    if (rule->id == id) sum.add(rule->counters);
  }
  return sum;
}

void ImpairedWire::set_observer(FrameObserver* observer, std::uint32_t tag) noexcept {
  observer_ = observer;
  tag_ = tag;
}

WireRule* ImpairedWire::match(const Frame& frame) noexcept {
  if (rules_.empty()) return nullptr;
  const auto view = wire::EthernetView::parse(frame.bytes());
  for (const auto& rule : rules_) {
    if (!rule->peer) return rule.get();
    if (!view) continue;
    const bool outbound = direction_ == Direction::from_endpoint;
    if (*rule->peer == (outbound ? view->destination() : view->source())) return rule.get();
  }
  return nullptr;
}

void ImpairedWire::carry(WireRule& rule, FrameRef frame, Instant now) noexcept {
  carrying_ = &rule;
  now_ = now;
  edge_.deliver(std::move(frame));
  carrying_ = nullptr;
}

// One frame of the wire. True even when it is lost: the next segment may not be.
bool ImpairedWire::accept(FrameRef segment) noexcept {
  WireRule& rule = *carrying_;
  if (is_lost(rule)) {
    lose(rule, segment);
    return true;
  }
  if (happens(rule.duplicates, rule.impairment.duplicate)) {
    ++rule.counters.duplicated;
    queue(rule, segment.share());
  }
  queue(rule, std::move(segment));
  return true;
}

bool ImpairedWire::full() const noexcept {
  return held_.size() >= limits::kImpairedFrames ||
         pool_.in_use() > pool_.limit() - pool_.limit() / 4;
}

void ImpairedWire::queue(WireRule& rule, FrameRef frame) noexcept {
  const Impairment& it = rule.impairment;
  if (full()) return lose(rule, frame);
  if (happens(rule.corruptions, it.corrupt) && !corrupt(rule, frame)) return lose(rule, frame);
  Instant due = now_;
  if (rule.rate) {
    const auto departure = rule.rate->depart(frame->size(), now_);
    if (!departure) return lose(rule, frame);
    due = *departure;
  }
  if (happens(rule.reorders, it.reorder)) {
    ++rule.counters.reordered;
    if (it.delay == Duration::zero()) due += kReorderHold;
  } else {
    due = rule.last_release = std::max(due + draw_delay(rule), rule.last_release);
  }
  held_.push_back({due, next_order_++, &rule, std::move(frame)});
  std::push_heap(held_.begin(), held_.end(), later);
  ++rule.counters.passed;
}

// One bit behind the Ethernet header, in a copy of its own, with the checksum that was right
// before.
bool ImpairedWire::corrupt(WireRule& rule, FrameRef& frame) noexcept {
  constexpr std::size_t kHeader = wire::EthernetView::kHeaderSize;
  const std::uint32_t draw = rule.corruptions.u32();
  if (frame->size() <= kHeader) return true;
  FrameRef own = pool_.copy(*frame);
  if (!own || !finish_checksum(*own)) return false;
  const std::size_t bit = draw % ((own->size() - kHeader) * 8);
  own->mutable_bytes()[kHeader + bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  own->offload.checksum_valid = false;
  frame = std::move(own);
  ++rule.counters.corrupted;
  return true;
}

void ImpairedWire::lose(WireRule& rule, const FrameRef& frame) noexcept {
  ++rule.counters.lost;
  drops_.count(DropReason::impaired);
  if (observer_ != nullptr)
    observer_->on_frame(tag_, FrameEvent::dropped, frame, DropReason::impaired, now_);
}

FrameRef ImpairedWire::take(Instant now) noexcept {
  if (held_.empty() || held_.front().due > now) return {};
  std::pop_heap(held_.begin(), held_.end(), later);
  FrameRef frame = std::move(held_.back().frame);
  held_.pop_back();
  return frame;
}

Instant ImpairedWire::next_event() const noexcept {
  Instant next = held_.empty() ? kNever : held_.front().due;
  for (const auto& rule : rules_)
    next = std::min(next, rule->until);
  return next;
}

}  // namespace pontoon
