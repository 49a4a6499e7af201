#include "lab/replay/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "lab/dissect/dissect.h"

namespace pontoon::lab {
namespace {

using Frames = std::vector<TimedFrame>;
using Content = std::map<std::vector<std::uint8_t>, std::size_t>;

Result<Frames> frames_of(const PortFiles& files, const std::string& port) {
  Frames out;
  const auto found = files.find(port);
  if (found == files.end()) return out;
  auto capture = read_capture(found->second);
  if (!capture) return capture.error();
  if (!capture->problem.empty())
    return Error{ErrorCode::invalid_argument, std::move(capture->problem)};
  for (capture::Packet& packet : capture->packets)
    out.push_back({packet.time_ns, std::move(packet.bytes)});
  return out;
}

bool same(const TimedFrame& left, const TimedFrame& right) {
  return left.time_ns == right.time_ns && left.bytes == right.bytes;
}

Content content_of(const Frames& frames) {
  Content out;
  for (const TimedFrame& frame : frames)
    ++out[frame.bytes];
  return out;
}

// How many of `left` have no counterpart in `right`.
std::size_t without_counterpart(const Content& left, const Content& right) {
  std::size_t count = 0;
  for (const auto& [bytes, times] : left) {
    const auto found = right.find(bytes);
    const std::size_t there = found == right.end() ? 0 : found->second;
    if (times > there) count += times - there;
  }
  return count;
}

std::optional<TimedFrame> at(const Frames& frames, std::size_t index) {
  if (index >= frames.size()) return std::nullopt;
  return frames[index];
}

std::int64_t time_of(const FrameDifference& difference) {
  if (!difference.got) return difference.expected->time_ns;
  if (!difference.expected) return difference.got->time_ns;
  return std::min(difference.expected->time_ns, difference.got->time_ns);
}

void compare_port(const std::string& port, const Frames& expected, const Frames& got,
                  Comparison& out) {
  const std::size_t most = std::max(expected.size(), got.size());
  std::size_t differing = 0;
  std::optional<FrameDifference> first;
  for (std::size_t i = 0; i < most; ++i) {
    if (i < expected.size() && i < got.size() && same(expected[i], got[i])) continue;
    ++differing;
    if (!first) first = FrameDifference{port, i + 1, at(expected, i), at(got, i)};
  }
  if (!first) return;
  const Content wanted = content_of(expected);
  const Content sent = content_of(got);
  PortDifference difference{port,
                            expected.size(),
                            got.size(),
                            without_counterpart(wanted, sent),
                            without_counterpart(sent, wanted),
                            0};
  difference.moved =
      differing - std::min(differing, std::max(difference.missing, difference.unexpected));
  out.ports.push_back(std::move(difference));
  if (!out.first || time_of(*first) < time_of(*out.first)) out.first = std::move(first);
}

// Nanoseconds must show, which a floating-point number of seconds since 1970 has no room for.
std::string seconds_since(std::int64_t time_ns, std::int64_t start_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t since = 0;
  if (__builtin_sub_overflow(time_ns, start_ns, &since)) return "?";
  return fmt::format("{}{}.{:09}", since < 0 ? "-" : "", std::abs(since / kSecond),
                     std::abs(since % kSecond));
}

std::string first_text(const FrameDifference& first, std::int64_t start_ns, unsigned width) {
  std::string text = fmt::format("port {}, frame {}", first.port, first.number);
  const bool other_time =
      first.expected && first.got && first.expected->time_ns != first.got->time_ns;
  if (other_time) {
    text += fmt::format(": expected at {} s, sent at {} s",
                        seconds_since(first.expected->time_ns, start_ns),
                        seconds_since(first.got->time_ns, start_ns));
  } else {
    text += fmt::format(" at {} s", seconds_since(time_of(first), start_ns));
  }
  if (!first.got) text += ": expected, not sent";
  if (!first.expected) text += ": sent, not expected";
  text += '\n';
  const ByteView none;
  text += side_by_side(first.expected ? ByteView(first.expected->bytes) : none,
                       first.got ? ByteView(first.got->bytes) : none, width);
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

std::string frame_json(const std::optional<TimedFrame>& frame) {
  if (!frame) return "null";
  std::string hex;
  for (const std::uint8_t byte : frame->bytes)
    hex += fmt::format("{:02x}", byte);
  return fmt::format(R"({{"time_ns":{},"length":{},"bytes":"{}"}})", frame->time_ns,
                     frame->bytes.size(), hex);
}

template <class List, class Write>
std::string list_json(const List& list, Write write) {
  std::string out;
  for (const auto& item : list)
    out += (out.empty() ? "" : ",") + write(item);
  return '[' + out + ']';
}

std::string port_json(const PortDifference& port) {
  return fmt::format(
      R"({{"port":{},"expected":{},"got":{},"missing":{},"unexpected":{},"moved":{}}})",
      json_text(port.port), port.expected, port.got, port.missing, port.unexpected, port.moved);
}

std::string drop_json(const DropDifference& drop) {
  return fmt::format(R"({{"name":{},"expected":{},"got":{}}})", json_text(drop.name), drop.expected,
                     drop.got);
}

}  // namespace

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte >= 0x7f || letter == '"' || letter == '\\') {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += letter;
    }
  }
  return out + '"';
}

Result<Comparison> compare(const PortFiles& expected, const PortFiles& got) {
  std::set<std::string> ports;
  for (const PortFiles* files : {&expected, &got}) {
    for (const auto& file : *files)
      ports.insert(file.first);
  }
  Comparison out;
  out.files = got.size();
  for (const std::string& port : ports) {
    const auto wanted = frames_of(expected, port);
    if (!wanted) {
      return Error{wanted.error().code,
                   fmt::format("expected file {}.pcapng: {}", port, wanted.error().message)};
    }
    const auto sent = frames_of(got, port);
    if (!sent) return sent.error();
    out.frames += sent->size();
    compare_port(port, *wanted, *sent, out);
  }
  return out;
}

void compare_drops(const std::vector<ExpectedDrop>& expected,
                   const std::vector<control::DropInfo>& got, Comparison& comparison) {
  std::map<std::string, DropDifference> all;
  for (const ExpectedDrop& drop : expected)
    all[drop.where + '/' + drop.reason].expected += drop.count;
  for (const control::DropInfo& drop : got)
    all[drop.where + '/' + drop.reason].got += drop.count;
  for (auto& [name, difference] : all) {
    difference.name = name;
    if (difference.expected != difference.got) comparison.drops.push_back(difference);
  }
}

std::string to_text(const Comparison& comparison, std::int64_t start_ns, unsigned width) {
  std::string text;
  if (comparison.first) text += first_text(*comparison.first, start_ns, width);
  for (const PortDifference& port : comparison.ports) {
    text += fmt::format(
        "port {}: {} frames expected, {} sent; {} missing, {} not expected, {} at another time or "
        "place\n",
        port.port, port.expected, port.got, port.missing, port.unexpected, port.moved);
  }
  for (const DropDifference& drop : comparison.drops)
    text += fmt::format("drops {}: {} expected, {} counted\n", drop.name, drop.expected, drop.got);
  return text;
}

std::string to_json(const Comparison& comparison) {
  std::string first = "null";
  if (comparison.first) {
    first = fmt::format(R"({{"port":{},"number":{},"expected":{},"got":{}}})",
                        json_text(comparison.first->port), comparison.first->number,
                        frame_json(comparison.first->expected), frame_json(comparison.first->got));
  }
  return fmt::format(R"({{"equal":{},"first":{},"ports":{},"drops":{}}})", comparison.equal(),
                     first, list_json(comparison.ports, port_json),
                     list_json(comparison.drops, drop_json));
}

}  // namespace pontoon::lab
