// The readers behind Reader::open, one per format, and the words in which they complain.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/capture/reader.h"

namespace pontoon::capture {

Result<std::unique_ptr<Reader>> open_pcap(ByteView file);
Result<std::unique_ptr<Reader>> open_pcapng(ByteView file);

// Some systems have written their own numbers for raw IP; what stands above the link type's 16 bits
// (the length of a frame check sequence) is of no use here.
LinkType link_type_from(std::uint32_t number) noexcept;

// What both readers have in common: where they are, what they have found, why they have ended.
class ReaderBase : public Reader {
 public:
  const std::vector<Interface>& interfaces() const noexcept override { return interfaces_; }
  const std::string& problem() const noexcept override { return problem_; }

 protected:
  explicit ReaderBase(ByteView file) noexcept : file_(file) {}

  // The file from `offset_` on.
  ByteView rest() const noexcept { return file_.subspan(offset_); }
  bool ended() const noexcept { return !problem_.empty() || offset_ == file_.size(); }
  // "packet 17 at byte 1234: ..."; `what` is what is read there. Nothing is read afterwards.
  void complain(std::string_view what, std::string_view text);

  ByteView file_;
  std::size_t offset_ = 0;  // never beyond the file
  std::size_t packets_ = 0;
  std::vector<Interface> interfaces_;
  std::string problem_;
};

}  // namespace pontoon::capture
