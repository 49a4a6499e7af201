#include "tests/talk/dns/dns_talk.h"

#include <stdexcept>

namespace pontoon::test {

std::shared_ptr<const dns::ZoneSet> talk_zones() {
  const IpAddress gateway[] = {Ipv4Address::of(172, 17, 0, 1)};
  dns::ZoneBuilder builder({"default",
                            {*IpPrefix::parse("172.17.0.0/16")},
                            {gateway[0]},
                            {Ipv4Address::of(172, 17, 0, 1)}},
                           1);
  const auto add = [&](const char* name, unsigned last, std::vector<std::string> aliases) {
    const IpAddress address[] = {Ipv4Address::of(172, 17, 0, last)};
    if (!builder.add_endpoint(name, aliases, address).ok()) throw std::runtime_error(name);
  };
  add("web", 2, {});
  add("db", 3, {"pool"});
  add("db2", 4, {"pool"});
  add("db3", 5, {"pool"});
  std::vector<IpAddress> many;
  for (unsigned i = 0; i < 60; ++i)
    many.push_back(Ipv4Address::of(172, 17, 1, i));
  if (!builder.add_endpoint("many", {}, many).ok()) throw std::runtime_error("many");
  return std::move(builder).build();
}

DnsTalk::DnsTalk(dns::ServerConfig config)
    : server(config, talk_zones(), forwarder, timers, random) {}

dns::QueryFate DnsTalk::send(const DnsMessage& query, unsigned host, dns::Transport transport) {
  return send_bytes(encode(query), host, transport);
}

dns::QueryFate DnsTalk::send_bytes(ByteView query, unsigned host, dns::Transport transport) {
  const dns::Client client{
      {Ipv4Address::of(172, 17, 0, host), 40000}, {Ipv4Address::of(172, 17, 0, 1), 53}, 0};
  return server.on_query(client, query, transport, *this, now);
}

DnsMessage DnsTalk::ask(const DnsMessage& query, dns::Transport transport) {
  if (send(query, 2, transport) != dns::QueryFate::replied) {
    throw std::runtime_error("no reply at once");
  }
  return take();
}

void DnsTalk::upstream(std::vector<DnsRecord> answers, unsigned rcode,
                       std::vector<DnsRecord> authorities) {
  const ScriptedForwarder::Asked asked = forwarder.take();
  DnsMessage response = response_to(asked.query, rcode);
  response.answers = std::move(answers);
  response.authorities = std::move(authorities);
  response.opt = DnsMessage::Opt{};
  upstream_bytes(asked.ticket, encode(response));
}

void DnsTalk::upstream_bytes(dns::ForwardTicket ticket, ByteView bytes) {
  forwarder.handler->on_forwarded(ticket, bytes, now);
}

void DnsTalk::upstream_fails(dns::ForwardError error) {
  forwarder.handler->on_forwarded(forwarder.take().ticket, error, now);
}

void DnsTalk::tick(Duration time) {
  now += time;
  timers.run_due(now, 100000);
}

DnsMessage DnsTalk::take() {
  if (replies.empty()) throw std::runtime_error("no reply");
  DnsMessage first = replies.front().message;
  replies.pop_front();
  return first;
}

void DnsTalk::on_reply(const dns::Client& client, dns::Transport transport, ByteView reply,
                       Instant) noexcept {
  replies.push_back({client, transport, Bytes(reply.begin(), reply.end()), decode(reply)});
}

}  // namespace pontoon::test
