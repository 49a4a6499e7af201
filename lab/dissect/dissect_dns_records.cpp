// Names of DNS types, classes and response codes, and the data of records (RFC 1035 3.3, RFC 3596,
// RFC 2782; anything else as RFC 3597 5 writes it).
#include <fmt/core.h>

#include <array>

#include "dns/message.h"
#include "lab/dissect/dissect_layers.h"

namespace pontoon::lab::layers {
namespace {

std::string unknown_data(ByteView data) {
  std::string text = fmt::format("\\# {}", data.size());
  if (!data.empty()) text += ' ';
  for (const std::uint8_t byte : data)
    text += fmt::format("{:02x}", byte);
  return text;
}

// Reads inside of one record's data; names may point before it.
class DataReader {
 public:
  DataReader(const ByteReader& message, std::size_t size)
      : reader_(message.all().first(message.position() + size)) {
    reader_.seek(message.position());
  }

  std::string name() {
    const auto read = dns::Name::read(reader_);
    if (!read) reader_.fail();
    return read ? escaped(as_bytes(read->to_text())) : "";
  }
  std::string number16() { return std::to_string(reader_.u16()); }
  std::string number32() { return std::to_string(reader_.u32()); }
  std::string strings() {  // RFC 1035 3.3.14: each with its length in front
    std::string text;
    do {
      if (!text.empty()) text += ' ';
      text += quoted(reader_.take(reader_.u8()));
    } while (reader_.ok() && reader_.remaining() > 0);
    return text;
  }
  ByteView rest() { return reader_.rest(); }
  std::size_t remaining() const noexcept { return reader_.remaining(); }
  bool done() const noexcept { return reader_.ok() && reader_.remaining() == 0; }

 private:
  ByteReader reader_;
};

std::string read_data(std::uint16_t type, DataReader& data) {
  switch (static_cast<dns::RecordType>(type)) {
    case dns::RecordType::a:
      return data.remaining() == 4 ? Ipv4Address::from(data.rest()).to_string() : "";
    case dns::RecordType::aaaa:
      return data.remaining() == 16 ? Ipv6Address::from(data.rest()).to_string() : "";
    case dns::RecordType::ns:
    case dns::RecordType::cname:
    case dns::RecordType::ptr:
      return data.name();
    case dns::RecordType::mx: {
      const std::string preference = data.number16();
      return preference + ' ' + data.name();
    }
    case dns::RecordType::txt:
      return data.strings();
    case dns::RecordType::srv: {
      std::string text;
      for (int i = 0; i < 3; ++i)  // priority, weight, port
        text += data.number16() + ' ';
      return text + data.name();
    }
    case dns::RecordType::soa: {
      std::string text = data.name();
      text += ' ' + data.name();
      for (int i = 0; i < 5; ++i)  // serial, refresh, retry, expire, minimum
        text += ' ' + data.number32();
      return text;
    }
    default:
      return unknown_data(data.rest());
  }
}

}  // namespace

bool dns_record_data(std::uint16_t type, ByteReader& reader, std::size_t size, std::string& text) {
  DataReader data(reader, size);
  text = read_data(type, data);
  const ByteView raw = reader.take(size);
  if (data.done()) return true;
  text = unknown_data(raw);
  return false;
}

std::string dns_type_name(std::uint16_t type) {
  struct Known {
    std::uint16_t type;
    std::string_view name;
  };
  constexpr std::array kNames = {
      Known{1, "A"},       Known{2, "NS"},      Known{5, "CNAME"},   Known{6, "SOA"},
      Known{12, "PTR"},    Known{13, "HINFO"},  Known{15, "MX"},     Known{16, "TXT"},
      Known{28, "AAAA"},   Known{33, "SRV"},    Known{35, "NAPTR"},  Known{39, "DNAME"},
      Known{41, "OPT"},    Known{43, "DS"},     Known{46, "RRSIG"},  Known{47, "NSEC"},
      Known{48, "DNSKEY"}, Known{50, "NSEC3"},  Known{52, "TLSA"},   Known{64, "SVCB"},
      Known{65, "HTTPS"},  Known{249, "TKEY"},  Known{250, "TSIG"},  Known{251, "IXFR"},
      Known{252, "AXFR"},  Known{253, "MAILB"}, Known{254, "MAILA"}, Known{255, "ANY"},
      Known{257, "CAA"},
  };
  for (const Known& known : kNames)
    if (known.type == type) return std::string(known.name);
  return fmt::format("TYPE{}", type);
}

std::string dns_class_name(std::uint16_t record_class) {
  switch (record_class) {
    case 1:
      return "IN";
    case 3:
      return "CH";
    case 4:
      return "HS";
    case 254:
      return "NONE";
    case 255:
      return "ANY";
    default:
      return fmt::format("CLASS{}", record_class);
  }
}

std::string dns_rcode_name(unsigned rcode) {
  constexpr std::array<std::string_view, 11> kNames = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                       "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                       "NXRRSET", "NOTAUTH", "NOTZONE"};
  if (rcode < kNames.size()) return std::string(kNames[rcode]);
  return rcode == 16 ? "BADVERS" : fmt::format("RCODE{}", rcode);
}

}  // namespace pontoon::lab::layers
