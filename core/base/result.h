// Result: a value or an error, never both. gcc 12 has no std::expected in C++20.
//
//   Result<Ipv4Address> parse(std::string_view text);
//   auto address = parse(text);
//   if (!address) return address.error();
//   use(*address);
//
// E is a small enum on the data path (no allocation) and `Error` on the control path.
#pragma once

#include <utility>
#include <variant>

#include "core/base/check.h"
#include "core/base/error.h"

namespace pontoon {

template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : content_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(value()); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  T& value() {
    INVARIANT(has_value());
    return *std::get_if<0>(&content_);
  }
  const T& value() const {
    INVARIANT(has_value());
    return *std::get_if<0>(&content_);
  }
  E& error() {
    INVARIANT(!has_value());
    return *std::get_if<1>(&content_);
  }
  const E& error() const {
    INVARIANT(!has_value());
    return *std::get_if<1>(&content_);
  }

 private:
  std::variant<T, E> content_;
};

// Success carries nothing: `Status<E>{}` is success.
template <class E = Error>
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(E error) : error_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return error_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  const E& error() const {
    INVARIANT(!ok());
    return *std::get_if<1>(&error_);
  }

 private:
  std::variant<std::monostate, E> error_;
};

}  // namespace pontoon
