#include "bridge/ports/frame_queue.h"

#include <catch2/catch.hpp>
#include <deque>

#include "bridge/member_list.h"

namespace pontoon::bridge {
namespace {

FrameRef numbered(FramePool& pool, std::size_t number) {
  FrameRef frame = pool.allocate(64);
  frame->append(14 + number % 50);
  return frame;
}

TEST_CASE("a frame queue is first in, first out, around its end") {
  FramePool pool;
  FrameQueue queue;
  std::deque<std::size_t> expected;
  std::size_t number = 0;
  for (int round = 0; round < 7; ++round) {
    while (queue.size() < limits::kPortQueueFrames - 1) {
      REQUIRE(queue.push(numbered(pool, number)));
      expected.push_back(14 + number++ % 50);
    }
    CHECK(queue[400].size() == expected[400]);
    for (int i = 0; i < 700; ++i) {
      REQUIRE(queue[0].size() == expected.front());
      queue.pop();
      expected.pop_front();
    }
  }
}

TEST_CASE("a full frame queue refuses, and frees what it refused") {
  FramePool pool;
  {
    FrameQueue queue;
    for (std::size_t i = 0; i < limits::kPortQueueFrames; ++i)
      REQUIRE(queue.push(numbered(pool, i)));
    CHECK_FALSE(queue.push(numbered(pool, 0)));
    CHECK(pool.in_use() == limits::kPortQueueFrames);
    queue.pop();
    CHECK(queue.push(numbered(pool, 0)));
  }
  CHECK(pool.in_use() == 0);
}

struct Item {
  int number = 0;
  ListHook<Item> first;
  ListHook<Item> second;
};

TEST_CASE("an intrusive list keeps order, and each hook its own list") {
  std::array<Item, 4> items{Item{0, {}, {}}, Item{1, {}, {}}, Item{2, {}, {}}, Item{3, {}, {}}};
  MemberList<Item, &Item::first> one;
  MemberList<Item, &Item::second> two;
  for (Item& item : items)
    one.push_back(item);
  one.push_back(items[1]);  // is there already
  two.push_back(items[2]);
  CHECK(one.size() == 4);
  one.remove(items[0]);
  one.remove(items[2]);
  one.remove(items[2]);
  CHECK(two.front() == &items[2]);
  one.push_back(items[0]);
  CHECK(one.pop_front() == &items[1]);
  CHECK(one.pop_front() == &items[3]);
  CHECK(one.pop_front() == &items[0]);
  CHECK(one.pop_front() == nullptr);
  CHECK(one.empty());
  CHECK(two.size() == 1);
}

}  // namespace
}  // namespace pontoon::bridge
