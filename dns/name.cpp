#include "dns/name.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/base/check.h"
#include "core/base/limits.h"

namespace pontoon::dns {
namespace {

constexpr std::uint8_t kRootWire[1] = {0};
constexpr std::uint8_t kPointerBits = 0xc0;

// ASCII letters of eight bytes to lower case at once (RFC 4343: no other byte changes). Bytes above
// 0x7f are left alone: their high bit keeps them out of `is_upper`.
std::uint64_t fold(std::uint64_t word) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101ULL;
  constexpr std::uint64_t high = 0x80 * ones;
  const std::uint64_t seven = word & ~high;
  const std::uint64_t at_least_a = seven + (0x80 - 'A') * ones;
  const std::uint64_t above_z = seven + (0x7f - 'Z') * ones;
  const std::uint64_t is_upper = at_least_a & ~above_z & ~word & high;
  return word | (is_upper >> 2);
}

std::uint64_t load_folded(const std::uint8_t* from, std::size_t count) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, count);
  return fold(word);
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
  return hash ^ std::rotl(hash, 25) ^ std::rotl(hash, 47);
}

bool printable(std::uint8_t byte) noexcept {
  return byte > 0x20 && byte < 0x7f;
}

void append_escaped(std::string& out, std::uint8_t byte) {
  if (!printable(byte)) {
    out += '\\';
    out += static_cast<char>('0' + byte / 100);
    out += static_cast<char>('0' + byte / 10 % 10);
    out += static_cast<char>('0' + byte % 10);
    return;
  }
  // The characters that a zone file gives a meaning to (RFC 1035 5.1).
  if (std::string_view(".\\\"();@$").find(static_cast<char>(byte)) != std::string_view::npos) {
    out += '\\';
  }
  out += static_cast<char>(byte);
}

// One byte of a label, an escape undone; nullopt when the escape is malformed.
std::optional<std::uint8_t> take_escaped(std::string_view& text) noexcept {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const char first = text[0];
  text.remove_prefix(1);
  if (first != '\\') return static_cast<std::uint8_t>(first);
  if (text.empty()) return std::nullopt;
  if (!is_digit(text[0])) {
    const auto literal = static_cast<std::uint8_t>(text[0]);
    text.remove_prefix(1);
    return literal;
  }
  if (text.size() < 3 || !is_digit(text[1]) || !is_digit(text[2])) return std::nullopt;
  const int value = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
  text.remove_prefix(3);
  if (value > 255) return std::nullopt;
  return static_cast<std::uint8_t>(value);
}

}  // namespace

NameView::NameView() noexcept : wire_(kRootWire) {}
NameView::NameView(const Name& name) noexcept : wire_(name.wire()) {}

unsigned NameView::label_count() const noexcept {
  unsigned count = 0;
  for (std::size_t at = 0; wire_[at] != 0; at += std::size_t{wire_[at]} + 1)
    ++count;
  return count;
}

ByteView NameView::first_label() const noexcept {
  return wire_.subspan(1, wire_[0]);
}

NameView NameView::parent() const noexcept {
  INVARIANT(!is_root());
  return NameView(wire_.subspan(std::size_t{wire_[0]} + 1));
}

NameView NameView::last_labels(unsigned labels) const noexcept {
  NameView name = *this;
  for (unsigned count = label_count(); count > labels; --count)
    name = name.parent();
  return name;
}

bool NameView::is_at_or_below(NameView ancestor) const noexcept {
  NameView name = *this;
  while (name.size() > ancestor.size())
    name = name.parent();
  return name == ancestor;
}

std::string NameView::to_text() const {
  if (is_root()) return ".";
  std::string out;
  for (NameView name = *this; !name.is_root(); name = name.parent()) {
    if (!out.empty()) out += '.';
    for (const std::uint8_t byte : name.first_label())
      append_escaped(out, byte);
  }
  return out;
}

bool operator==(NameView left, NameView right) noexcept {
  if (left.size() != right.size()) return false;
  const std::uint8_t* a = left.wire_.data();
  const std::uint8_t* b = right.wire_.data();
  for (std::size_t rest = left.size(); rest > 0;) {
    const std::size_t count = std::min<std::size_t>(rest, 8);
    if (load_folded(a, count) != load_folded(b, count)) return false;
    a += count;
    b += count;
    rest -= count;
  }
  return true;
}

std::uint64_t hash_name(NameView name, std::uint64_t seed) noexcept {
  std::uint64_t hash = seed ^ name.size();
  const std::uint8_t* at = name.wire().data();
  for (std::size_t rest = name.size(); rest > 0;) {
    const std::size_t count = std::min<std::size_t>(rest, 8);
    hash = mix(hash, load_folded(at, count));
    at += count;
    rest -= count;
  }
  return mix(hash, seed);
}

Name::Name(NameView view) noexcept : size_(static_cast<std::uint8_t>(view.size())) {
  INVARIANT(view.size() <= kMaxNameBytes);
  std::memcpy(bytes_.data(), view.wire().data(), view.size());
}

bool Name::append(ByteView label) noexcept {
  // One byte stays free for the root label.
  if (label.empty() || label.size() > kMaxLabelBytes) return false;
  if (size_ + 1 + label.size() + 1 > kMaxNameBytes) return false;
  bytes_[size_] = static_cast<std::uint8_t>(label.size());
  std::memcpy(&bytes_[size_ + std::size_t{1}], label.data(), label.size());
  size_ = static_cast<std::uint8_t>(size_ + 1 + label.size());
  return true;
}

void Name::finish() noexcept {
  bytes_[size_] = 0;
  ++size_;
}

std::optional<Name> Name::from_text(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  if (text == ".") return Name();
  Name name;
  name.size_ = 0;
  while (!text.empty()) {
    std::array<std::uint8_t, kMaxLabelBytes> label;
    std::size_t size = 0;
    while (!text.empty() && text[0] != '.') {
      const auto byte = take_escaped(text);
      if (!byte || size == label.size()) return std::nullopt;
      label[size++] = *byte;
    }
    if (!name.append({label.data(), size})) return std::nullopt;
    if (!text.empty()) text.remove_prefix(1);  // the dot
  }
  name.finish();
  return name;
}

std::optional<Name> Name::read(ByteReader& reader) noexcept {
  Name name;
  name.size_ = 0;
  ByteReader cursor = reader;
  bool jumped = false;
  // Each pointer must lead before the place where this run of labels began, so that no loop is
  // possible even without the count.
  std::size_t run_start = reader.position();
  for (std::size_t pointers = 0;;) {
    const std::uint8_t length = cursor.u8();
    if (!cursor.ok()) break;
    if ((length & kPointerBits) == kPointerBits) {
      const std::size_t target = (std::size_t{length} & 0x3f) << 8 | cursor.u8();
      if (!cursor.ok() || target >= run_start || ++pointers > limits::kDnsNamePointers) break;
      if (!jumped) reader.seek(cursor.position());
      jumped = true;
      run_start = target;
      cursor.seek(target);
      continue;
    }
    if (length == 0) {
      if (!jumped) reader.seek(cursor.position());
      name.finish();
      return name;
    }
    // 01 and 10 are reserved (RFC 1035 4.1.4; RFC 6891 5 retired the extended types): append()
    // refuses such a length.
    if (length > kMaxLabelBytes || !name.append(cursor.take(length))) break;
  }
  reader.fail();
  return std::nullopt;
}

Name Name::reverse(const IpAddress& address) noexcept {
  Name name;
  name.size_ = 0;
  if (address.is_v4()) {
    const auto octets = address.v4().bytes();
    for (std::size_t i = octets.size(); i-- > 0;) {
      const std::string digits = std::to_string(octets[i]);  // at most three: no allocation
      (void)name.append(as_bytes(digits));
    }
    (void)name.append(as_bytes("in-addr"));
  } else {
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = address.octets().size(); i-- > 0;) {
      const std::uint8_t octet = address.octets()[i];
      (void)name.append(as_bytes(digits.substr(octet & 15, 1)));
      (void)name.append(as_bytes(digits.substr(octet >> 4, 1)));
    }
    (void)name.append(as_bytes("ip6"));
  }
  (void)name.append(as_bytes("arpa"));
  name.finish();
  return name;
}

std::optional<Name> Name::join(ByteView label, NameView suffix) noexcept {
  if (label.empty() || label.size() > kMaxLabelBytes) return std::nullopt;
  if (1 + label.size() + suffix.size() > kMaxNameBytes) return std::nullopt;
  Name name;
  name.size_ = 0;
  (void)name.append(label);
  std::memcpy(&name.bytes_[name.size_], suffix.wire().data(), suffix.size());
  name.size_ = static_cast<std::uint8_t>(name.size_ + suffix.size());
  return name;
}

std::optional<Name> Name::concatenate(NameView prefix, NameView suffix) noexcept {
  const std::size_t front = prefix.size() - 1;  // without the prefix's root
  if (front + suffix.size() > kMaxNameBytes) return std::nullopt;
  Name name;
  std::memcpy(name.bytes_.data(), prefix.wire().data(), front);
  std::memcpy(name.bytes_.data() + front, suffix.wire().data(), suffix.size());
  name.size_ = static_cast<std::uint8_t>(front + suffix.size());
  return name;
}

bool skip_name(ByteReader& reader) noexcept {
  const std::size_t start = reader.position();
  while (reader.ok()) {
    const std::uint8_t length = reader.u8();
    if (!reader.ok()) return false;
    if (length == 0) break;
    if ((length & kPointerBits) == kPointerBits) {
      reader.skip(1);
      return reader.ok();
    }
    if (length > kMaxLabelBytes || reader.position() + length - start >= kMaxNameBytes) {
      reader.fail();
    }
    reader.skip(length);
  }
  return reader.ok();
}

}  // namespace pontoon::dns
