#include "dhcp/lease_book.h"

#include <catch2/catch.hpp>

#include "core/base/limits.h"

using namespace pontoon;
using namespace pontoon::dhcp;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{1000s};

Ipv4Address address(const char* text) {
  return *Ipv4Address::parse(text);
}

MacAddress mac(unsigned number) {
  return {{2, 0, 0, 0, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)}};
}

Client client(unsigned number) {
  return {mac(number), {}, {}};
}

LeaseBookConfig config(const char* prefix = "172.17.0.1/16") {
  const IpPrefix parsed = *IpPrefix::parse(prefix);
  return {1, "default", parsed, parsed.address.v4(), {}};
}

Lease stored(const char* ip, LeaseState state, Instant expires, const char* endpoint,
             unsigned number) {
  Lease lease;
  lease.network = "default";
  lease.address = address(ip);
  lease.mac = mac(number);
  lease.endpoint = endpoint;
  lease.state = state;
  lease.expires = expires;
  return lease;
}

struct Book {
  explicit Book(const LeaseBookConfig& config_of_it = config()) : book(config_of_it, timers) {}
  LeaseBook* operator->() { return &book; }

  // Everything is written; what the disk would hold.
  std::vector<LeaseWrite> save() {
    const Ticket ticket = book.next_ticket();
    auto batch = book.take_batch();
    book.settle(ticket, true, kStart);
    return batch;
  }

  TimerQueue timers;
  LeaseBook book;
};

void check_error(const Result<Lease>& result, ErrorCode code, const std::string& text) {
  REQUIRE_FALSE(result);
  CHECK(result.error().code == code);
  CHECK(result.error().message == text);
}

}  // namespace

TEST_CASE("the transitions of a lease") {
  using enum LeaseState;
  const std::vector<LeaseState> all{offered, bound, released, expired, declined};
  const auto allowed = [](LeaseState from, LeaseState to) {
    if (from == offered) return to == offered || to == bound || to == expired;
    if (from == bound) return to != offered;
    if (from == declined) return false;
    return to == offered || to == bound;
  };
  for (const LeaseState from : all)
    for (const LeaseState to : all)
      CHECK(may_follow(from, to) == allowed(from, to));
  CHECK(to_string(declined) == "declined");
}

TEST_CASE("claims get the lowest addresses, and the same name the same one") {
  Book book;
  CHECK(book->claim({"web", mac(1), {}}, kStart)->address == address("172.17.0.2"));
  CHECK(book->claim({"db", mac(2), {}}, kStart)->address == address("172.17.0.3"));
  CHECK(book->release("web", kStart));
  CHECK(book->find_endpoint("web")->state == LeaseState::released);
  CHECK(book->claim({"cache", mac(3), {}}, kStart)->address == address("172.17.0.4"));
  const auto again = book->claim({"web", mac(4), {}}, kStart);
  CHECK(again->address == address("172.17.0.2"));
  CHECK(again->mac == mac(4));
  CHECK(again->expires == kNever);
  CHECK(again->network == "default");
}

TEST_CASE("names are the same in upper and lower case") {
  Book book;
  const auto web = book->claim({"Web", mac(1), {}}, kStart);
  CHECK(web->endpoint == "Web");
  CHECK(book->claim({"wEB", mac(1), {}}, kStart)->address == web->address);
  CHECK(book->release("web", kStart));
  CHECK(book->size() == 1);
}

TEST_CASE("a requested address is given, or the error says why not") {
  Book book(config("172.17.0.1/24"));
  CHECK(book->claim({"web", mac(1), address("172.17.0.50")}, kStart)->address ==
        address("172.17.0.50"));
  const auto claim = [&](const char* wanted) {
    return book->claim({"db", mac(2), address(wanted)}, kStart);
  };
  check_error(claim("172.17.0.50"), ErrorCode::conflict, "Address 172.17.0.50 is in use by web");
  check_error(claim("172.17.1.5"), ErrorCode::invalid_argument,
              "Address 172.17.1.5 is not in network default (172.17.0.0/24)");
  check_error(claim("172.17.0.0"), ErrorCode::invalid_argument,
              "Address 172.17.0.0 is the network's own address");
  check_error(claim("172.17.0.255"), ErrorCode::invalid_argument,
              "Address 172.17.0.255 is the network's broadcast address");
  check_error(claim("172.17.0.1"), ErrorCode::invalid_argument,
              "Address 172.17.0.1 is the network's gateway");
  CHECK(book->find_endpoint("db") == nullptr);

  REQUIRE(book->bind({mac(9), {}, "vm"}, address("172.17.0.60"), kStart + 1h, kStart));
  check_error(claim("172.17.0.60"), ErrorCode::conflict,
              "Address 172.17.0.60 is in use by 02:00:00:00:00:09 (by DHCP, calls itself vm)");
  REQUIRE(book->decline(client(9), address("172.17.0.60"), kStart));
  check_error(claim("172.17.0.60"), ErrorCode::conflict,
              "Address 172.17.0.60 is in quarantine: 02:00:00:00:00:09 found it in use");
}

TEST_CASE("reserved addresses are never handed out") {
  LeaseBookConfig reserving = config("172.17.0.1/29");
  reserving.reserved = {address("172.17.0.2"), address("172.17.0.3")};
  Book book(reserving);
  CHECK(book->capacity() == 3);
  check_error(book->claim({"web", mac(1), address("172.17.0.2")}, kStart),
              ErrorCode::invalid_argument, "Address 172.17.0.2 is reserved");
  CHECK(book->claim({"web", mac(1), {}}, kStart)->address == address("172.17.0.4"));
}

TEST_CASE("claims need a name, an interface's MAC, and one that no other endpoint has") {
  Book book;
  CHECK(book->claim({"", mac(1), {}}, kStart).error().code == ErrorCode::invalid_argument);
  CHECK(book->claim({std::string(64, 'a'), mac(1), {}}, kStart).error().code ==
        ErrorCode::invalid_argument);
  CHECK(book->claim({"web", MacAddress{}, {}}, kStart).error().code == ErrorCode::invalid_argument);
  CHECK(book->claim({"web", MacAddress::broadcast(), {}}, kStart).error().code ==
        ErrorCode::invalid_argument);
  REQUIRE(book->claim({"web", mac(1), {}}, kStart));
  check_error(book->claim({"db", mac(1), {}}, kStart), ErrorCode::conflict,
              "MAC address 02:00:00:00:00:01 is in use by web");
  REQUIRE(book->release("web", kStart));
  CHECK(book->claim({"db", mac(1), {}}, kStart));
}

TEST_CASE("a claim may move its name to another address, and take over what rests there") {
  Book book;
  REQUIRE(book->claim({"web", mac(1), {}}, kStart));
  REQUIRE(book->claim({"db", mac(2), {}}, kStart));
  REQUIRE(book->release("db", kStart));
  CHECK(book->claim({"web", mac(1), address("172.17.0.3")}, kStart)->address ==
        address("172.17.0.3"));
  CHECK(book->find_endpoint("db") == nullptr);
  CHECK(book->find(address("172.17.0.2")) == nullptr);
  CHECK(book->claim({"db", mac(2), {}}, kStart)->address == address("172.17.0.2"));
}

TEST_CASE("an endpoint may claim the address that its own MAC has by DHCP") {
  Book book;
  REQUIRE(book->bind(client(1), address("172.17.0.9"), kStart + 1h, kStart));
  const auto lease = book->claim({"vm", mac(1), address("172.17.0.9")}, kStart);
  REQUIRE(lease);
  CHECK(lease->endpoint == "vm");
  CHECK(book->size() == 1);
}

TEST_CASE("a full network is a clear error; then the name that left first loses its address") {
  Book book(config("192.168.0.1/29"));
  for (const char* name : {"a", "b", "c", "d", "e"})
    REQUIRE(book->claim({name, mac(static_cast<unsigned>(name[0])), {}}, kStart));
  check_error(book->claim({"f", mac(1), {}}, kStart), ErrorCode::exhausted,
              "Network default (192.168.0.1/29) has no free address left");
  REQUIRE(book->release("c", kStart));
  REQUIRE(book->release("a", kStart + 1s));
  CHECK(book->claim({"f", mac(1), {}}, kStart)->address == address("192.168.0.4"));
  CHECK(book->claim({"a", mac(2), {}}, kStart)->address == address("192.168.0.2"));
  CHECK(book->find_endpoint("c") == nullptr);
}

TEST_CASE("release says whether the name held anything") {
  Book book;
  CHECK_FALSE(book->release("web", kStart));
  REQUIRE(book->claim({"web", mac(1), {}}, kStart));
  CHECK(book->release("web", kStart));
  CHECK_FALSE(book->release("web", kStart));
}

TEST_CASE("forgetting erases from the disk too") {
  Book book;
  REQUIRE(book->claim({"web", mac(1), {}}, kStart));
  REQUIRE(book->claim({"db", mac(2), {}}, kStart));
  CHECK(book.save().size() == 2);
  CHECK(book->forget("web"));
  CHECK_FALSE(book->forget("web"));
  auto batch = book.save();
  REQUIRE(batch.size() == 1);
  CHECK(batch[0].kind == LeaseWrite::Kind::erase);
  CHECK(batch[0].lease.network == "default");
  CHECK(batch[0].lease.address == address("172.17.0.2"));
  book->forget_all();
  CHECK(book->size() == 0);
  CHECK(book.save().size() == 1);
  CHECK(book->claim({"new", mac(3), {}}, kStart)->address == address("172.17.0.2"));
}

TEST_CASE("a claim that changes nothing writes nothing") {
  Book book;
  REQUIRE(book->claim({"web", mac(1), {}}, kStart));
  CHECK_FALSE(book->is_durable(address("172.17.0.2")));
  CHECK(book.save().size() == 1);
  CHECK(book->is_durable(address("172.17.0.2")));
  CHECK(book->durable_until(address("172.17.0.2")) == kNever);
  REQUIRE(book->claim({"web", mac(1), {}}, kStart));
  CHECK_FALSE(book->has_batch());
  CHECK_FALSE(book->has_unsaved());
  CHECK(book->is_durable(address("172.17.0.2")));
}

TEST_CASE("a lease is durable only when its latest change is") {
  Book book;
  REQUIRE(book->bind(client(1), address("172.17.0.2"), kStart + 1h, kStart));
  const Ticket first = book->next_ticket();
  CHECK(book->take_batch().size() == 1);
  REQUIRE(book->bind(client(1), address("172.17.0.2"), kStart + 2h, kStart));
  const Ticket second = book->next_ticket();
  CHECK(book->take_batch().size() == 1);
  book->settle(first, true, kStart);
  CHECK_FALSE(book->is_durable(address("172.17.0.2")));
  CHECK(book->durable_until(address("172.17.0.2")) == kStart + 1h);
  book->settle(second, true, kStart);
  CHECK(book->is_durable(address("172.17.0.2")));
  CHECK(book->durable_until(address("172.17.0.2")) == kStart + 2h);
}

TEST_CASE("a new holder inherits no durability") {
  Book book(config("192.168.0.1/30"));
  const Ipv4Address only = address("192.168.0.2");
  REQUIRE(book->bind(client(1), only, kStart + 1h, kStart));
  const Ticket ticket = book->next_ticket();
  CHECK(book->take_batch().size() == 1);
  REQUIRE(book->release(client(1), only, kStart));
  REQUIRE(book->offer(client(2), {}, kStart));
  REQUIRE(book->bind(client(2), only, kStart + 1h, kStart));
  book->settle(ticket, true, kStart);
  CHECK_FALSE(book->durable_until(only));
  const auto batch = book.save();
  REQUIRE(batch.size() == 1);
  CHECK(batch[0].lease.mac == mac(2));
  CHECK(book->durable_until(only) == kStart + 1h);
}

TEST_CASE("an offer over a remembered lease erases what the disk knows of the old holder") {
  Book book(config("192.168.0.1/30"));
  REQUIRE(book->bind(client(1), address("192.168.0.2"), kStart + 1h, kStart));
  REQUIRE(book->release(client(1), address("192.168.0.2"), kStart));
  book.save();
  REQUIRE(book->offer(client(2), {}, kStart));
  const auto batch = book.save();
  REQUIRE(batch.size() == 1);
  CHECK(batch[0].kind == LeaseWrite::Kind::erase);
}

TEST_CASE("an offer to a remembered client leaves its row; if it lapses the client is remembered") {
  Book book;
  REQUIRE(book->bind(client(1), address("172.17.0.2"), kStart + 1h, kStart));
  REQUIRE(book->release(client(1), address("172.17.0.2"), kStart));
  REQUIRE(book->offer(client(1), {}, kStart));
  const auto batch = book.save();  // the release had not been written yet
  REQUIRE(batch.size() == 1);
  CHECK(batch[0].kind == LeaseWrite::Kind::put);
  CHECK(batch[0].lease.state == LeaseState::expired);
  book.timers.run_due(kStart + limits::kDhcpOffer, 10);
  CHECK(book->find(client(1))->state == LeaseState::expired);
  book->drop_offer(client(1), kStart);
  CHECK(book->find(client(1))->address == address("172.17.0.2"));
}

TEST_CASE("restore brings back what fits and erases what does not") {
  Book book;
  const std::vector<Lease> leases{
      stored("172.17.0.9", LeaseState::bound, kNever, "web", 1),
      stored("172.17.0.8", LeaseState::bound, kStart + 1h, "", 2),
      stored("172.17.0.7", LeaseState::bound, kStart - 1s, "", 3),  // ended while we were down
      stored("172.17.0.6", LeaseState::released, kStart - 9s, "db", 4),
      stored("172.17.0.5", LeaseState::declined, kStart + 1min, "", 5),
      stored("172.17.0.4", LeaseState::declined, kStart - 1s, "", 6),  // quarantine is over
      stored("10.0.0.1", LeaseState::bound, kNever, "old", 7),         // another prefix
      stored("172.17.0.1", LeaseState::bound, kNever, "gateway", 8),
  };
  book->restore(leases, kStart);
  CHECK(book->size() == 5);
  CHECK(book->find_endpoint("web")->state == LeaseState::bound);
  CHECK(book->durable_until(address("172.17.0.9")) == kNever);
  CHECK(book->is_durable(address("172.17.0.9")));
  CHECK_FALSE(book->is_durable(address("172.17.0.7")));
  CHECK(book->durable_until(address("172.17.0.8")) == kStart + 1h);
  CHECK(book->find(address("172.17.0.7"))->state == LeaseState::expired);
  CHECK(book->find_endpoint("db")->state == LeaseState::released);
  CHECK(book->find(address("172.17.0.5"))->state == LeaseState::declined);
  CHECK(book->find(client(5)) == nullptr);

  std::vector<std::string> written;
  for (const LeaseWrite& write : book.save())
    written.push_back((write.kind == LeaseWrite::Kind::erase ? "erase " : "put ") +
                      write.lease.address.to_string());
  CHECK(written == std::vector<std::string>{"erase 10.0.0.1", "erase 172.17.0.1",
                                            "erase 172.17.0.4", "put 172.17.0.7"});
  book.timers.run_due(kStart + 1h, 10);
  CHECK(book->find(address("172.17.0.8"))->state == LeaseState::expired);
  CHECK(book->find(address("172.17.0.5")) == nullptr);
}

TEST_CASE("restore: two rows of one client leave the running lease, else the later one") {
  Book book;
  book->restore({stored("172.17.0.2", LeaseState::released, kStart - 1s, "web", 1),
                 stored("172.17.0.3", LeaseState::bound, kNever, "web", 1),
                 stored("172.17.0.4", LeaseState::released, kStart - 5s, "db", 2),
                 stored("172.17.0.5", LeaseState::released, kStart - 2s, "db", 2)},
                kStart);
  CHECK(book->find_endpoint("web")->address == address("172.17.0.3"));
  CHECK(book->find_endpoint("db")->address == address("172.17.0.5"));
  CHECK(book->size() == 2);
  CHECK(book.save().size() == 2);
}

TEST_CASE("restore: two endpoints with one MAC: only one is still bound") {
  Book book;
  book->restore({stored("172.17.0.2", LeaseState::bound, kNever, "web", 1),
                 stored("172.17.0.3", LeaseState::bound, kNever, "db", 1)},
                kStart);
  CHECK(book->find_endpoint("web")->state == LeaseState::bound);
  CHECK(book->find_endpoint("db")->state == LeaseState::released);
  CHECK(book->find(client(1))->endpoint == "web");
}

TEST_CASE("restore: leases that rest are reused in the order in which they had ended") {
  Book book(config("192.168.0.1/29"));
  book->restore({stored("192.168.0.2", LeaseState::released, kStart - 2s, "a", 1),
                 stored("192.168.0.3", LeaseState::released, kStart - 9s, "b", 2),
                 stored("192.168.0.4", LeaseState::bound, kStart - 5s, "", 3),
                 stored("192.168.0.5", LeaseState::bound, kNever, "d", 4),
                 stored("192.168.0.6", LeaseState::bound, kNever, "e", 5)},
                kStart);
  std::vector<std::string> order;
  for (const char* name : {"x", "y", "z"})
    order.push_back(
        book->claim({name, mac(static_cast<unsigned>(name[0])), {}}, kStart)->address.to_string());
  CHECK(order == std::vector<std::string>{"192.168.0.3", "192.168.0.4", "192.168.0.2"});
}

TEST_CASE("endpoints that ended while no daemon ran are released, claimed ones are not") {
  Book book;
  book->restore({stored("172.17.0.2", LeaseState::bound, kNever, "web", 1),
                 stored("172.17.0.3", LeaseState::bound, kNever, "gone", 2),
                 stored("172.17.0.4", LeaseState::bound, kStart + 1h, "", 3)},
                kStart);
  CHECK(book->claim({"web", mac(1), {}}, kStart)->address == address("172.17.0.2"));
  REQUIRE(book->claim({"new", mac(4), {}}, kStart));
  book->release_unclaimed(kStart + 10s);
  CHECK(book->find_endpoint("web")->state == LeaseState::bound);
  CHECK(book->find_endpoint("new")->state == LeaseState::bound);
  CHECK(book->find_endpoint("gone")->state == LeaseState::released);
  CHECK(book->find(address("172.17.0.4"))->state == LeaseState::bound);
}

TEST_CASE("a full /16: every address is found without a scan, and none twice") {
  Book book;
  const std::size_t capacity = book->capacity();
  REQUIRE(capacity == 65533);
  for (unsigned i = 0; i < capacity; ++i) {
    const auto lease =
        book->bind({mac(i), {}, {}}, Ipv4Address{0xac110002 + i}, kStart + 1h, kStart);
    REQUIRE(lease);
  }
  CHECK(book->size() == capacity);
  CHECK(book->offer({{{6, 6, 6, 6, 6, 6}}, {}, {}}, {}, kStart).error() == Refusal::none_free);
  CHECK(book->take_batch().size() == capacity);
  std::size_t fired = 0;
  while (const std::size_t now = book.timers.run_due(kStart + 1h, limits::kTurnTimers))
    fired += now;
  CHECK(fired == capacity);
  CHECK((*book->offer({{{6, 6, 6, 6, 6, 6}}, {}, {}}, {}, kStart))->address ==
        address("172.17.0.2"));
}

TEST_CASE("a /8 holds no more than kLeasesPerNetwork leases, then reuses",
          "[limit:kLeasesPerNetwork]") {
  Book book(config("10.0.0.1/8"));
  for (unsigned i = 0; i < limits::kLeasesPerNetwork; ++i) {
    const MacAddress own{{2, 0, 0, static_cast<std::uint8_t>(i >> 16),
                          static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}};
    REQUIRE(book->offer({own, {}, {}}, {}, kStart));
  }
  const Client late{{{6, 6, 6, 6, 6, 6}}, {}, {}};
  CHECK(book->offer(late, {}, kStart).error() == Refusal::none_free);
  CHECK(book->offer(late, address("10.9.9.9"), kStart).error() == Refusal::none_free);
  CHECK(book->bind(late, address("10.9.9.9"), kStart + 1h, kStart).error() == Refusal::none_free);
}
