// DHCP: any bytes as a message, and any conversation with the server. The first byte chooses.
#include <map>

#include "core/base/limits.h"
#include "dhcp/server.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

using dhcp::Message;
using dhcp::MessageType;

void check_message(ByteView bytes) {
  const auto message = Message::parse(bytes);
  if (!message) return;
  // What has no room is left out, so the first round may lose something; the second may not.
  const auto once = Message::parse(message->emit(limits::kDhcpMessageBytes));
  ORACLE(once, "a message that was parsed does not parse again");
  const auto twice = Message::parse(once->emit(limits::kDhcpMessageBytes));
  ORACLE(twice && *twice == *once, "a message changes when it is emitted again");
  for (const std::size_t limit : {244U, 300U, 548U}) {
    const auto small = message->emit(limit);
    ORACLE(small.size() <= limit, "an emitted message is longer than its limit");
    ORACLE(Message::parse(small) || limit < 300, "a short message does not parse");
  }
}

// A server with a disk of its own, four clients, and whatever they say.
class Conversation final : private dhcp::ReplySender {
 public:
  Conversation()
      : book_({1, "default", prefix(), gateway(), {}}, timers_),
        server_(config(), book_, *this, drops_) {}

  void step(Input& input) {
    switch (input.below(8)) {
      case 0:
        return tick(std::chrono::seconds(input.u16()));
      case 1:
        return settle_disk(input.flag());
      case 2:
        return deliver(input, to_vector(input.block()), mac(input.below(4)));
      default:
        return speak(input);
    }
  }
  void end() {
    settle_disk(true);
    tick(std::chrono::hours(24 * 400));
    ORACLE(server_.parked() == 0, "a reply waits for a disk that is done");
  }

 private:
  static IpPrefix prefix() { return *IpPrefix::parse("10.9.8.1/28"); }
  static Ipv4Address gateway() { return prefix().address.v4(); }
  static MacAddress mac(unsigned number) {
    return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(number)}};
  }
  static std::vector<std::uint8_t> to_vector(ByteView bytes) {
    return {bytes.begin(), bytes.end()};
  }
  static dhcp::ServerConfig config() {
    dhcp::ServerConfig config;
    config.gateway = gateway();
    config.prefix = prefix();
    config.router = gateway();
    config.dns_servers = {gateway()};
    config.domain = "default.internal";
    return config;
  }
  static Ipv4Address some_address(Input& input) {
    const std::uint8_t choice = input.u8();
    if (choice < 32) return {(gateway().value & ~15U) + (choice & 15U)};
    return {choice < 64 ? 0 : input.u32()};
  }

  void speak(Input& input) {
    const MacAddress source = mac(input.below(4));
    Message message;
    message.chaddr = source;
    message.type = static_cast<MessageType>(1 + input.below(8));
    message.xid = input.u8();
    const std::uint8_t with = input.u8();
    message.broadcast = (with & 1) != 0;
    if ((with & 2) != 0) message.ciaddr = some_address(input);
    if ((with & 4) != 0) message.requested_address = some_address(input);
    if ((with & 8) != 0)
      message.server_identifier = (with & 16) != 0 ? gateway() : some_address(input);
    if ((with & 32) != 0) message.client_identifier = to_vector(input.take(1 + input.below(8)));
    if ((with & 64) != 0) message.parameter_requests = to_vector(input.take(input.below(64)));
    if ((with & 128) != 0) message.maximum_message_size = input.u16();
    deliver(input, message.emit(limits::kDhcpMessageBytes), source);
  }

  void deliver(Input& input, std::vector<std::uint8_t> payload, const MacAddress& source) {
    const unsigned how = input.below(4);
    const Ipv4Address target = (how & 1) != 0 ? gateway() : Ipv4Address::broadcast();
    const Ipv4Address from = (how & 2) != 0 ? some_address(input) : Ipv4Address::any();
    const std::size_t before = replies_;
    request_ = Message::parse(payload);
    server_.on_message({source, from, target, payload}, now_);
    ORACLE(replies_ <= before + 1, "one message, several replies");
    server_.flush(store_);
    ORACLE(server_.parked() <= limits::kDhcpParked, "more replies parked than the limit");
    request_.reset();
  }

  void send(const dhcp::Reply& reply, Instant) noexcept override {
    ++replies_;
    const auto message = Message::parse(reply.payload);
    ORACLE(message && !message->from_client, "the server says what is no reply");
    ORACLE(reply.payload.size() <= 1500 - 28, "a reply that does not fit the MTU");
    if (request_) {
      ORACLE(reply.payload.size() <= dhcp::reply_limit(*request_, 1500), "longer than asked for");
      ORACLE(message->xid == request_->xid, "an answer to somebody else");
    }
    if (message->type == MessageType::offer || message->type == MessageType::ack) {
      const Ipv4Address given = message->yiaddr;
      ORACLE(given.is_any() || prefix().contains(given), "an address of another network");
      ORACLE(given != gateway(), "the gateway's address was given away");
    }
    if (message->type == MessageType::ack && !message->yiaddr.is_any()) check_sole(message->yiaddr);
  }

  void check_sole(Ipv4Address address) const {
    const dhcp::Lease* lease = book_.find(address);
    ORACLE(lease != nullptr, "an address was acknowledged that nobody holds");
  }

  void settle_disk(bool works) {
    if (works) {
      store_.complete_all();
    } else {
      store_.fail_all("full");
    }
    for (const dhcp::Completion& completion : store_.poll())
      server_.on_durable(completion, now_);
    server_.flush(store_);
    if (works) finish_writes();
  }
  void finish_writes() {
    while (store_.waiting() > 0) {
      store_.complete_all();
      for (const dhcp::Completion& completion : store_.poll())
        server_.on_durable(completion, now_);
      server_.flush(store_);
    }
  }
  void tick(Duration by) {
    now_ += by;
    while (timers_.next_deadline() <= now_)
      timers_.run_due(now_, limits::kTurnTimers);
    server_.flush(store_);
  }

  TimerQueue timers_;
  DropCounters drops_;
  dhcp::MemoryLeaseStore store_;
  dhcp::LeaseBook book_;
  dhcp::Server server_;
  Instant now_{std::chrono::hours(1)};
  std::optional<Message> request_;
  std::size_t replies_ = 0;
};

constexpr unsigned kSteps = 64;

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon::fuzz;
  Input input(data, size);
  if (input.flag()) {
    Conversation conversation;
    for (unsigned i = 0; i < kSteps && !input.empty(); ++i)
      conversation.step(input);
    conversation.end();
  } else {
    check_message(input.rest());
  }
  return 0;
}
