// A map that forgets its oldest entries: no capture, however long, makes it grow past
// limits::kAdaptedFlows.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "core/base/limits.h"

namespace pontoon::lab {

template <class Key, class Value>
class AdaptMemory {
 public:
  Value* find(const Key& key) {
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }
  Value& put(const Key& key, Value value) {
    const auto [at, added] = values_.insert_or_assign(key, std::move(value));
    if (added) order_.push_back(key);
    if (order_.size() > limits::kAdaptedFlows) {
      values_.erase(order_.front());
      order_.pop_front();
    }
    return at->second;
  }

 private:
  std::map<Key, Value> values_;
  std::deque<Key> order_;
};

}  // namespace pontoon::lab
