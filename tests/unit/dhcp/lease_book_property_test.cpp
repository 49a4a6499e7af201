// The book against what it promises, under arbitrary sequences of what clients, control plane, time
// and disk do.
#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "core/base/limits.h"
#include "dhcp/lease_book.h"

using namespace pontoon;
using namespace pontoon::dhcp;
using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kFirst = 0xc0a80000;  // 192.168.0.0/28

struct World {
  World() : book(config(), timers) {}

  static LeaseBookConfig config() {
    return {3,
            "n",
            *IpPrefix::parse("192.168.0.1/28"),
            Ipv4Address{kFirst + 1},
            {Ipv4Address{kFirst + 7}}};
  }
  static MacAddress mac(unsigned number) {
    return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(number)}};
  }

  Client any_client() {
    Client client{mac(*rc::gen::inRange(0u, 6u)), {}, {}};
    if (*rc::gen::arbitrary<bool>()) client.client_id = {*rc::gen::inRange<std::uint8_t>(0, 4)};
    return client;
  }
  Ipv4Address any_address() { return Ipv4Address{kFirst + *rc::gen::inRange(0u, 17u)}; }
  std::string any_name() { return {static_cast<char>('a' + *rc::gen::inRange(0, 5))}; }

  void step();
  void claim();
  void settle();
  void check();

  TimerQueue timers;
  LeaseBook book;
  MemoryLeaseStore store;
  Instant now{1000s};
  std::map<std::string, Ipv4Address> attached;  // what control/ was told and has not released
  std::map<std::string, Ipv4Address> names;     // the last address of each name
};

void World::claim() {
  const std::string name = any_name();
  // As control/ does it, each endpoint has a MAC of its own; clients may have it too.
  const MacAddress own = mac(static_cast<unsigned>(name[0] - 'a') + 4);
  std::optional<Ipv4Address> requested;
  if (*rc::gen::inRange(0, 4) == 0) requested = any_address();
  const bool remembered = book.find_endpoint(name) != nullptr;
  const bool by_dhcp = *rc::gen::arbitrary<bool>();
  const auto lease = book.claim({name, own, requested, by_dhcp}, now);
  if (!lease) {
    RC_ASSERT(requested || !remembered);
    return;
  }
  const Lease* at_requested = requested ? book.find(*requested) : nullptr;
  const bool declined = at_requested != nullptr && at_requested->state == LeaseState::declined;
  if (requested) RC_ASSERT(lease->address == *requested || (by_dhcp && declined));
  if (!requested && remembered) RC_ASSERT(lease->address == names.at(name));
  attached[name] = names[name] = lease->address;
}

void World::settle() {
  if (book.has_batch()) {
    const Ticket ticket = book.next_ticket();
    store.submit(book.take_batch(), ticket);
  }
  if (*rc::gen::arbitrary<bool>()) return;
  if (*rc::gen::inRange(0, 3) == 0) {
    store.fail_all("failed");
  } else {
    store.complete_all();
  }
  for (const Completion& completion : store.poll())
    book.settle(completion.ticket, completion.ok, now);
}

void World::step() {
  const Client client = any_client();
  const Ipv4Address address = any_address();
  switch (*rc::gen::inRange(0, 10)) {
    case 0:
      (void)book.offer(client, address, now);
      break;
    case 1:
      (void)book.offer(client, {}, now);
      break;
    case 2:
      (void)book.bind(client, address, now + 1h, now);
      break;
    case 3: {
      const Lease* lease = book.find(client);
      if (lease != nullptr) (void)book.bind(client, lease->address, now + 1h, now);
      break;
    }
    case 4: {
      const Lease* lease = book.find(client);
      if (lease == nullptr) break;
      const Ipv4Address held = lease->address;
      if (*rc::gen::arbitrary<bool>()) {
        (void)book.release(client, held, now);
      } else if (book.decline(client, held, now)) {
        RC_ASSERT(book.find(held)->state == LeaseState::declined);
      }
      for (const Declined& declined : book.take_declined()) {
        RC_ASSERT(declined.instead.has_value() == !declined.endpoint.empty());
        if (declined.instead)
          attached.at(declined.endpoint) = names.at(declined.endpoint) = *declined.instead;
      }
      break;
    }
    case 5:
      claim();
      break;
    case 6: {
      const std::string name = any_name();
      RC_ASSERT(book.release(name, now) == (attached.erase(name) == 1));
      break;
    }
    case 7:
      now += *rc::gen::element<Duration>(1s, 30s, 1min, 20min, 2h);
      timers.run_due(now, 1000);
      break;
    case 8:
      settle();
      break;
    case 9:
      book.withdraw(address, now, now);
      book.drop_offer(client, now);
      break;
  }
}

void World::check() {
  std::set<Ipv4Address> addresses;
  std::set<std::string> endpoints;
  std::map<MacAddress, std::size_t> per_mac;
  for (const Lease& lease : book.list()) {
    RC_ASSERT(lease.address.value > kFirst + 1 && lease.address.value < kFirst + 15);
    RC_ASSERT(lease.address.value != kFirst + 7);
    RC_ASSERT(addresses.insert(lease.address).second);
    if (lease.endpoint.empty()) {
      ++per_mac[lease.mac];
    } else {
      RC_ASSERT(endpoints.insert(lease.endpoint).second);
      RC_ASSERT(book.find_endpoint(lease.endpoint)->address == lease.address);
    }
    const bool ends = lease.state == LeaseState::offered || lease.state == LeaseState::declined ||
                      lease.state == LeaseState::bound;
    if (ends) RC_ASSERT(lease.expires > now);
  }
  for (const auto& [mac, count] : per_mac)
    RC_ASSERT(count <= limits::kLeasesPerPort);
  // What control/ was given stays bound to that name until it releases it.
  for (const auto& [name, address] : attached) {
    RC_ASSERT(book.find_endpoint(name) != nullptr);
    RC_ASSERT(book.find_endpoint(name)->address == address);
    RC_ASSERT(book.find_endpoint(name)->state == LeaseState::bound);
  }
}

}  // namespace

TEST_CASE("no address is anybody's twice, and names keep what they were given") {
  REQUIRE(rc::check([] {
    World world;
    for (int i = 0; i < 150; ++i) {
      world.step();
      world.check();
    }
  }));
}

TEST_CASE("the disk converges to the book, whatever failed on the way") {
  REQUIRE(rc::check([] {
    World world;
    for (int i = 0; i < 100; ++i)
      world.step();
    for (int i = 0; i < 10 && world.book.has_unsaved(); ++i) {
      world.now += limits::kLeaseRetry;
      world.timers.run_due(world.now, 1000);
      const Ticket ticket = world.book.next_ticket();
      if (world.book.has_batch()) world.store.submit(world.book.take_batch(), ticket);
      world.store.complete_all();
      for (const Completion& completion : world.store.poll())
        world.book.settle(completion.ticket, completion.ok, world.now);
    }
    RC_ASSERT(!world.book.has_unsaved());

    std::vector<Lease> expected;
    for (const Lease& lease : world.book.list())
      if (lease.state == LeaseState::bound || lease.state == LeaseState::declined)
        expected.push_back(lease);
    std::vector<Lease> found;
    for (const Lease& lease : world.store.durable())
      if (lease.state == LeaseState::bound || lease.state == LeaseState::declined)
        found.push_back(lease);
    const auto by_address = [](const Lease& left, const Lease& right) {
      return left.address < right.address;
    };
    std::sort(found.begin(), found.end(), by_address);
    RC_ASSERT(found == expected);

    // A book restored from that disk holds the same.
    TimerQueue timers;
    LeaseBook restored(World::config(), timers);
    restored.restore(world.store.durable(), world.now);
    std::vector<Lease> again;
    for (const Lease& lease : restored.list())
      if (lease.state == LeaseState::bound || lease.state == LeaseState::declined)
        again.push_back(lease);
    RC_ASSERT(again == expected);
  }));
}
