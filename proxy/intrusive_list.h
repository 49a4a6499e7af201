// A doubly linked list through hooks that live in the objects: joining, leaving and moving to the
// back allocate nothing, and an object leaves by itself when it dies.
#pragma once

#include <cstddef>

namespace pontoon::proxy {

template <class T>
class IntrusiveList;

template <class T>
class ListHook {
 public:
  explicit ListHook(T& owner) noexcept : owner_(&owner) {}
  ~ListHook() { unlink(); }
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;

  bool linked() const noexcept { return list_ != nullptr; }
  void unlink() noexcept {
    if (list_ != nullptr) list_->remove(*this);
  }

 private:
  friend class IntrusiveList<T>;
  T* owner_;
  IntrusiveList<T>* list_ = nullptr;
  ListHook* previous_ = nullptr;
  ListHook* next_ = nullptr;
};

template <class T>
class IntrusiveList {
 public:
  IntrusiveList() = default;
  ~IntrusiveList() {
    while (first_ != nullptr)
      remove(*first_);
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  T* front() const noexcept { return first_ == nullptr ? nullptr : first_->owner_; }

  // Puts the object last; one that is in a list already moves.
  void push_back(ListHook<T>& hook) noexcept {
    hook.unlink();
    hook.list_ = this;
    hook.previous_ = last_;
    (last_ == nullptr ? first_ : last_->next_) = &hook;
    last_ = &hook;
    ++size_;
  }
  T* pop_front() noexcept {
    T* object = front();
    if (object != nullptr) remove(*first_);
    return object;
  }

 private:
  friend class ListHook<T>;
  void remove(ListHook<T>& hook) noexcept {
    (hook.previous_ == nullptr ? first_ : hook.previous_->next_) = hook.next_;
    (hook.next_ == nullptr ? last_ : hook.next_->previous_) = hook.previous_;
    hook.list_ = nullptr;
    hook.previous_ = hook.next_ = nullptr;
    --size_;
  }

  ListHook<T>* first_ = nullptr;
  ListHook<T>* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pontoon::proxy
