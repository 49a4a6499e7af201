#include "tests/sim/probes.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "tests/support/dns.h"

namespace pontoon::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSuffix = ".internal";
constexpr std::uint16_t kUdpPorts[] = {7000, 7001, 7002};
constexpr std::uint16_t kDnsPort = 5353;
constexpr unsigned kTries = 4;

Bytes as_vector(std::string_view text) {
  return {text.begin(), text.end()};
}

std::string joined(const Addresses& addresses) {
  std::string out;
  for (const std::string& each : addresses)
    out += (out.empty() ? "" : ", ") + each;
  return out.empty() ? "nothing" : out;
}

}  // namespace

void NamesTruth::add_upstream(const std::string& name, const std::string& address) {
  upstream_[name] = address;
}

bool NamesTruth::is_local(const std::string& name) const {
  return !upstream_.contains(name) && name.ends_with(kSuffix);
}

Addresses NamesTruth::of(const std::string& name, const std::string& network) const {
  if (const auto known = upstream_.find(name); known != upstream_.end()) return {known->second};
  const std::string zone = "." + network + std::string(kSuffix);
  if (!name.ends_with(zone)) return {};
  lab::Member* member = world_.member(name.substr(0, name.size() - zone.size()));
  const bool here = member != nullptr && member->plugged() && member->info().network == network;
  if (!here) return {};
  return {member->address().to_string()};
}

void Probes::equip(Station& station) {
  station.on_echo(
      [this, &station](const IpAddress& from, std::uint16_t number, std::string_view payload) {
        on_answer(station, from, number, payload, "ping");
      });
  for (const std::uint16_t port : kUdpPorts)
    station.listen_udp(port, [this, &station, port](const SocketAddress& from,
                                                    std::string_view payload) {
      const auto number = payload.size() < 2
                              ? 0U
                              : static_cast<unsigned>(static_cast<unsigned char>(payload[0]) << 8 |
                                                      static_cast<unsigned char>(payload[1]));
      if (payload.size() > 2 && kUdpPorts[number % 3] != port)
        return report_.fail("isolation", station.name() + " gets a datagram at a wrong port");
      on_answer(station, from.ip, static_cast<std::uint16_t>(number), payload, "UDP echo");
    });
  station.listen_udp(kDnsPort,
                     [this, &station](const SocketAddress& from, std::string_view payload) {
                       on_dns(station, from, payload);
                     });
}

Probes::Question& Probes::add(Station& station, std::string what, bool must) {
  Question& question = questions_[++last_] = {};
  question.station = station.name();
  question.what = std::move(what);
  question.must = must;
  return question;
}

// Asks now, and again until the answer is there.
void Probes::repeat(std::function<void()> send, std::uint16_t number) {
  for (unsigned i = 0; i < kTries; ++i) {
    agenda_.at(world_.now() + i * Duration(2s), [this, send, number](Instant) {
      const auto question = questions_.find(number);
      if (question != questions_.end() && !question->second.answered) send();
    });
  }
}

void Probes::ping(Station& station, const IpAddress& target, bool must) {
  Question& question = add(station, "ping of " + target.to_string(), must);
  question.target = target;
  question.expected = fmt::format("ping {} of {}", last_, station.name());
  repeat([&station, target, number = last_,
          text = question.expected] { station.ping(target, number, text); },
         last_);
}

void Probes::echo_udp(Station& station, const SocketAddress& target, bool must) {
  Question& question = add(station, "UDP echo of " + target.to_string(), must);
  question.target = target.ip;
  question.expected = {static_cast<char>(last_ >> 8), static_cast<char>(last_)};
  question.expected += fmt::format("datagram {} of {}", last_, station.name());
  // Of any length, odd ones among them.
  dice_ = dice_ * 1664525 + 1013904223;
  question.expected.append((dice_ >> 28) < 4 ? (dice_ >> 8) % 1400 : (dice_ >> 8) % 4, '.');
  repeat([&station, target, port = kUdpPorts[last_ % 3],
          text = question.expected] { station.send_udp(port, target, text); },
         last_);
}

void Probes::resolve(Station& station, const std::string& name, bool must) {
  ask(station, name, 1, must);
}

void Probes::resolve_v6(Station& station, const std::string& name, bool must) {
  ask(station, name, 28, must);
}

void Probes::ask(Station& station, const std::string& name, std::uint16_t type, bool must) {
  Question& question = add(station, "question for " + name, must);
  question.name = question.expected = name;
  question.type = type;
  // RFC 4343: case makes no difference, and comes back as it was.
  for (char& c : question.expected) {
    dice_ = dice_ * 1664525 + 1013904223;
    if ((dice_ >> 30) == 0 && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  question.truth = truth_.of(name, station.member().info().network);
  const SocketAddress server{world_.network(station.member().info().network)->spec().gateway, 53};
  test::DnsMessage message = test::question(question.expected, type);
  message.id = last_;
  const Bytes bytes = test::encode(message);
  repeat(
      [&station, server, text = std::string(bytes.begin(), bytes.end())] {
        station.send_udp(kDnsPort, server, text);
      },
      last_);
}

void Probes::on_answer(Station& station, const IpAddress& from, std::uint16_t number,
                       std::string_view payload, std::string_view what) {
  const auto found = questions_.find(number);
  if (found == questions_.end() && payload.find("FORGED") == payload.npos)
    return;  // of before the daemon died
  if (found == questions_.end())
    return report_.fail("isolation", station.name() + " gets the answer to a forged question");
  Question& question = found->second;
  if (question.station != station.name() || question.expected != payload ||
      question.target != from) {
    report_.fail("isolation",
                 fmt::format("{} {} at {} from {} is not the answer to the {} of {}", what, number,
                             station.name(), from.to_string(), question.what, question.station));
  }
  if (!question.answered) ++answered_;
  question.answered = true;
}

void Probes::on_dns(Station& station, const SocketAddress& from, std::string_view payload) {
  test::DnsMessage answer;
  try {
    answer = test::decode(as_vector(payload));
  } catch (const std::runtime_error& error) {
    return report_.fail("DNS truth",
                        fmt::format("{} got a malformed answer: {}", station.name(), error.what()));
  }
  const auto found = questions_.find(answer.id);
  if (found == questions_.end()) return;
  Question& question = found->second;
  const std::string& network = station.member().info().network;
  if (question.station != station.name() || question.expected != answer.name || from.port != 53 ||
      from.ip != IpAddress(world_.network(network)->spec().gateway) || !answer.has(0x8000)) {
    return report_.fail("DNS truth", fmt::format("{} asked for {} and was answered about {}",
                                                 station.name(), question.expected, answer.name));
  }
  const bool failed = answer.rcode() == 2 && !truth_.is_local(question.name);
  if (failed && question.must) return;  // it may be asked again
  if (!failed) judge_answer(question, station, answer);
  if (!question.answered) ++answered_;
  question.answered = true;
}

void Probes::judge_answer(const Question& question, const Station& station,
                          const test::DnsMessage& answer) {
  const auto texts = answer.texts();
  const Addresses got(texts.begin(), texts.end());
  const Addresses now = truth_.of(question.name, station.member().info().network);
  const bool local = truth_.is_local(question.name);
  bool right = false;
  if (question.type == 1) {
    const unsigned rcode = got.empty() && (local || answer.rcode() != 0) ? 3 : 0;
    right = (got == now || got == question.truth) && answer.rcode() == rcode;
  } else {
    // RFC 2308 2: no such name, or a name without such an address.
    const unsigned then = question.truth.empty() ? 3 : 0;
    right = got.empty() && (answer.rcode() == then || answer.rcode() == (now.empty() ? 3U : 0U));
  }
  if (!right && truth_.trusts(question.name)) {
    report_.fail(
        "DNS truth",
        fmt::format("{} is {} for {}, and was {} when it asked; the answer is {}, RCODE {}",
                    question.expected, joined(now), station.name(), joined(question.truth),
                    joined(got), answer.rcode()));
  }
}

void Probes::forget(const std::string& station) {
  std::erase_if(questions_, [&](const auto& each) { return each.second.station == station; });
}

void Probes::forget_all() {
  questions_.clear();
}

void Probes::judge() {
  for (const auto& [number, question] : questions_) {
    if (question.must && !question.answered) {
      report_.fail("liveness", fmt::format("the {} by {} is not answered, and there are no faults",
                                           question.what, question.station));
    }
  }
}

}  // namespace pontoon::sim
