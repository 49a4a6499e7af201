#include "app/capture_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "app/table.h"
#include "core/base/unique_fd.h"
#include "core/capture/reader.h"
#include "lab/dissect/dissect.h"

namespace pontoon::app {
namespace {

using control::BlockKind;

// Less than all only with an error.
struct Written {
  std::size_t bytes = 0;
  int error = 0;
};

Written write_all(int fd, ByteView bytes) {
  Written done;
  while (done.bytes < bytes.size()) {
    const ssize_t count = ::write(fd, bytes.data() + done.bytes, bytes.size() - done.bytes);
    if (count > 0) {
      done.bytes += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      done.error = errno;
      return done;
    }
  }
  return done;
}

Error cannot_write(const std::string& path, int error) {
  const ErrorCode code = error == EPIPE ? ErrorCode::unavailable : ErrorCode::exhausted;
  return {code, fmt::format("cannot write {}: {}", path, std::strerror(error))};
}

// A file, or a ring of them, or stdout.
class FileOutput final : public CaptureOutput {
 public:
  explicit FileOutput(const CapturePlan& plan) : plan_(plan) {}

  Status<> open() {
    if (plan_.write == "-") {
      path_ = "stdout";
      fd_ = UniqueFd(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
      return fd_ ? Status<>{} : Status<>{cannot_write(path_, errno)};
    }
    number_ = plan_.files > 0 && number_ == plan_.files ? 1 : number_ + 1;
    path_ = plan_.ring() ? numbered(plan_.write, number_) : plan_.write;
    // What people say to each other is nobody else's business.
    fd_ = UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd_) return cannot_write(path_, errno);
    opened_ = std::chrono::steady_clock::now();
    written_ = 0;
    frames_in_file_ = 0;
    return {};
  }

  Status<> add(BlockKind kind, ByteView block) override {
    if (kind == BlockKind::header) headers_.insert(headers_.end(), block.begin(), block.end());
    if (kind == BlockKind::frame) {
      if (auto turned = turn_over(block.size()); !turned) return turned;
      ++frames_;
      ++frames_in_file_;
    }
    buffer_.insert(buffer_.end(), block.begin(), block.end());
    ends_.push_back(buffer_.size());
    return {};
  }

  Status<> flush() override {
    const Written done = write_all(fd_.get(), buffer_);
    if (done.error != 0) return give_up(done);
    written_ += buffer_.size();
    buffer_.clear();
    ends_.clear();
    return {};
  }

  std::uint64_t frames() const noexcept override { return frames_; }

 private:
  Status<> turn_over(std::size_t next) {
    if (!plan_.ring() || frames_in_file_ == 0) return {};
    const bool full = plan_.file_bytes && written_ + buffer_.size() + next > *plan_.file_bytes;
    const bool old =
        plan_.file_time && std::chrono::steady_clock::now() - opened_ >= *plan_.file_time;
    if (!full && !old) return {};
    if (auto flushed = flush(); !flushed) return flushed;
    if (auto opened = open(); !opened) return opened;
    buffer_ = headers_;
    ends_.push_back(buffer_.size());
    return {};
  }

  // The file ends with the last block that found room.
  Error give_up(const Written& done) {
    std::size_t whole = 0;
    for (const std::size_t end : ends_) {
      if (end <= done.bytes) whole = end;
    }
    (void)!ftruncate(fd_.get(), static_cast<off_t>(written_ + whole));
    return cannot_write(path_, done.error);
  }

  CapturePlan plan_;
  UniqueFd fd_;
  std::string path_;
  unsigned number_ = 0;
  std::chrono::steady_clock::time_point opened_;
  std::uint64_t written_ = 0;
  std::uint64_t frames_ = 0;
  std::uint64_t frames_in_file_ = 0;
  std::vector<std::uint8_t> headers_;
  std::vector<std::uint8_t> buffer_;
  std::vector<std::size_t> ends_;  // of the blocks in the buffer
};

std::string time_of_day(std::int64_t time_ns) {
  constexpr std::int64_t second = 1'000'000'000;
  const std::time_t seconds = time_ns / second;
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}.{:06}", local.tm_hour, local.tm_min, local.tm_sec,
                     time_ns % second / 1000);
}

// One line per frame. A frame from one endpoint to another has two places in a capture of their
// network; it is shown where it came out.
class TextOutput final : public CaptureOutput {
 public:
  explicit TextOutput(std::uint64_t most) : most_(most) {}

  Status<> add(BlockKind kind, ByteView block) override {
    if (kind == BlockKind::header) headers_.insert(headers_.end(), block.begin(), block.end());
    if (kind == BlockKind::frame) batch_.insert(batch_.end(), block.begin(), block.end());
    return kind == BlockKind::header ? show() : Status<>{};
  }

  Status<> flush() override { return show(); }
  std::uint64_t frames() const noexcept override { return frames_; }

 private:
  Status<> show() {
    if (batch_.empty()) return {};
    std::vector<std::uint8_t> file = headers_;
    file.insert(file.end(), batch_.begin(), batch_.end());
    batch_.clear();
    const auto reader = capture::Reader::open(file);
    if (!reader) return reader.error();
    std::string text;
    while (const auto packet = (*reader)->next()) {
      if (seen_elsewhere(*packet, (*reader)->interfaces())) continue;
      if (most_ > 0 && frames_ == most_) break;
      ++frames_;
      text += line(*packet);
    }
    const Written done =
        write_all(STDOUT_FILENO, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return done.error == 0 ? Status<>{} : Status<>{cannot_write("stdout", done.error)};
  }

  static bool seen_elsewhere(const capture::Packet& packet,
                             const std::vector<capture::Interface>& interfaces) {
    if (packet.direction != capture::Direction::inbound || packet.bytes.size() < 14) return false;
    if (packet.comment.find("; dropped: ") != std::string::npos) return false;
    const MacAddress source = MacAddress::from(ByteView(packet.bytes).subspan(6, 6));
    for (const capture::Interface& interface : interfaces) {
      if (interface.mac == source && interface.name.find(':') == std::string::npos) return true;
    }
    return false;
  }

  static std::string line(const capture::Packet& packet) {
    const std::size_t end = std::min(packet.comment.find("; "), packet.comment.size());
    std::string ends = packet.comment.substr(0, end);
    if (const std::size_t arrow = ends.find(" -> "); arrow != std::string::npos)
      ends.replace(arrow, 4, " > ");
    const std::string fate =
        end < packet.comment.size() ? fmt::format(" [{}]", packet.comment.substr(end + 2)) : "";
    return fmt::format("{} {}: {}{}\n", time_of_day(packet.time_ns), printable(ends),
                       printable(lab::dissect(packet.bytes).summary), printable(fate));
  }

  std::uint64_t most_;  // 0: no end
  std::vector<std::uint8_t> headers_;
  std::vector<std::uint8_t> batch_;
  std::uint64_t frames_ = 0;
};

}  // namespace

Result<std::unique_ptr<CaptureOutput>> open_capture_output(const CapturePlan& plan) {
  if (plan.write.empty())
    return std::unique_ptr<CaptureOutput>(std::make_unique<TextOutput>(plan.count));
  if (plan.write == "-" && isatty(STDOUT_FILENO) != 0) {
    return Error{ErrorCode::invalid_argument,
                 "pcapng is nothing for a terminal: pipe it (pontoon capture -w - | wireshark -k "
                 "-i -), or write a file with -w FILE"};
  }
  auto output = std::make_unique<FileOutput>(plan);
  if (auto opened = output->open(); !opened) return opened.error();
  return std::unique_ptr<CaptureOutput>(std::move(output));
}

}  // namespace pontoon::app
