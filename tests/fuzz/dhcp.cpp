// Any bytes as a DHCP message; what parses must emit and parse again to the same.
#include <cstdlib>

#include "core/base/limits.h"
#include "dhcp/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = pontoon::dhcp::Message::parse({data, size});
  if (!message) return 0;
  const auto bytes = message->emit(pontoon::limits::kDhcpMessageBytes);
  if (!pontoon::dhcp::Message::parse(bytes)) std::abort();
  return 0;
}
