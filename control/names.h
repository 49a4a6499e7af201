// Names of endpoints and networks: they become DNS labels.
#pragma once

#include <string>
#include <string_view>

#include "core/base/address.h"
#include "core/base/random.h"
#include "core/base/result.h"

namespace pontoon::control {

// 1 to 63 letters, digits, '-' and '_', beginning and ending with a letter or digit. `what` names
// the thing in the error: "name", "network name", "alias".
Status<> check_name(std::string_view what, std::string_view name);

// "quiet-heron": what an endpoint without a name is called.
std::string make_up_name(Random& random);

// 12 hexadecimal digits.
std::string make_id(Random& random);

// The same MAC for the same name on the same network, so that leases and ARP caches survive a
// restart. Locally administered, 02:42 as Docker's; `salt` steps past a collision.
MacAddress mac_for(std::string_view network, std::string_view name, unsigned salt);

bool same_name(std::string_view left,
               std::string_view right) noexcept;  // DNS names ignore ASCII case

}  // namespace pontoon::control
