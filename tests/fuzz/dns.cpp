// DNS: names, queries to the server, and what an upstream answers to them.
//
// Input: options, the query (behind its length), the upstream's response. The work that an input
// can cause is held down by what may come out: exactly one reply to each query, never longer than
// the client takes, never much longer than what was put in.
#include <array>

#include "core/base/limits.h"
#include "dns/response.h"
#include "dns/server.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

class Upstream final : public dns::Forwarder {
 public:
  void set_handler(dns::ForwardHandler* handler) noexcept override { handler_ = handler; }
  Status<dns::ForwardError> forward(dns::ForwardTicket ticket, ByteView query,
                                    Instant) noexcept override {
    ORACLE(query.size() <= dns::kMaxUpstreamQueryBytes, "a query of ours is too long");
    query_.assign(query.begin(), query.end());
    ticket_ = ticket;
    ++asked;
    return {};
  }
  void cancel(dns::ForwardTicket) noexcept override { ticket_.reset(); }

  // What the contract of Forwarder lets through: the query's ID and question, any records.
  void answer(ByteView records, std::uint16_t flags, const std::array<std::uint16_t, 3>& counts,
              Instant now) {
    if (!ticket_) return;
    const std::size_t question_end = query_.size() - dns::kOptBytes;
    std::vector<std::uint8_t> response(query_.begin(),
                                       query_.begin() + static_cast<std::ptrdiff_t>(question_end));
    store_be(response.data() + 2, static_cast<std::uint16_t>(flags | dns::flag::qr));
    for (std::size_t i = 0; i < counts.size(); ++i)
      store_be(response.data() + 6 + 2 * i, counts[i]);
    response.insert(response.end(), records.begin(), records.end());
    handler_->on_forwarded(*std::exchange(ticket_, std::nullopt), ByteView(response), now);
  }

  unsigned asked = 0;

 private:
  dns::ForwardHandler* handler_ = nullptr;
  std::vector<std::uint8_t> query_;
  std::optional<dns::ForwardTicket> ticket_;
};

std::shared_ptr<const dns::ZoneSet> zones() {
  dns::ZoneBuilder builder({"default",
                            {*IpPrefix::parse("172.17.0.0/16")},
                            {*IpAddress::parse("172.17.0.1")},
                            {*IpAddress::parse("172.17.0.1")}},
                           1);
  std::vector<IpAddress> many;
  for (unsigned i = 0; i < 80; ++i)
    many.push_back(Ipv4Address{0xac110100 + i});
  const std::vector<std::string> aliases{"db", "a.b.c.d.e"};
  ORACLE(builder.add_endpoint("web", aliases, std::span(many).first(1)), "web is no name");
  ORACLE(builder.add_endpoint("many", {}, many), "many is no name");
  ORACLE(builder.add_empty_zone("back.internal"), "back.internal is no name");
  return std::move(builder).build();
}

class Client final : public dns::ReplySink {
 public:
  void on_reply(const dns::Client&, dns::Transport, ByteView reply, Instant) noexcept override {
    ++replies;
    ORACLE(reply.size() <= limit, "a reply that the client does not take");
    ORACLE(reply.size() >= dns::kHeaderBytes, "a reply without a header");
    ORACLE(load_be<std::uint16_t>(reply.data()) == id, "a reply with another ID");
    ORACLE((reply[2] & 0x80) != 0, "a reply that is no response");
  }
  std::size_t limit = 0;
  std::uint16_t id = 0;
  unsigned replies = 0;
};

void check_name(ByteView bytes) {
  ByteReader reader(bytes);
  const auto name = dns::Name::read(reader);
  ByteReader skipper(bytes);
  const bool skipped = dns::skip_name(skipper);
  if (!name) return;
  ORACLE(skipped && skipper.position() == reader.position(), "read and skip disagree");
  ORACLE(name->size() <= dns::kMaxNameBytes, "a name that is too long");
  const auto again = dns::Name::from_text(name->to_text());
  ORACLE(again && *again == *name, "a name changes as text");
}

void check_response(ByteView response) {
  dns::ResponseLayout layout;
  if (!dns::lay_out_response(response, layout)) return;
  ORACLE(layout.end <= response.size(), "a layout beyond the message");
  for (const dns::ResponseRecord& record : layout.records)
    ORACLE(record.ttl_at + 6U <= record.end && record.end <= layout.end, "a record beyond the end");
}

void serve(Input& input) {
  static const auto names = zones();
  TimerQueue timers;
  SeededRandom random(1, "fuzz");
  Upstream upstream;
  dns::Server server({input.flag()}, names, upstream, timers, random);
  Instant now{std::chrono::hours(1)};
  for (unsigned i = 0; i < 4 && !input.empty(); ++i) {
    const auto transport = input.flag() ? dns::Transport::tcp : dns::Transport::udp;
    const ByteView query = input.block();
    Client client;
    const auto parsed = dns::parse_query(query);
    client.limit = transport == dns::Transport::tcp ? limits::kDnsMessageBytes
                                                    : dns::udp_limit(parsed.query.edns);
    client.id = parsed.query.id;
    const auto fate = server.on_query({}, query, transport, client, now);
    ORACLE(fate != dns::QueryFate::replied || client.replies == 1, "replied, but not once");
    const std::uint16_t flags = input.u16();
    const std::array<std::uint16_t, 3> counts{input.u8(), input.u8(), input.u8()};
    upstream.answer(input.block(), flags, counts, now);
    now += limits::kDnsForwardTimeout;
    timers.run_due(now, limits::kTurnTimers);
    ORACLE(client.replies == (fate == dns::QueryFate::dropped ? 0U : 1U),
           "not one reply to a query");
    ORACLE(upstream.asked <= i + 1, "one query, several questions");
    ORACLE(server.in_flight() == 0, "a question is in flight for ever");
  }
}

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon::fuzz;
  Input input(data, size);
  switch (input.below(4)) {
    case 0:
      check_name(input.rest());
      break;
    case 1:
      check_response(input.rest());
      break;
    default:
      serve(input);
  }
  return 0;
}
