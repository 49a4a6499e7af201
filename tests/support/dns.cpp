#include "tests/support/dns.h"

#include <stdexcept>

namespace pontoon::test {
namespace {

void put16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}
void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}

void put_name(Bytes& out, std::string_view name) {
  while (!name.empty() && name != ".") {
    const std::size_t dot = std::min(name.find('.'), name.size());
    out.push_back(static_cast<std::uint8_t>(dot));
    out.insert(out.end(), name.begin(), name.begin() + static_cast<std::ptrdiff_t>(dot));
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  out.push_back(0);
}

void put_record(Bytes& out, const DnsRecord& record) {
  put_name(out, record.name);
  put16(out, record.type);
  put16(out, record.record_class);
  put32(out, record.ttl);
  put16(out, static_cast<unsigned>(record.data.size()));
  out.insert(out.end(), record.data.begin(), record.data.end());
}

void put_opt(Bytes& out, const DnsMessage::Opt& opt) {
  out.push_back(0);
  put16(out, 41);
  put16(out, opt.payload);
  out.push_back(opt.extended_rcode);
  out.push_back(opt.version);
  put16(out, opt.dnssec_ok ? 0x8000 : 0);
  put16(out, static_cast<unsigned>(opt.options.size()));
  out.insert(out.end(), opt.options.begin(), opt.options.end());
}

class Decoder {
 public:
  explicit Decoder(ByteView bytes) : bytes_(bytes) {}

  DnsMessage message() {
    DnsMessage out;
    out.id = u16();
    out.flags = u16();
    const unsigned questions = u16();
    const unsigned answers = u16(), authorities = u16(), additionals = u16();
    if (questions > 1) throw std::runtime_error("several questions");
    if (questions == 1) {
      out.name = name(at_);
      out.type = u16();
      out.record_class = u16();
    }
    section(answers, out.answers, out);
    section(authorities, out.authorities, out);
    section(additionals, out.additionals, out);
    if (at_ != bytes_.size()) throw std::runtime_error("bytes left over");
    return out;
  }

 private:
  std::uint8_t u8() {
    if (at_ >= bytes_.size()) throw std::runtime_error("message too short");
    return bytes_[at_++];
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }

  std::string name(std::size_t& at) const {
    std::string out;
    std::size_t cursor = at;
    bool jumped = false;
    for (int steps = 0; steps < 200; ++steps) {
      const unsigned length = bytes_[check(cursor++)];
      if (length >= 0xc0) {
        const std::size_t target = (length & 0x3f) << 8 | bytes_[check(cursor++)];
        if (!jumped) at = cursor;
        jumped = true;
        cursor = target;
        continue;
      }
      if (length == 0) {
        if (!jumped) at = cursor;
        return out.empty() ? "." : out;
      }
      if (!out.empty()) out += '.';
      (void)check(cursor + length);
      out.append(reinterpret_cast<const char*>(bytes_.data()) + cursor, length);
      cursor += length;
    }
    throw std::runtime_error("name does not end");
  }
  std::size_t check(std::size_t at) const {
    if (at >= bytes_.size()) throw std::runtime_error("name runs out");
    return at;
  }

  void section(unsigned count, std::vector<DnsRecord>& into, DnsMessage& message) {
    for (unsigned i = 0; i < count; ++i) {
      DnsRecord record;
      record.name = name(at_);
      record.type = u16();
      record.record_class = u16();
      record.ttl = u32();
      const std::size_t length = u16();
      const std::size_t start = at_;
      for (std::size_t n = 0; n < length; ++n)
        record.data.push_back(u8());
      if (record.type == 41) {
        if (message.opt) throw std::runtime_error("two OPT records");
        message.opt = DnsMessage::Opt{
            record.record_class, static_cast<std::uint8_t>(record.ttl >> 24),
            static_cast<std::uint8_t>(record.ttl >> 16), (record.ttl & 0x8000) != 0, record.data};
        continue;
      }
      record.text = text(record, start);
      into.push_back(std::move(record));
    }
  }

  std::string text(const DnsRecord& record, std::size_t start) const {
    if (record.type == 1 && record.data.size() == 4) {
      return Ipv4Address::from(record.data).to_string();
    }
    if (record.type == 28 && record.data.size() == 16) {
      return Ipv6Address::from(record.data).to_string();
    }
    if (record.type == 2 || record.type == 5 || record.type == 6 || record.type == 12) {
      return name(start);
    }
    return {};
  }

  ByteView bytes_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<std::string> DnsMessage::texts() const {
  std::vector<std::string> out;
  for (const DnsRecord& record : answers)
    out.push_back(record.text);
  return out;
}

Bytes encode(const DnsMessage& message) {
  Bytes out;
  put16(out, message.id);
  put16(out, message.flags);
  put16(out, message.name.empty() ? 0 : 1);
  put16(out, static_cast<unsigned>(message.answers.size()));
  put16(out, static_cast<unsigned>(message.authorities.size()));
  put16(out, static_cast<unsigned>(message.additionals.size() + (message.opt ? 1 : 0)));
  if (!message.name.empty()) {
    put_name(out, message.name);
    put16(out, message.type);
    put16(out, message.record_class);
  }
  for (const auto* section : {&message.answers, &message.authorities, &message.additionals}) {
    for (const DnsRecord& record : *section)
      put_record(out, record);
  }
  if (message.opt) put_opt(out, *message.opt);
  return out;
}

DnsMessage decode(ByteView bytes) {
  return Decoder(bytes).message();
}

DnsMessage question(std::string name, std::uint16_t type) {
  DnsMessage message;
  message.name = std::move(name);
  message.type = type;
  return message;
}

DnsRecord address_record(std::string name, std::uint32_t ttl, std::string_view address) {
  const auto parsed = IpAddress::parse(address);
  if (!parsed) throw std::runtime_error("not an address");
  DnsRecord record{std::move(name), 28, 1, ttl, {}, {}};
  if (parsed->is_v4()) {
    record.type = 1;
    const auto bytes = parsed->v4().bytes();
    record.data.assign(bytes.begin(), bytes.end());
  } else {
    record.data.assign(parsed->octets().begin(), parsed->octets().end());
  }
  return record;
}

DnsRecord name_record(std::string name, std::uint16_t type, std::uint32_t ttl,
                      std::string_view to) {
  DnsRecord record{std::move(name), type, 1, ttl, {}, {}};
  put_name(record.data, to);
  return record;
}

DnsRecord soa_record(std::string name, std::uint32_t ttl, std::uint32_t minimum) {
  DnsRecord record{std::move(name), 6, 1, ttl, {}, {}};
  put_name(record.data, "ns.example");
  put_name(record.data, "hostmaster.example");
  for (const std::uint32_t field : {1U, 3600U, 600U, 86400U, minimum})
    put32(record.data, field);
  return record;
}

DnsMessage response_to(ByteView query, unsigned rcode) {
  const DnsMessage asked = decode(query);
  DnsMessage response;
  response.id = asked.id;
  response.flags = static_cast<std::uint16_t>(0x8180 | rcode);
  response.name = asked.name;
  response.type = asked.type;
  return response;
}

}  // namespace pontoon::test
