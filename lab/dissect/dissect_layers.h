// The parts that lab/dissect/dissect.h is made of: a reader that turns bytes into fields one after
// the other, and one function for each protocol.
//
// Nothing here refuses a packet. A function shows each field that is there, says in `problem` what
// is wrong, and hands on what is left. The wire views are of no use for that: they either take a
// packet or they don't. Being a reader of its own also makes the dissector a second opinion on what
// our stack has sent.
#pragma once

#include <string>
#include <string_view>

#include "core/base/address.h"
#include "core/base/bytes.h"
#include "core/wire/checksum.h"
#include "core/wire/ethernet.h"
#include "core/wire/ip_protocol.h"
#include "lab/dissect/dissect.h"

namespace pontoon::lab::layers {

// Of VLAN tags and IPv6 extension headers, each: what comes after is shown as data.
constexpr std::size_t kMaxNested = 16;
// Of records and messages named in a summary line.
constexpr std::size_t kMaxInSummary = 8;

std::string hex(ByteView bytes);                          // "0a 0b"
std::string hex_number(std::uint64_t value, int digits);  // "0x000a"
// Printable ASCII as it is; the rest, quotes and backslashes as \xNN: no byte from a packet may
// steer a terminal or end a string.
std::string escaped(ByteView bytes);
std::string quoted(ByteView bytes);       // "\"web\"", escaped
std::string count_of(std::size_t bytes);  // "1 byte", "20 bytes"

// One layer in the making.
class LayerReader {
 public:
  LayerReader(std::string protocol, ByteView bytes)
      : bytes_(bytes), layer_{std::move(protocol), {}, {}} {}

  // Takes the next sizeof(T) bytes, shows them and returns the value. When they are missing there
  // is no field, but a problem, and zero is returned; nothing can be read behind that.
  template <class T, class Show>
  T read(std::string_view name, Show show) {
    if (!need(sizeof(T), name)) return 0;
    const T value = load_be<T>(take(sizeof(T)).data());
    field(name, show(value));
    return value;
  }
  template <class T>
  T number(std::string_view name) {
    return read<T>(name, [](T value) { return std::to_string(value); });
  }
  template <class T>
  T hex_number(std::string_view name) {
    return read<T>(name, [](T value) { return layers::hex_number(value, int{sizeof(T)} * 2); });
  }
  Ipv4Address ipv4(std::string_view name);
  Ipv6Address ipv6(std::string_view name);
  MacAddress mac(std::string_view name);

  // Without a field; fewer bytes when fewer are left.
  ByteView take(std::size_t count) noexcept;
  ByteView rest() noexcept { return take(bytes_.size()); }

  void field(std::string_view name, std::string value) {
    layer_.fields.push_back({std::string(name), std::move(value)});
  }
  void problem(const std::string& text);
  // In a quote that is no problem.
  void may_end_anywhere(bool may) noexcept { may_end_ = may; }
  // "checksum is 0x1234, should be 0x4321"; the sum over everything with the field as it is must
  // be all ones.
  void judge_checksum(std::uint16_t found, std::size_t offset, ByteView covered,
                      wire::Checksum start = {});

  bool ok() const noexcept { return !ended_; }  // nothing was missing so far
  std::size_t position() const noexcept { return position_; }
  std::size_t remaining() const noexcept { return bytes_.size() - position_; }

  void push_to(Dissection& out) { out.layers.push_back(std::move(layer_)); }

 private:
  bool need(std::size_t count, std::string_view name);

  ByteView bytes_;
  std::size_t position_ = 0;
  bool ended_ = false;
  bool may_end_ = false;
  Layer layer_;
};

// What the header around a payload says about it.
struct Around {
  IpAddress source;
  IpAddress target;
  bool cut = false;     // its end is missing: lengths and checksums can't be judged
  bool quoted = false;  // inside an ICMP error; quotes in quotes are data
};

// Each adds its layer and those inside it, and sets the summary (`source` and `target` only where
// that is said).
void dissect_ether_type(std::uint16_t type, ByteView payload, Dissection& out);
void dissect_arp(ByteView bytes, Dissection& out);                // sets source, target
void dissect_ipv4(ByteView bytes, bool quoted, Dissection& out);  // sets source, target
void dissect_ipv6(ByteView bytes, bool quoted, Dissection& out);  // sets source, target
void dissect_transport(std::uint8_t protocol, ByteView bytes, const Around& around,
                       Dissection& out);
void dissect_icmp(ByteView bytes, const Around& around, Dissection& out);
void dissect_icmpv6(ByteView bytes, const Around& around, Dissection& out);
void dissect_udp(ByteView bytes, const Around& around, Dissection& out);
void dissect_tcp(ByteView bytes, const Around& around, Dissection& out);
void dissect_dhcp(ByteView bytes, Dissection& out);
void dissect_dns(ByteView bytes, Dissection& out);
// Nothing when empty; leaves the summary alone.
void dissect_data(ByteView bytes, Dissection& out);

// The quoted packet of an ICMP error as layers "quoted IPv4", ... Returns what it was, for the
// summary: "UDP 172.17.0.2:4000 > 1.1.1.1:53".
std::string dissect_quoted(ByteView bytes, IpFamily family, Dissection& out);

std::string_view protocol_name(std::uint8_t protocol) noexcept;  // "UDP"; empty: no name
std::string protocol_text(std::uint8_t protocol);                // "17 UDP"

// The value of one DHCP option, by its code.
std::string dhcp_option_name(std::uint8_t code);
std::string dhcp_option_text(std::uint8_t code, ByteView value);
std::string dhcp_type_name(std::uint8_t type);  // "DISCOVER"; "type 77"

// A DNS record's data at `reader`, `size` bytes long, as in a zone file (RFC 1035 5.1, RFC 3597 5).
// False: it is not what its type says; `text` then has the bytes.
bool dns_record_data(std::uint16_t type, ByteReader& reader, std::size_t size, std::string& text);
std::string dns_type_name(std::uint16_t type);           // "AAAA", "TYPE12345"
std::string dns_class_name(std::uint16_t record_class);  // "IN", "CLASS77"
std::string dns_rcode_name(unsigned rcode);              // "NXDOMAIN", "RCODE77"

}  // namespace pontoon::lab::layers
