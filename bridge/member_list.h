// Doubly linked lists of the switch's members, through hooks inside the members: putting one in
// twice does nothing, taking one out costs the same wherever it is, and nothing is allocated.
#pragma once

#include <cstddef>

namespace pontoon::bridge {

template <class T>
struct ListHook {
  T* previous = nullptr;
  T* next = nullptr;
  bool linked = false;
};

// kHook: which of T's hooks this list uses. Members must leave the list before they are destroyed.
template <class T, ListHook<T> T::*kHook>
class MemberList {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  T* front() const noexcept { return first_; }
  T* next(const T& item) const noexcept { return (item.*kHook).next; }

  void push_back(T& item) noexcept {
    ListHook<T>& hook = item.*kHook;
    if (hook.linked) return;
    hook = {last_, nullptr, true};
    (last_ != nullptr ? (last_->*kHook).next : first_) = &item;
    last_ = &item;
    ++size_;
  }
  void remove(T& item) noexcept {
    ListHook<T>& hook = item.*kHook;
    if (!hook.linked) return;
    (hook.previous != nullptr ? (hook.previous->*kHook).next : first_) = hook.next;
    (hook.next != nullptr ? (hook.next->*kHook).previous : last_) = hook.previous;
    hook = {};
    --size_;
  }
  T* pop_front() noexcept {
    T* item = first_;
    if (item != nullptr) remove(*item);
    return item;
  }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pontoon::bridge
