// Domain names in wire format (RFC 1035 3.1): labels with their lengths, ended by the root label.
//
// Name owns a fixed buffer (no allocation); NameView looks at a valid, uncompressed name elsewhere.
// Names keep the case in which they came; comparing and hashing ignore the case of ASCII letters
// only (RFC 4343). A length byte is at most 63 and thus never a letter, so both work on the whole
// wire form at once, without looking at labels.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/address.h"
#include "core/base/bytes.h"

namespace pontoon::dns {

constexpr std::size_t kMaxNameBytes = 255;  // RFC 1035 2.3.4, the root's zero included
constexpr std::size_t kMaxLabelBytes = 63;

class Name;

class NameView {
 public:
  NameView() noexcept;  // the root
  NameView(const Name& name) noexcept;
  // `wire` is exactly one valid, uncompressed name.
  static NameView unchecked(ByteView wire) noexcept { return NameView(wire); }

  ByteView wire() const noexcept { return wire_; }
  std::size_t size() const noexcept { return wire_.size(); }
  bool is_root() const noexcept { return wire_.size() == 1; }
  unsigned label_count() const noexcept;  // without the root: 0 for ".", 2 for "a.b"
  ByteView first_label() const noexcept;  // empty for the root
  NameView parent() const noexcept;       // only when not the root
  // Drops leading labels until `labels` are left; label_count() >= labels.
  NameView last_labels(unsigned labels) const noexcept;
  // True when this name is `ancestor` or lies below it.
  bool is_at_or_below(NameView ancestor) const noexcept;
  // Presentation form without the final dot, "." for the root; dots and unprintable bytes escaped.
  std::string to_text() const;

  friend bool operator==(NameView left, NameView right) noexcept;

 private:
  explicit NameView(ByteView wire) noexcept : wire_(wire) {}
  ByteView wire_;
};

// Case-insensitive. The seed is secret where names come from clients, so that nobody can choose
// colliding ones.
std::uint64_t hash_name(NameView name, std::uint64_t seed) noexcept;

class Name {
 public:
  Name() noexcept : size_(1) { bytes_[0] = 0; }  // the root
  explicit Name(NameView view) noexcept;

  // Presentation format (RFC 1035 5.1): "\." and "\DDD" escapes, an optional final dot, "." for the
  // root. nullopt when empty, with an empty label or too long.
  static std::optional<Name> from_text(std::string_view text) noexcept;
  // Reads a name at the reader's position and follows compression pointers into reader.all() (RFC
  // 1035 4.1.4), only backwards and at most kDnsNamePointers of them. The reader is left behind the
  // name, or failed.
  static std::optional<Name> read(ByteReader& reader) noexcept;
  // The PTR name of an address: 2.0.17.172.in-addr.arpa, ...ip6.arpa (RFC 1035 3.5, RFC 3596 2.5).
  static Name reverse(const IpAddress& address) noexcept;

  // "label" in front of `suffix`; nullopt when too long or the label is empty.
  static std::optional<Name> join(ByteView label, NameView suffix) noexcept;
  // All labels of `prefix` in front of `suffix`.
  static std::optional<Name> concatenate(NameView prefix, NameView suffix) noexcept;

  ByteView wire() const noexcept { return {bytes_.data(), size_}; }
  std::size_t size() const noexcept { return size_; }
  std::string to_text() const { return NameView(*this).to_text(); }

  friend bool operator==(const Name& left, const Name& right) noexcept {
    return NameView(left) == NameView(right);
  }

 private:
  bool append(ByteView label) noexcept;  // before the root label was written
  void finish() noexcept;

  std::uint8_t size_ = 0;
  std::array<std::uint8_t, kMaxNameBytes> bytes_;
};

// Moves the reader behind a name without following its pointers; false and failed when malformed.
bool skip_name(ByteReader& reader) noexcept;

}  // namespace pontoon::dns
