#include "tests/support/dhcp_talk.h"

#include <catch2/catch.hpp>

namespace pontoon::test {

using dhcp::Message;
using dhcp::MessageType;

namespace {

const char* name_of(MessageType type) {
  switch (type) {
    case MessageType::discover:
      return "DISCOVER";
    case MessageType::offer:
      return "OFFER";
    case MessageType::request:
      return "REQUEST";
    case MessageType::decline:
      return "DECLINE";
    case MessageType::ack:
      return "ACK";
    case MessageType::nak:
      return "NAK";
    case MessageType::release:
      return "RELEASE";
    case MessageType::inform:
      return "INFORM";
  }
  return "?";
}

std::string describe_message(const Message& message) {
  std::string text = name_of(message.type);
  const auto add = [&](const char* label, Ipv4Address address) {
    text += std::string(" ") + label + "=" + address.to_string();
  };
  if (!message.ciaddr.is_any()) add("ciaddr", message.ciaddr);
  if (!message.yiaddr.is_any()) add("yiaddr", message.yiaddr);
  if (message.requested_address) add("requested", *message.requested_address);
  if (message.server_identifier) add("server", *message.server_identifier);
  return text;
}

dhcp::LeaseBookConfig book_config(const DhcpTalkOptions& options) {
  const IpPrefix prefix = *IpPrefix::parse(options.prefix);
  return {7, "default", prefix, prefix.address.v4(), {}};
}

dhcp::ServerConfig server_config(const DhcpTalkOptions& options) {
  dhcp::ServerConfig config;
  config.prefix = *IpPrefix::parse(options.prefix);
  config.gateway = config.prefix.address.v4();
  config.router = config.gateway;
  config.dns_servers = {config.gateway};
  config.domain = "default.internal";
  config.lease = options.lease;
  return config;
}

}  // namespace

DhcpClient DhcpClient::numbered(unsigned number) {
  DhcpClient client;
  client.mac.octets = {
      2, 0, 0, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
  return client;
}

Message DhcpClient::message(MessageType type) const {
  Message out;
  out.xid = 0x01020304;
  out.chaddr = mac;
  out.client_identifier = client_id;
  out.host_name = host_name;
  out.type = type;
  return out;
}

Message DhcpClient::discover() const {
  return message(MessageType::discover);
}

Message DhcpClient::select(Ipv4Address offered, Ipv4Address server) const {
  Message out = message(MessageType::request);
  out.requested_address = offered;
  out.server_identifier = server;
  return out;
}

Message DhcpClient::reboot(Ipv4Address remembered) const {
  Message out = message(MessageType::request);
  out.requested_address = remembered;
  return out;
}

Message DhcpClient::renew(Ipv4Address held) const {
  Message out = message(MessageType::request);
  out.ciaddr = held;
  return out;
}

Message DhcpClient::release(Ipv4Address held, Ipv4Address server) const {
  Message out = message(MessageType::release);
  out.ciaddr = held;
  out.server_identifier = server;
  return out;
}

Message DhcpClient::decline(Ipv4Address address, Ipv4Address server) const {
  Message out = message(MessageType::decline);
  out.requested_address = address;
  out.server_identifier = server;
  return out;
}

Message DhcpClient::inform(Ipv4Address own) const {
  Message out = message(MessageType::inform);
  out.ciaddr = own;
  return out;
}

DhcpTalk::DhcpTalk(const DhcpTalkOptions& options)
    : gateway(IpPrefix::parse(options.prefix)->address.v4()),
      store(options.stored),
      book(book_config(options), timers),
      server(server_config(options), book, *this, drops) {
  book.restore(*store.load(), now_);
}

void DhcpTalk::step(std::string text) {
  const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
  steps_.push_back(std::to_string(at.count()) + " ms  " + std::move(text));
}

void DhcpTalk::fail(const std::string& why) {
  std::string text = why + "; the steps so far:\n";
  for (const std::string& line : steps_)
    text += "  " + line + "\n";
  FAIL(text);
  std::abort();  // FAIL throws
}

void DhcpTalk::deliver(const Message& message, Ipv4Address target) {
  step("client " + message.chaddr.to_string() + ": " + describe_message(message));
  drops_before_ = drops;
  const std::size_t replies = replies_.size() + server.parked();
  server.on_message({message.chaddr, message.ciaddr, target, message.emit(576)}, now_);
  const std::uint64_t dropped = drops.total() - drops_before_.total();
  const std::size_t answered = replies_.size() + server.parked() - replies;
  const bool silent = message.type == MessageType::release || message.type == MessageType::decline;
  if (dropped + answered != 1 && !(silent && dropped + answered == 0)) {
    fail("a message must be answered or counted as dropped, once");
  }
  end_turn();
}

void DhcpTalk::send_bytes(ByteView payload, const MacAddress& source_mac) {
  step("bytes from " + source_mac.to_string());
  drops_before_ = drops;
  server.on_message({source_mac, {}, Ipv4Address::broadcast(), payload}, now_);
  end_turn();
}

void DhcpTalk::tick(Duration time) {
  // In small steps at first, so that timers which arm others run in their turn.
  const Instant until = now_ + time;
  while (timers.next_deadline() <= until) {
    now_ = std::max(now_, timers.next_deadline());
    timers.run_due(now_, limits::kTurnTimers);
    end_turn();
  }
  now_ = until;
  step("tick");
  end_turn();
}

void DhcpTalk::end_turn() {
  server.flush(store);
  switch (disk_) {
    case Disk::fast:
      store.complete_all();
      break;
    case Disk::held:
      return;
    case Disk::broken:
      store.fail_all("disk I/O error");
      break;
  }
  for (const dhcp::Completion& completion : store.poll())
    server.on_durable(completion, now_);
}

void DhcpTalk::mend_disk() {
  disk_ = Disk::fast;
  step("the disk works");
  end_turn();
}

void DhcpTalk::send(const dhcp::Reply& reply, Instant) noexcept {
  const auto message = Message::parse(reply.payload);
  if (!message) return;
  step("server to " + reply.ip.to_string() + ": " + describe_message(*message));
  replies_.push_back(
      {reply.link, reply.ip, reply.port, {reply.payload.begin(), reply.payload.end()}, *message});
}

DhcpTalk::Sent DhcpTalk::expect(MessageType type) {
  if (replies_.size() != 1) {
    fail(std::string("expected one ") + name_of(type) + ", got " + std::to_string(replies_.size()) +
         " replies");
  }
  Sent reply = std::move(replies_.front());
  replies_.pop_front();
  if (reply.message.type != type) {
    fail(std::string("expected ") + name_of(type) + ", got " + name_of(reply.message.type));
  }
  return reply;
}

DhcpTalk::Sent DhcpTalk::expect(MessageType type, const std::string& yiaddr) {
  Sent reply = expect(type);
  if (reply.message.yiaddr.to_string() != yiaddr) {
    fail("expected " + yiaddr + ", got " + reply.message.yiaddr.to_string());
  }
  return reply;
}

void DhcpTalk::expect_no_reply() {
  if (!replies_.empty()) {
    fail(std::string("expected silence, got ") + name_of(replies_.front().message.type));
  }
}

void DhcpTalk::expect_nothing() {
  expect_no_reply();
  if (drops.total() != drops_before_.total()) fail("expected that nothing is dropped");
}

void DhcpTalk::expect_drop(DropReason reason) {
  expect_no_reply();
  if (drops.total() != drops_before_.total() + 1 || drops[reason] != drops_before_[reason] + 1) {
    fail("expected one drop: " + std::string(to_string(reason)));
  }
}

Ipv4Address DhcpTalk::join(const DhcpClient& client) {
  send(client.discover());
  const Ipv4Address offered = expect(MessageType::offer).message.yiaddr;
  send(client.select(offered, gateway));
  expect(MessageType::ack, offered.to_string());
  return offered;
}

}  // namespace pontoon::test
