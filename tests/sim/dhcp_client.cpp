#include "tests/sim/dhcp_client.h"

#include <fmt/format.h>

#include <algorithm>

namespace pontoon::sim {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kOptionsAt = 240;
constexpr Duration kPatience = std::chrono::seconds(4);
constexpr std::uint8_t kMask = 1, kRouter = 3, kDns = 6, kRequested = 50, kLease = 51,
                       kMessageType = 53, kServer = 54, kParameters = 55, kRenewal = 58,
                       kRebinding = 59, kIdentifier = 61;

void put_u32(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(value >> shift));
}

Bytes bytes_of(Ipv4Address address) {
  const auto bytes = address.bytes();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Bytes DhcpText::emit() const {
  Bytes out{op, 1, 6, 0};
  put_u32(out, xid);
  out.insert(out.end(), {0, 0, static_cast<std::uint8_t>(broadcast ? 0x80 : 0), 0});
  put_u32(out, ciaddr.value);
  put_u32(out, yiaddr.value);
  put_u32(out, 0);
  put_u32(out, 0);
  out.insert(out.end(), chaddr.octets.begin(), chaddr.octets.end());
  out.resize(236);
  out.insert(out.end(), {0x63, 0x82, 0x53, 0x63, kMessageType, 1, type});
  for (const auto& [code, data] : options) {
    out.push_back(code);
    out.push_back(static_cast<std::uint8_t>(data.size()));
    out.insert(out.end(), data.begin(), data.end());
  }
  out.push_back(255);
  return out;
}

std::optional<DhcpText> DhcpText::parse(ByteView bytes) {
  if (bytes.size() < kOptionsAt || bytes[1] != 1 || bytes[2] != 6) return std::nullopt;
  if (load_be<std::uint32_t>(bytes.data() + 236) != 0x63825363) return std::nullopt;
  DhcpText text;
  text.op = bytes[0];
  text.xid = load_be<std::uint32_t>(bytes.data() + 4);
  text.broadcast = (bytes[10] & 0x80) != 0;
  text.ciaddr = Ipv4Address::from(bytes.subspan(12, 4));
  text.yiaddr = Ipv4Address::from(bytes.subspan(16, 4));
  text.chaddr = MacAddress::from(bytes.subspan(28, 6));
  for (std::size_t at = kOptionsAt; at < bytes.size() && bytes[at] != 255;) {
    if (bytes[at] == 0) {
      ++at;
      continue;
    }
    if (at + 2 > bytes.size() || at + 2 + bytes[at + 1] > bytes.size()) return std::nullopt;
    const ByteView data = bytes.subspan(at + 2, bytes[at + 1]);
    text.options[bytes[at]] = {data.begin(), data.end()};
    at += 2 + data.size();
  }
  const auto type = text.options.find(kMessageType);
  if (type == text.options.end() || type->second.size() != 1) return std::nullopt;
  text.type = type->second[0];
  return text;
}

std::optional<std::uint32_t> DhcpText::u32(std::uint8_t option) const {
  const auto found = options.find(option);
  if (found == options.end() || found->second.size() != 4) return std::nullopt;
  return load_be<std::uint32_t>(found->second.data());
}

DhcpClient::DhcpClient(const DhcpClientConfig& config, SeededRandom random,
                       Surroundings surroundings)
    : config_(config), random_(std::move(random)), around_(std::move(surroundings)) {}

DhcpText DhcpClient::message(std::uint8_t type) const {
  DhcpText text;
  text.xid = xid_;
  text.broadcast = config_.broadcast;
  text.chaddr = config_.mac;
  text.type = type;
  if (!config_.identifier.empty()) {
    text.options[kIdentifier] = {0};
    text.options[kIdentifier].insert(text.options[kIdentifier].end(), config_.identifier.begin(),
                                     config_.identifier.end());
  }
  if (type == dhcp_type::discover || type == dhcp_type::request || type == dhcp_type::inform)
    text.options[kParameters] = {kMask, kRouter, kDns, kLease, kRenewal, kRebinding};
  return text;
}

void DhcpClient::send(const DhcpText& text, Ipv4Address source, Ipv4Address target) {
  around_.send(text.emit(), source, target);
}

void DhcpClient::start(Instant now) {
  state_ = address_.is_any() ? State::selecting : State::rebooting;
  tries_ = 0;
  xid_ = random_.u32();
  ask(now);
}

void DhcpClient::stop() noexcept {
  state_ = State::idle;
  timer_.cancel();
}

// What the state asks of the server, now and again after a while.
void DhcpClient::ask(Instant now) {
  asked_ = now;
  around_.timers.arm(timer_, now + kPatience);
  DhcpText text = message(state_ == State::selecting   ? dhcp_type::discover
                          : state_ == State::informing ? dhcp_type::inform
                                                       : dhcp_type::request);
  switch (state_) {
    case State::idle:
    case State::bound:
      return timer_.cancel();
    case State::requesting:
      text.options[kServer] = bytes_of(config_.server);
      [[fallthrough]];
    case State::rebooting:
      text.options[kRequested] = bytes_of(address_);
      [[fallthrough]];
    case State::selecting:
      return send(text, Ipv4Address::any(), Ipv4Address::broadcast());
    case State::informing:
    case State::renewing:
      text.ciaddr = address_;
      return send(text, address_, config_.server);
  }
}

void DhcpClient::on_time(Instant now) {
  switch (state_) {
    case State::idle:
      return;
    case State::bound:
      if (!config_.renews) {
        state_ = State::idle;
        return;
      }
      state_ = State::renewing;
      xid_ = random_.u32();
      return ask(now);
    case State::renewing:
      if (now >= until_) return start(now);  // the lease has ended: ask for the same again
      return ask(now);
    case State::informing:
      state_ = State::bound;
      around_.timers.arm(timer_, std::max(renew_, now));
      return;
    case State::requesting:
    case State::rebooting:
      // A server that has no record of it stays silent (RFC 2131 4.3.2), perhaps since it died.
      if (++tries_ >= 3) {
        tries_ = 0;
        state_ = State::selecting;
        xid_ = random_.u32();
      }
      return ask(now);
    case State::selecting:
      return ask(now);
  }
}

void DhcpClient::release(Instant now) {
  if (!bound(now)) return;
  xid_ = random_.u32();
  DhcpText text = message(dhcp_type::release);
  text.ciaddr = address_;
  text.options[kServer] = bytes_of(config_.server);
  stop();
  send(text, address_, config_.server);
}

void DhcpClient::decline(Instant now) {
  if (!bound(now)) return;
  xid_ = random_.u32();
  DhcpText text = message(dhcp_type::decline);
  text.options[kServer] = bytes_of(config_.server);
  text.options[kRequested] = bytes_of(address_);
  stop();
  forget();
  send(text, Ipv4Address::any(), Ipv4Address::broadcast());
}

void DhcpClient::inform(Instant now) {
  if (state_ != State::bound) return;
  state_ = State::informing;
  xid_ = random_.u32();
  ask(now);
}

void DhcpClient::on_message(ByteView bytes, Instant now) {
  const auto text = DhcpText::parse(bytes);
  if (!text) return around_.violation("the server sent what is no DHCP message");
  if (text->op != 2) return around_.violation("the server sent a BOOTREQUEST");
  if (text->chaddr != config_.mac || text->xid != xid_) return;  // another's, or an old one
  if (text->u32(kServer) != config_.server.value)
    return around_.violation("a reply without the right server identifier");
  switch (text->type) {
    case dhcp_type::offer:
      return on_offer(*text, now);
    case dhcp_type::ack:
      return on_ack(*text, now);
    case dhcp_type::nak:
      if (bound(now) && state_ == State::renewing)
        around_.violation(fmt::format("{} holds {} and is refused it", config_.mac.to_string(),
                                      address_.to_string()));
      if (state_ == State::idle || state_ == State::selecting || state_ == State::bound) return;
      forget();
      return start(now);
    default:
      return around_.violation("the server sent a client's message");
  }
}

void DhcpClient::on_offer(const DhcpText& text, Instant now) {
  if (state_ != State::selecting) return;
  check(text, true);
  address_ = text.yiaddr;
  state_ = State::requesting;
  tries_ = 0;
  ask(now);
}

void DhcpClient::on_ack(const DhcpText& text, Instant now) {
  if (state_ == State::informing) {
    check(text, false);
    if (!text.yiaddr.is_any() || text.u32(kLease))
      around_.violation("the answer to an INFORM gives a lease");
    state_ = State::bound;
    around_.timers.arm(timer_, std::max(renew_, now));
    return;
  }
  if (state_ != State::requesting && state_ != State::rebooting && state_ != State::renewing)
    return;
  check(text, true);
  if (text.yiaddr != address_) {
    return around_.violation(fmt::format("asked for {} and was acknowledged {}",
                                         address_.to_string(), text.yiaddr.to_string()));
  }
  state_ = State::bound;
  const Duration lease = std::chrono::seconds(text.u32(kLease).value_or(0));
  until_ = asked_ + lease;
  renew_ = asked_ + lease / 2;
  around_.timers.arm(timer_, config_.renews ? renew_ : until_);
}

void DhcpClient::check(const DhcpText& text, bool lease) {
  const std::uint32_t mask = config_.subnet.length == 0 ? 0 : ~0U << (32 - config_.subnet.length);
  if (text.u32(kMask) != mask) around_.violation("the subnet mask is not the network's");
  if (text.u32(kRouter) != config_.server.value) around_.violation("the router is another");
  if (text.u32(kDns) != config_.server.value) around_.violation("the name server is another");
  if (!lease) return;
  const bool usable = config_.subnet.contains(text.yiaddr) && text.yiaddr != config_.server &&
                      text.yiaddr != config_.subnet.network().v4() &&
                      text.yiaddr != config_.subnet.last().v4();
  if (!usable) around_.violation(fmt::format("was given {}", text.yiaddr.to_string()));
  const auto time = text.u32(kLease);
  const auto renewal = text.u32(kRenewal);
  const auto rebinding = text.u32(kRebinding);
  if (!time || *time == 0) return around_.violation("a lease without a time");
  if (!renewal || !rebinding || *renewal > *rebinding || *rebinding > *time)
    return around_.violation("renewal, rebinding and lease times are out of order");
  // RFC 2131 4.4.5; whole seconds are all that there is.
  if (*renewal + 1 < *time / 2 || *renewal > *time / 2 + 1)
    around_.violation(fmt::format("to be renewed after {} s of {}", *renewal, *time));
  const std::uint64_t late = std::uint64_t{*time} * 7 / 8;
  if (*rebinding + 8 < late || *rebinding > late + 1)
    around_.violation(fmt::format("to be rebound after {} s of {}", *rebinding, *time));
}

}  // namespace pontoon::sim
