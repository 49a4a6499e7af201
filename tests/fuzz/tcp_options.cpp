// The option area of a TCP header: any 0 to 40 bytes, read in one pass.
#include <vector>

#include "core/wire/tcp.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon;
  const std::size_t count = std::min<std::size_t>(size & ~std::size_t{3}, 40);
  std::vector<std::uint8_t> header(20 + count);
  header[12] = static_cast<std::uint8_t>((header.size() / 4) << 4);
  std::copy(data, data + count, header.begin() + 20);
  const auto view = wire::TcpView::parse(header);
  ORACLE(view, "a whole header does not parse");
  const wire::TcpOptions options = view->options_parsed();
  ORACLE(options.sack_blocks().size() <= wire::TcpOptions::kMaxSackBlocks, "too many SACK blocks");
  wire::TcpRepr repr = wire::TcpRepr::from(*view);
  std::vector<std::uint8_t> out(repr.header_size());
  ORACLE(out.size() <= wire::TcpView::kMaxHeaderSize, "a header that is too long");
  const IpAddress nobody = Ipv4Address::any();
  repr.emit(out, {}, nobody, nobody);
  const auto again = wire::TcpView::parse(out);
  ORACLE(again, "an emitted header does not parse");
  // What had no room is left out, the last SACK blocks first.
  const wire::TcpOptions kept = again->options_parsed();
  ORACLE(kept.mss == options.mss && kept.timestamps == options.timestamps &&
             kept.window_scale == options.window_scale &&
             kept.sack_permitted == options.sack_permitted,
         "an option changes");
  ORACLE(kept.sack_count <= options.sack_count, "a SACK block from nowhere");
  return 0;
}
