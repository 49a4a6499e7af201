#include "lab/world/realm.h"

#include <chrono>

#include "dns/message.h"
#include "dns/response.h"

namespace pontoon::lab {
namespace {

// CaresForwarderConfig::total_timeout
constexpr Duration kPatience = std::chrono::milliseconds(4500);

// Which answers a resolver with one upstream passes on.
Result<Bytes, dns::ForwardError> judge(Bytes response, ByteView query) {
  if (response.empty()) return dns::ForwardError::timed_out;
  const dns::ParsedQuery asked = dns::parse_query(query);
  if (asked.verdict != dns::Verdict::answer) return dns::ForwardError::malformed;
  if (!dns::answers_question(response, asked.query.id, *asked.query.question))
    return dns::ForwardError::malformed;
  ByteReader reader{ByteView(response)};
  const auto flags = dns::Header::read(reader).flags;
  switch (dns::Rcode{static_cast<std::uint16_t>(flags & dns::flag::rcode)}) {
    case dns::Rcode::server_failure:
    case dns::Rcode::not_implemented:
    case dns::Rcode::refused:
      return dns::ForwardError::failed;
    default:
      return response;
  }
}

}  // namespace

Status<dns::ForwardError> WorldForwarder::forward(dns::ForwardTicket ticket, ByteView query,
                                                  Instant now) noexcept {
  Outcome outcome = judge(names_.answer({query.begin(), query.end()}), query);
  const bool silent = !outcome && outcome.error() == dns::ForwardError::timed_out;
  const std::uint64_t number = ++last_number_;
  asked_.insert_or_assign(ticket, Asked{number, std::move(outcome)});
  agenda_.at(now + (silent ? kPatience : names_.delay()),
             [this, ticket, number](Instant then) { finish(ticket, number, then); });
  return {};
}

void WorldForwarder::finish(dns::ForwardTicket ticket, std::uint64_t number, Instant now) {
  const auto found = asked_.find(ticket);
  if (found == asked_.end() || found->second.number != number) return;
  const Outcome outcome = std::move(found->second.outcome);
  asked_.erase(found);
  if (outcome) {
    handler_->on_forwarded(ticket, ByteView(*outcome), now);
  } else {
    handler_->on_forwarded(ticket, outcome.error(), now);
  }
}

World::Realm::Realm(World& its_world, const control::NetworkSpec& spec, std::uint32_t its_number)
    : world(its_world),
      number(its_number),
      random(world.seed_, spec.name),
      forwarder(world.names_, world.events_),
      network(spec, its_number,
              control::NetworkRim{pool, timers, random, world.host_, forwarder, *world.leases_,
                                  world.ports_, *world.facts_},
              world.leases_->durable(), world.now_) {
  network.set_observer(this);
}

void World::Realm::on_frame(std::uint32_t tag, FrameEvent event, const FrameRef& frame,
                            std::optional<DropReason> reason, Instant) noexcept {
  if (event != FrameEvent::dropped) return;
  const control::EndpointInfo* const member = network.find_tag(tag);
  const bool at_gateway = tag == control::Network::kGatewayTag;
  const std::string_view where = member != nullptr ? std::string_view(member->name)
                                 : at_gateway      ? std::string_view("gateway")
                                                   : std::string_view("(detached)");
  world.watch(where, event, frame->bytes(), reason);
}

}  // namespace pontoon::lab
