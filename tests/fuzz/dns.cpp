// Any bytes as a DNS query from a client, and as a name.
#include "dns/message.h"
#include "dns/name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)pontoon::dns::parse_query({data, size});
  return 0;
}
