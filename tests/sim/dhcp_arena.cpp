#include "tests/sim/dhcp_arena.h"

#include <fmt/format.h>

#include <algorithm>

namespace pontoon::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kName = "lease exclusivity";

}  // namespace

DhcpArena::DhcpArena(std::uint64_t seed, Report& report)
    : seed_(seed),
      report_(report),
      random_(seed, "dhcp arena"),
      store_(std::make_unique<dhcp::MemoryLeaseStore>()),
      heckler_(Ipv4Address::of(10, 9, 8, 1), SeededRandom(seed, "dhcp heckler")) {
  config_.gateway = Ipv4Address::of(10, 9, 8, 1);
  // From a dozen addresses, for which the clients compete, to plenty.
  config_.prefix = {config_.gateway, static_cast<std::uint8_t>(26 + random_.below(3))};
  config_.router = config_.gateway;
  config_.dns_servers = {config_.gateway};
  config_.lease = 60s * (1 + random_.below(15));
  start_engine();
  const unsigned clients = 3 + random_.below(16);
  for (unsigned i = 0; i < clients; ++i)
    add_client(i);
}

DhcpArena::~DhcpArena() = default;

void DhcpArena::start_engine() {
  engine_ = std::make_unique<Engine>(config_, timers_, static_cast<dhcp::ReplySender&>(*this));
  engine_->book.restore(store_->durable(), now_);
}

void DhcpArena::add_client(unsigned number) {
  DhcpClientConfig config;
  config.mac = MacAddress{{0x02, 0, 0, 0, 1, static_cast<std::uint8_t>(number)}};
  if (random_.below(2) == 0) config.identifier = fmt::format("client {}", number);
  config.server = config_.gateway;
  config.subnet = {IpPrefix{config_.gateway, config_.prefix.length}.network(),
                   config_.prefix.length};
  config.broadcast = random_.below(2) == 0;
  config.renews = random_.below(4) != 0;
  const std::size_t index = clients_.size();
  clients_.emplace_back(
      config, SeededRandom(seed_, fmt::format("dhcp client {}", number)),
      DhcpClient::Surroundings{timers_,
                               [this, index](const std::vector<std::uint8_t>& message,
                                             Ipv4Address source, Ipv4Address target) {
                                 to_server(clients_[index], message, source, target);
                               },
                               [this, number](const std::string& what) {
                                 report_.fail("dhcp client",
                                              fmt::format("client {}: {}", number, what));
                               }});
}

// How long a message takes; nullopt: it is lost.
std::optional<Duration> DhcpArena::link_delay() {
  if (random_.below(10000) < loss_) return std::nullopt;
  return Duration(1ms) * (1 + random_.below(20));
}

void DhcpArena::to_server(DhcpClient& client, std::vector<std::uint8_t> message, Ipv4Address source,
                          Ipv4Address target) {
  const auto text = DhcpText::parse(message);
  const bool request = text && text->type != dhcp_type::release && text->type != dhcp_type::decline;
  const unsigned copies = !calm_ && request && random_.below(50) == 0 ? 2 : 1;
  for (unsigned i = 0; i < copies; ++i) {
    const auto delay = link_delay();
    if (!delay) continue;
    agenda_.at(now_ + *delay, [this, &client, message, source, target](Instant now) {
      deliver(client, message, source, target, now);
    });
  }
}

void DhcpArena::deliver(DhcpClient& client, const std::vector<std::uint8_t>& message,
                        Ipv4Address source, Ipv4Address target, Instant now) {
  const auto text = DhcpText::parse(message);
  const bool gives_back =
      text && (text->type == dhcp_type::release || text->type == dhcp_type::decline);
  if (gives_back) {
    const Ipv4Address address =
        text->type == dhcp_type::release ? text->ciaddr : Ipv4Address{*text->u32(50)};
    const auto held = holdings_.find(address);
    if (held != holdings_.end() && held->second.client == text->chaddr) {
      if (text->type == dhcp_type::decline) {
        declined_[address] = now;
        last_of_.erase(text->chaddr);
      }
      holdings_.erase(held);
    }
  }
  if (text) {
    report_.step(fmt::format("arena: {} says {} (ciaddr {}, asks for {})", text->chaddr.to_string(),
                             text->type, text->ciaddr.to_string(),
                             Ipv4Address{text->u32(50).value_or(0)}.to_string()));
  }
  if (text && text->type == dhcp_type::request) first_asked_.emplace(text->xid, now);
  said_.clear();
  engine_->server.on_message({client.config().mac, source, target, message}, now);
  if (text) check_reboot(*text, now);
}

void DhcpArena::send(const dhcp::Reply& reply, Instant now) noexcept {
  for (const std::uint8_t byte : reply.payload)
    hash_ = (hash_ ^ byte) * 1099511628211ULL;
  hash_ = (hash_ ^ static_cast<std::uint64_t>(now.time_since_epoch().count())) * 1099511628211ULL;
  const auto text = DhcpText::parse(reply.payload);
  if (!text) return report_.fail("dhcp server", "sends what is no DHCP message");
  report_.step(fmt::format("arena: {} is told {} ({} for {} s)", text->chaddr.to_string(),
                           text->type, text->yiaddr.to_string(), text->u32(51).value_or(0)));
  said_.push_back(text->type);
  if (text->type == dhcp_type::ack && !text->yiaddr.is_any()) on_acknowledged(*text, now);
  if (text->type == dhcp_type::offer) on_offered(*text, now);
  // RFC 2131 4.1.
  const bool to_all = text->type == dhcp_type::nak || (text->broadcast && text->ciaddr.is_any());
  if (reply.link != (to_all ? MacAddress::broadcast() : text->chaddr))
    report_.fail("dhcp server", "sends a reply to " + reply.link.to_string());
  const auto delay = link_delay();
  if (!delay) return;
  const bool broadcast = reply.link.is_broadcast();
  agenda_.at(now + *delay, [this, link = reply.link, broadcast,
                            bytes = std::vector<std::uint8_t>(reply.payload.begin(),
                                                              reply.payload.end())](Instant then) {
    for (DhcpClient& client : clients_) {
      if (broadcast || client.config().mac == link) client.on_message(bytes, then);
    }
  });
}

void DhcpArena::on_offered(const DhcpText& text, Instant now) {
  const auto held = holdings_.find(text.yiaddr);
  if (held != holdings_.end() && held->second.client != text.chaddr && held->second.until > now) {
    report_.fail(kName, fmt::format("{} is offered to {}, and {} holds it", text.yiaddr.to_string(),
                                    text.chaddr.to_string(), held->second.client.to_string()));
  }
  for (const auto& [address, holding] : holdings_) {
    const bool another =
        holding.client == text.chaddr && holding.until > now && address != text.yiaddr;
    if (another) {
      report_.fail("lease stability",
                   fmt::format("{} holds {} and is offered {}", text.chaddr.to_string(),
                               address.to_string(), text.yiaddr.to_string()));
    }
  }
}

void DhcpArena::on_acknowledged(const DhcpText& text, Instant now) {
  ++acknowledged_;
  on_offered(text, now);
  const auto seconds = text.u32(51);
  if (!seconds) return report_.fail("dhcp server", "acknowledges a lease without a time");
  // RFC 2131 4.4.1: the client counts from the request that it has sent last.
  const auto client = std::find_if(clients_.begin(), clients_.end(), [&](const DhcpClient& each) {
    return each.config().mac == text.chaddr;
  });
  if (client == clients_.end())
    return report_.fail(kName, text.yiaddr.to_string() + " is acknowledged to the heckler");
  check_stability(text);
  if (client->xid() != text.xid) return;  // it no longer waits for this
  const Instant until = client->asked() + std::chrono::seconds(*seconds);
  const auto asked = first_asked_.find(text.xid);
  const bool at_once = asked != first_asked_.end() && now - asked->second < 1s && !disk_full_;
  if (at_once && std::chrono::seconds(*seconds) != config_.lease)
    report_.fail("dhcp server", "acknowledges at once another lease time than it is configured to");
  if (std::chrono::seconds(*seconds) > config_.lease)
    report_.fail("dhcp server", "acknowledges a lease longer than it is configured to");
  const auto declined = declined_.find(text.yiaddr);
  if (declined != declined_.end() && now < declined->second + limits::kDhcpQuarantine) {
    report_.fail(
        kName, fmt::format("{} is given to {}, and was declined {} s ago", text.yiaddr.to_string(),
                           text.chaddr.to_string(), (now - declined->second) / 1s));
  }
  const auto& rows = store_->durable();
  const bool durable = std::any_of(rows.begin(), rows.end(), [&](const dhcp::Lease& lease) {
    return lease.address == text.yiaddr && lease.mac == text.chaddr &&
           lease.state == dhcp::LeaseState::bound && lease.expires + 1s >= until;
  });
  if (!durable) {
    report_.fail("lease durability",
                 fmt::format("{} is acknowledged to {} for {} s, and the disk does not know it",
                             text.yiaddr.to_string(), text.chaddr.to_string(), *seconds));
  }
  holdings_[text.yiaddr] = {text.chaddr, until};
}

void DhcpArena::write_leases() {
  if (disk_held_ || store_->waiting() == 0) return;
  if (disk_full_) {
    report_.step("arena: the disk is full");
    store_->fail_all("the arena's disk is full");
  } else {
    store_->complete_all();
  }
  for (const dhcp::Completion& completion : store_->poll())
    engine_->server.on_durable(completion, now_);
}

void DhcpArena::turn() {
  engine_->server.flush(*store_);
  write_leases();
  engine_->server.flush(*store_);
}

void DhcpArena::crash() {
  report_.step("arena: the daemon dies and comes back");
  engine_.reset();
  // What was handed over and not written is lost, as a torn disk loses it.
  store_ = std::make_unique<dhcp::MemoryLeaseStore>(store_->durable());
  std::erase_if(declined_, [this](const auto& declined) {
    const auto& rows = store_->durable();
    return std::none_of(rows.begin(), rows.end(), [&](const dhcp::Lease& lease) {
      return lease.address == declined.first && lease.state == dhcp::LeaseState::declined;
    });
  });
  start_engine();
}

// One thing happens, and the next one is thought of.
void DhcpArena::act(Instant now) {
  if (calm_) return;
  check_book(now);
  for (unsigned i = random_.below(4); i > 0; --i)
    heckle(now);
  DhcpClient& client = clients_[random_.below(static_cast<std::uint32_t>(clients_.size()))];
  switch (random_.below(14)) {
    case 10:
      hoard(now);
      break;
    case 0:
      client.release(now);
      break;
    case 1:
      client.decline(now);
      break;
    case 2:
      client.inform(now);
      break;
    case 3:
      client.stop();  // pulled out; comes back some time
      break;
    case 4:
      client.forget();
      client.start(now);
      break;
    case 5:
      if (random_.below(4) == 0) crash();
      break;
    case 6:
      disk_held_ = random_.below(2) == 0;
      break;
    case 7:
      disk_full_ = random_.below(3) == 0;
      break;
    case 8:
      loss_ = random_.below(2) == 0 ? 0 : random_.below(3000);
      break;
    case 9:  // moved here, with an address that may be another's
      client.stop();
      client.remember({config_.prefix.network().v4().value + random_.below(40)});
      client.start(now);
      break;
    default:
      if (client.idle()) client.start(now);
      break;
  }
  agenda_.at(now + Duration(1ms) * (1 + random_.below(60000)), [this](Instant at) { act(at); });
}

// Without faults everybody for whom there is room must get an address.
void DhcpArena::finish() {
  calm_ = true;
  loss_ = 0;
  disk_held_ = disk_full_ = false;
  for (DhcpClient& client : clients_)
    client.stop();
  const std::size_t room = (1U << (32 - config_.prefix.length)) - 3;
  // What was declined, and what is still promised to somebody, comes back first.
  agenda_.at(now_ + limits::kDhcpQuarantine + config_.lease + limits::kDhcpOffer,
             [this](Instant at) {
               if (!engine_->book.has_unsaved())
                 book_checker_.check_disk(engine_->book, store_->durable());
               for (DhcpClient& client : clients_)
                 client.start(at);
             });
  agenda_.at(now_ + limits::kDhcpQuarantine + config_.lease + limits::kDhcpOffer + 50s,
             [this, room](Instant at) {
               check_book(at);
               if (!engine_->book.has_unsaved())
                 book_checker_.check_disk(engine_->book, store_->durable());
               if (clients_.size() > room) return;
               for (const DhcpClient& client : clients_) {
                 if (client.bound(at) || !client.config().renews) continue;
                 report_.fail("liveness",
                              fmt::format("{} has got no address in 50 s without faults",
                                          client.config().mac.to_string()));
               }
             });
}

void DhcpArena::run(Duration time) {
  end_ = now_ + time;
  agenda_.at(now_, [this](Instant at) { act(at); });
  for (std::size_t i = 0; i < clients_.size(); ++i)
    agenda_.at(now_ + Duration(1ms) * random_.below(20000),
               [this, i](Instant at) { clients_[i].start(at); });
  agenda_.at(end_, [this](Instant) { finish(); });
  const Instant last = end_ + limits::kDhcpQuarantine + config_.lease + limits::kDhcpOffer + 60s;
  while (!report_.failed() && timers_.next_deadline() <= last) {
    now_ = std::max(now_, timers_.next_deadline());
    report_.at(now_);
    timers_.run_due(now_, 64);
    turn();
  }
}

}  // namespace pontoon::sim
