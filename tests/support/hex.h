// Bytes as people write them in tests: "0242 ac11 0002", and back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"

namespace pontoon::test {

// Spaces, newlines, colons and dots are ignored; throws std::invalid_argument on anything else.
std::vector<std::uint8_t> unhex(std::string_view text);
std::string hex(ByteView bytes);

}  // namespace pontoon::test
