#include "proxy/flow_table.h"

#include <catch2/catch.hpp>

#include <string>

using namespace pontoon;
using namespace pontoon::proxy;

namespace {

struct Flow {
  Flow(const SocketAddress& endpoint, int number)
      : key(endpoint), owner(endpoint.ip), value(number) {}
  const SocketAddress key;
  const IpAddress owner;
  ListHook<Flow> age{*this};
  int value;
};

using Table = FlowTable<SocketAddress, Flow>;

SocketAddress endpoint(unsigned last, unsigned port) {
  return {Ipv4Address::of(172, 17, 0, last), static_cast<std::uint16_t>(port)};
}

Flow& add(Table& table, unsigned last, unsigned port) {
  table.make_room(endpoint(last, port).ip);
  return table.insert(endpoint(last, port), 0);
}

}  // namespace

TEST_CASE("an intrusive list keeps order, moves and forgets what dies") {
  struct Item {
    explicit Item(int number) : value(number) {}
    int value;
    ListHook<Item> hook{*this};
  };
  IntrusiveList<Item> list;
  Item one(1), three(3);
  {
    Item two(2);
    list.push_back(one.hook);
    list.push_back(two.hook);
    list.push_back(three.hook);
    CHECK(list.size() == 3);
    list.push_back(one.hook);  // moves to the end
    CHECK(list.size() == 3);
    CHECK(list.front()->value == 2);
  }
  CHECK(list.size() == 2);
  CHECK(list.pop_front()->value == 3);
  CHECK_FALSE(three.hook.linked());
  CHECK(list.pop_front()->value == 1);
  CHECK(list.pop_front() == nullptr);
  CHECK(list.empty());
}

TEST_CASE("at its cap an owner loses its own least recently used flow") {
  Table table(100, 3);
  add(table, 2, 1);
  add(table, 2, 2);
  add(table, 2, 3);
  add(table, 3, 1);
  table.touch(*table.find(endpoint(2, 1)));
  add(table, 2, 4);
  CHECK(table.size() == 4);
  CHECK(table.evicted() == 1);
  CHECK(table.find(endpoint(2, 1)));
  CHECK_FALSE(table.find(endpoint(2, 2)));
  CHECK(table.find(endpoint(2, 3)));
  CHECK(table.find(endpoint(3, 1)));
}

TEST_CASE("a full table takes from the owner with the most flows") {
  Table table(6, 4);
  for (unsigned port = 1; port <= 4; ++port)
    add(table, 2, port);
  add(table, 3, 1);
  add(table, 4, 1);
  CHECK(table.size() == 6);
  add(table, 5, 1);  // a newcomer gets its place from endpoint 2
  CHECK(table.size() == 6);
  CHECK_FALSE(table.find(endpoint(2, 1)));
  CHECK(table.find(endpoint(3, 1)));
  CHECK(table.find(endpoint(4, 1)));
  add(table, 5, 2);
  CHECK_FALSE(table.find(endpoint(2, 2)));
  // 2 and 5 have two each: whoever asks pays.
  add(table, 5, 3);
  CHECK_FALSE(table.find(endpoint(5, 1)));
  CHECK(table.find(endpoint(2, 3)));
  CHECK(table.size() == 6);
}

TEST_CASE("an owner leaves with everything it had") {
  Table table(100, 10);
  for (unsigned port = 1; port <= 5; ++port) {
    add(table, 2, port);
    add(table, 3, port);
  }
  table.erase_owner(endpoint(2, 0).ip);
  table.erase_owner(endpoint(9, 0).ip);
  CHECK(table.size() == 5);
  CHECK_FALSE(table.find(endpoint(2, 1)));
  CHECK_FALSE(table.evict_oldest_of(endpoint(2, 0).ip));
  CHECK(table.evict_oldest_of(endpoint(3, 0).ip));
  CHECK_FALSE(table.find(endpoint(3, 1)));
  table.erase(*table.find(endpoint(3, 4)));
  CHECK(table.size() == 3);
}
