// The model as JSON, in both directions from one description per type (json.cpp). JSON types stay
// in that file.
#pragma once

#include <string>
#include <string_view>

#include "control/attach_message.h"
#include "control/model.h"
#include "core/base/result.h"

namespace pontoon::control {

// Instantiated for the types of model.h and attach_message.h, and for std::vector of those that are
// listed.
template <class T>
std::string encode(const T& value);

// The Error names the field that is missing, of the wrong kind, out of range or unknown.
template <class T>
Result<T> decode(std::string_view json);

// {"error":{"code":"conflict","message":"…"}}
std::string encode_error(const Error& error);
Error decode_error(std::string_view json);

// Re-indented for people, as `docker inspect` prints it.
std::string pretty(std::string_view json);

}  // namespace pontoon::control
