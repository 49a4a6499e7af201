// TCP goodput through the gateway's engine in virtual time: a reference endpoint and a host's
// socket, by loss, round trip and buffer, each way. The table is kept in goodput.txt and reviewed
// when it changes; `pontoon_sim --goodput` writes it.
#pragma once

#include <string>

namespace pontoon::sim {

std::string goodput_table();

}  // namespace pontoon::sim
