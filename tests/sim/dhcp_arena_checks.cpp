// What the arena expects of the server and its book, and the heckler's part in it.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/dhcp_arena.h"

namespace pontoon::sim {

using namespace std::chrono_literals;

// With room for all, who comes back has what he had, however long he was away.
void DhcpArena::check_stability(const DhcpText& text) {
  const auto [last, first] = last_of_.try_emplace(text.chaddr, text.yiaddr);
  if (!first && last->second != text.yiaddr && roomy()) {
    report_.fail("lease stability",
                 fmt::format("{} had {} and is acknowledged {}", text.chaddr.to_string(),
                             last->second.to_string(), text.yiaddr.to_string()));
  }
  last->second = text.yiaddr;
}

// Straight to the server, so that its answer is known at once.
void DhcpArena::heckle(Instant now) {
  const DhcpClient& client = clients_[random_.below(static_cast<std::uint32_t>(clients_.size()))];
  const auto held = holdings_.find(client.address());
  if (held == holdings_.end() || held->second.client != client.config().mac ||
      held->second.until <= now + 1s)
    return;
  const DhcpHeckler::Message message =
      heckler_.next({client.config().mac, client.config().identifier, client.address()});
  report_.step(
      fmt::format("arena: a heckler says {} to {}", message.what, client.config().mac.to_string()));
  said_.clear();
  engine_->server.on_message({DhcpHeckler::mac(), message.source, message.target, message.bytes},
                             now);
  const bool silent = said_.empty();
  const bool wrong = std::any_of(said_.begin(), said_.end(),
                                 [&](std::uint8_t type) { return !message.may.contains(type); });
  if (wrong || (silent && message.must)) {
    report_.fail("dhcp server",
                 fmt::format("{} is answered with {}", message.what,
                             silent ? "silence" : fmt::format("type {}", said_.front())));
  }
  check_book(now);
  book_checker_.check_share(engine_->book, DhcpHeckler::mac());
}

void DhcpArena::hoard(Instant now) {
  for (unsigned i = 0; i < 2 * limits::kLeasesPerPort; ++i) {
    const DhcpHeckler::Message message = heckler_.hoard();
    engine_->server.on_message({DhcpHeckler::mac(), message.source, message.target, message.bytes},
                               now);
  }
  book_checker_.check_share(engine_->book, DhcpHeckler::mac());
}

// RFC 2131 4.3.2: who remembers another address than he has is told so.
void DhcpArena::check_reboot(const DhcpText& text, Instant now) {
  const auto asked = text.u32(50);
  if (text.type != dhcp_type::request || !asked || text.u32(54) || !text.ciaddr.is_any()) return;
  const bool has_another = std::any_of(holdings_.begin(), holdings_.end(), [&](const auto& each) {
    return each.second.client == text.chaddr && each.second.until > now &&
           each.first != Ipv4Address{*asked};
  });
  if (has_another && said_ != std::vector<std::uint8_t>{dhcp_type::nak}) {
    report_.fail("dhcp server",
                 fmt::format("{} remembers {}, has another, and gets no NAK",
                             text.chaddr.to_string(), Ipv4Address{*asked}.to_string()));
  }
}

void DhcpArena::check_book(Instant now) {
  for (const auto& [address, holding] : holdings_) {
    if (holding.until > now)
      book_checker_.check_promise(engine_->book, address, holding.client, holding.until);
  }
  book_checker_.check_ends(engine_->book, now);
}

}  // namespace pontoon::sim
