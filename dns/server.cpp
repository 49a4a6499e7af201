#include "dns/server.h"

#include <array>
#include <vector>

#include "core/base/limits.h"
#include "dns/cache.h"
#include "dns/local_answer.h"
#include "dns/pending.h"
#include "dns/response.h"
#include "dns/writer.h"

namespace pontoon::dns {
namespace {

// What the upstreams may say that is worth passing on. YXDOMAIN: a DNAME made the name too long.
bool passes(Rcode rcode) noexcept {
  constexpr auto yx_domain = static_cast<Rcode>(6);
  return rcode == Rcode::no_error || rcode == Rcode::nx_domain || rcode == yx_domain;
}

QuestionKey key_of(const Query& query) noexcept {
  return {query.question->name, query.question->type, query.dnssec_ok(), query.checking_disabled()};
}

std::uint32_t seconds_between(Instant from, Instant to) noexcept {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(to - from).count());
}

}  // namespace

class Server::Impl final : public PendingHandler {
 public:
  Impl(const ServerConfig& config, std::shared_ptr<const ZoneSet> zones, Forwarder& forwarder,
       TimerQueue& timers, Random& random)
      : config_(config),
        zones_(std::move(zones)),
        forwarder_(forwarder),
        random_(random),
        cache_(random, limits::kDnsCacheEntries),
        pending_(*this, timers, random),
        out_(limits::kDnsMessageBytes) {}
  ~Impl() override { forwarder_.set_handler(nullptr); }

  void set_zones(std::shared_ptr<const ZoneSet> zones) noexcept { zones_ = std::move(zones); }
  void forget(const ReplySink& sink) noexcept { pending_.forget(sink); }
  void flush_cache() noexcept { cache_.clear(); }
  const ServerCounters& counters() const noexcept { return counters_; }
  std::size_t in_flight() const noexcept { return pending_.size(); }
  std::size_t cache_entries() const noexcept { return cache_.size(); }

  QueryFate on_query(const Client& client, ByteView message, Transport transport, ReplySink& sink,
                     Instant now) noexcept;
  void on_forwarded(ForwardTicket ticket, const Result<ByteView, ForwardError>& response,
                    Instant now) noexcept;
  void on_pending_timeout(ForwardTicket ticket, Instant now) noexcept override;

 private:
  QueryFate answer(const Waiter& asker, Instant now) noexcept;
  QueryFate answer_locally(const Waiter& asker, const Lookup& lookup, Instant now) noexcept;
  QueryFate answer_from_cache(const Waiter& asker, const Cache::Entry& entry, Instant now) noexcept;
  QueryFate ask_upstream(const Waiter& asker, Instant now) noexcept;
  bool start_forwarding(const Pending& pending, Instant now) noexcept;
  bool deliver_response(Pending& pending, ByteView response, Instant now) noexcept;
  void fail_all(Pending& pending, bool remember, Instant now) noexcept;
  QueryFate reply_failure(const Waiter& asker, Instant now) noexcept;
  QueryFate reply_error(const Waiter& asker, Rcode rcode, Instant now) noexcept;
  QueryFate reply(const Waiter& asker, ByteView message, Instant now) noexcept;

  std::uint16_t recursion_available() const noexcept { return config_.internal ? 0 : flag::ra; }
  static std::size_t limit_of(const Waiter& asker) noexcept {
    return asker.transport == Transport::tcp ? limits::kDnsMessageBytes
                                             : udp_limit(asker.query.edns);
  }

  ServerConfig config_;
  std::shared_ptr<const ZoneSet> zones_;
  Forwarder& forwarder_;
  Random& random_;
  Cache cache_;
  PendingTable pending_;
  std::vector<std::uint8_t> out_;
  ResponseLayout layout_;  // scratch
  ServerCounters counters_;
};

QueryFate Server::Impl::on_query(const Client& client, ByteView message, Transport transport,
                                 ReplySink& sink, Instant now) noexcept {
  const ParsedQuery parsed = parse_query(message);
  if (parsed.verdict == Verdict::drop) {
    counters_.drops.count(DropReason::dns_malformed);
    return QueryFate::dropped;
  }
  ++counters_.queries;
  const Waiter asker{client, transport, &sink, parsed.query, 0};
  if (parsed.verdict == Verdict::error) return reply_error(asker, parsed.rcode, now);
  return answer(asker, now);
}

QueryFate Server::Impl::answer(const Waiter& asker, Instant now) noexcept {
  const Query& query = asker.query;
  const Lookup lookup = zones_->find(query.question->name, query.question->type);
  if (lookup.kind != Lookup::Kind::not_ours) return answer_locally(asker, lookup, now);
  if (config_.internal || !query.recursion_desired()) {
    return reply_error(asker, Rcode::refused, now);
  }
  if (const Cache::Entry* entry = cache_.find(key_of(query), now)) {
    return answer_from_cache(asker, *entry, now);
  }
  return ask_upstream(asker, now);
}

QueryFate Server::Impl::answer_locally(const Waiter& asker, const Lookup& lookup,
                                       Instant now) noexcept {
  ++counters_.local;
  return reply(asker,
               write_local_answer(out_, limit_of(asker), asker.query, *zones_, lookup,
                                  recursion_available(), random_),
               now);
}

QueryFate Server::Impl::answer_from_cache(const Waiter& asker, const Cache::Entry& entry,
                                          Instant now) noexcept {
  ++counters_.cache_hits;
  if (entry.response.empty()) return reply_failure(asker, now);
  const ResponseTarget target{&asker.query, limit_of(asker), seconds_between(entry.stored, now)};
  return reply(asker, render_response(out_, entry.response, entry.layout, target), now);
}

QueryFate Server::Impl::ask_upstream(const Waiter& asker, Instant now) noexcept {
  Pending* pending = pending_.find(key_of(asker.query));
  const bool joins = pending != nullptr;
  if (pending_.may_wait(asker.client) && !joins) {
    pending = pending_.add(asker.query, random_.u16(), now + limits::kDnsForwardTimeout);
  }
  if (pending == nullptr || !pending_.wait(*pending, asker)) {
    ++counters_.limited;
    return reply_failure(asker, now);
  }
  if (joins) {
    ++counters_.joined;
    return QueryFate::waiting;
  }
  if (start_forwarding(*pending, now)) return QueryFate::waiting;
  ++counters_.upstream_failures;
  fail_all(*pending, false, now);
  return QueryFate::replied;
}

bool Server::Impl::start_forwarding(const Pending& pending, Instant now) noexcept {
  std::array<std::uint8_t, kMaxUpstreamQueryBytes> query;
  const std::size_t size = write_upstream_query(query, pending.id, pending.question,
                                                pending.dnssec_ok, pending.checking_disabled);
  ++counters_.forwarded;
  return forwarder_.forward(pending.ticket, ByteView(query).first(size), now).ok();
}

void Server::Impl::on_forwarded(ForwardTicket ticket,
                                const Result<ByteView, ForwardError>& response,
                                Instant now) noexcept {
  Pending* pending = pending_.get(ticket);
  if (pending == nullptr) return;
  if (response && deliver_response(*pending, *response, now)) return;
  ++counters_.upstream_failures;
  fail_all(*pending, true, now);
}

bool Server::Impl::deliver_response(Pending& pending, ByteView response, Instant now) noexcept {
  if (!answers_question(response, pending.id, pending.question)) return false;
  if (!lay_out_response(response, layout_) || !passes(layout_.rcode)) return false;
  const ByteView kept = response.first(layout_.end);
  if (layout_.ttl_s > 0 && kept.size() <= limits::kDnsCacheEntryBytes) {
    cache_.store(pending.key(), kept, layout_, std::chrono::seconds(layout_.ttl_s), now);
  }
  pending_.finish(pending, [&](const Waiter& asker) {
    const ResponseTarget target{&asker.query, limit_of(asker), 0};
    reply(asker, render_response(out_, kept, layout_, target), now);
  });
  return true;
}

void Server::Impl::on_pending_timeout(ForwardTicket ticket, Instant now) noexcept {
  Pending* pending = pending_.get(ticket);
  if (pending == nullptr) return;
  forwarder_.cancel(ticket);
  ++counters_.timeouts;
  fail_all(*pending, true, now);
}

void Server::Impl::fail_all(Pending& pending, bool remember, Instant now) noexcept {
  if (remember) cache_.store_failure(pending.key(), limits::kDnsFailureTtl, now);
  pending_.finish(pending, [&](const Waiter& asker) { reply_failure(asker, now); });
}

QueryFate Server::Impl::reply_failure(const Waiter& asker, Instant now) noexcept {
  ++counters_.failures;
  MessageWriter writer(out_, limit_of(asker), asker.query, Rcode::server_failure,
                       recursion_available());
  return reply(asker, writer.finish(), now);
}

QueryFate Server::Impl::reply_error(const Waiter& asker, Rcode rcode, Instant now) noexcept {
  ++counters_.errors;
  MessageWriter writer(out_, limit_of(asker), asker.query, rcode, recursion_available());
  return reply(asker, writer.finish(), now);
}

QueryFate Server::Impl::reply(const Waiter& asker, ByteView message, Instant now) noexcept {
  if ((load_be<std::uint16_t>(message.data() + 2) & flag::tc) != 0) ++counters_.truncated;
  asker.sink->on_reply(asker.client, asker.transport, message, now);
  return QueryFate::replied;
}

Server::Server(const ServerConfig& config, std::shared_ptr<const ZoneSet> zones,
               Forwarder& forwarder, TimerQueue& timers, Random& random)
    : impl_(std::make_unique<Impl>(config, std::move(zones), forwarder, timers, random)) {
  forwarder.set_handler(this);
}
Server::~Server() = default;

void Server::set_zones(std::shared_ptr<const ZoneSet> zones) noexcept {
  impl_->set_zones(std::move(zones));
}
QueryFate Server::on_query(const Client& client, ByteView query, Transport transport,
                           ReplySink& sink, Instant now) noexcept {
  return impl_->on_query(client, query, transport, sink, now);
}
void Server::on_forwarded(ForwardTicket ticket, const Result<ByteView, ForwardError>& response,
                          Instant now) noexcept {
  impl_->on_forwarded(ticket, response, now);
}
void Server::forget(const ReplySink& sink) noexcept {
  impl_->forget(sink);
}
void Server::flush_cache() noexcept {
  impl_->flush_cache();
}
const ServerCounters& Server::counters() const noexcept {
  return impl_->counters();
}
std::size_t Server::in_flight() const noexcept {
  return impl_->in_flight();
}
std::size_t Server::cache_entries() const noexcept {
  return impl_->cache_entries();
}

}  // namespace pontoon::dns
