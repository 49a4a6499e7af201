// A capture file from somebody else: pcap or pcapng, every packet of it turned into Ethernet, and
// written again as ours: the second reading must say what the first one said.
#include "core/base/limits.h"
#include "core/capture/reader.h"
#include "core/capture/writer.h"
#include "tests/fuzz/input.h"

namespace pontoon::fuzz {
namespace {

struct Content {
  std::vector<capture::Interface> interfaces;
  std::vector<capture::Packet> packets;
  bool whole = false;
};

std::optional<Content> read(ByteView file) {
  const auto reader = capture::Reader::open(file);
  if (!reader) {
    ORACLE(!reader.error().message.empty(), "an error without words");
    return std::nullopt;
  }
  Content content;
  while (auto packet = (*reader)->next()) {
    ORACLE(packet->interface < (*reader)->interfaces().size(), "a packet of no interface");
    ORACLE(packet->bytes.size() <= file.size(), "a packet longer than the file");
    content.packets.push_back(std::move(*packet));
    ORACLE(content.packets.size() <= file.size() / 8 + 1, "more packets than can be there");
  }
  content.interfaces = (*reader)->interfaces();
  ORACLE(content.interfaces.size() <= limits::kCaptureInterfaces, "more interfaces than the limit");
  content.whole = (*reader)->problem().empty();
  return content;
}

capture::Bytes write(const Content& content) {
  capture::Bytes out;
  capture::append_section_header(out, "fuzz");
  for (const capture::Interface& interface : content.interfaces)
    capture::append_interface(out, interface);
  for (const capture::Packet& packet : content.packets)
    capture::append_packet(out, packet);
  return out;
}

void check_again(const Content& content) {
  const auto again = read(write(content));
  ORACLE(again && again->whole, "what we write, we do not read");
  ORACLE(again->interfaces.size() == content.interfaces.size(), "interfaces are lost");
  ORACLE(again->packets.size() == content.packets.size(), "packets are lost");
  for (std::size_t i = 0; i < content.packets.size(); ++i) {
    ORACLE(again->packets[i].bytes == content.packets[i].bytes, "a packet changes");
    ORACLE(again->packets[i].interface == content.packets[i].interface, "it changes interfaces");
  }
}

}  // namespace
}  // namespace pontoon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pontoon;
  using namespace pontoon::fuzz;
  const auto content = read({data, size});
  if (!content) return 0;
  for (const capture::Packet& packet : content->packets) {
    const auto frame =
        capture::as_ethernet(packet, content->interfaces[packet.interface].link_type);
    ORACLE(!frame || frame->size() >= 14, "a frame without a header");
  }
  check_again(*content);
  return 0;
}
