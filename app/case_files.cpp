#include "app/case_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/limits.h"
#include "core/base/unique_fd.h"

namespace pontoon::app {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kCaseFile = "case.toml";
constexpr std::string_view kSuffix = ".pcapng";
constexpr std::size_t kChunk = 1 << 20;

Error about(const std::string& path, std::string_view what) {
  return {ErrorCode::invalid_argument, fmt::format("{}: {}", path, what)};
}

Error failed(const std::string& path) {
  return about(path, std::strerror(errno));
}

Result<Bytes> read_all(int fd, const std::string& path, std::size_t limit) {
  Bytes out;
  struct stat about_file = {};
  const bool sized = fstat(fd, &about_file) == 0 && S_ISREG(about_file.st_mode);
  if (sized && static_cast<std::uint64_t>(about_file.st_size) <= limit)
    out.reserve(static_cast<std::size_t>(about_file.st_size) + 1);
  while (true) {
    const std::size_t had = out.size();
    // Room that is there already costs no move of what was read.
    out.resize(had + std::max<std::size_t>(1, std::min(kChunk, out.capacity() - had)));
    const ssize_t count = read(fd, out.data() + had, out.size() - had);
    out.resize(had + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path);
    if (count == 0) return out;
    if (out.size() > limit) return about(path, fmt::format("longer than {} bytes", limit));
  }
}

Result<Bytes> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failed(path);
  struct stat about_file = {};
  if (fstat(fd.get(), &about_file) == 0 && S_ISDIR(about_file.st_mode))
    return about(path, "is a directory, not a capture");
  return read_all(fd.get(), path, limit);
}

Status<> write_file(const std::string& path, const Bytes& content) {
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd) return failed(path);
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t count = write(fd.get(), content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path);
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<lab::CaptureFile> load_capture(const std::string& path) {
  auto content = path == "-" ? read_all(STDIN_FILENO, "standard input", limits::kReplayFileBytes)
                             : read_file(path, limits::kReplayFileBytes);
  if (!content) return content.error();
  const std::string shown = path == "-" ? "standard input" : path;
  if (content->empty()) return about(shown, "is empty; a capture has at least a header");
  auto capture = lab::read_capture(*content);
  if (!capture) return about(shown, capture.error().message);
  return std::move(*capture);
}

Result<LoadedCase> load_described(const std::string& name, const fs::path& file) {
  const auto text = read_file(file.string(), limits::kCaseBytes);
  if (!text) return text.error();
  auto description = lab::parse_case(as_text(*text), file.string());
  if (!description) return description.error();
  LoadedCase out;
  out.name = name;
  out.description = std::move(*description);
  out.expected = (file.parent_path() / "expected").string();
  // Clients alone may make a case.
  if (out.description.input.empty()) {
    if (out.description.clients.empty())
      return about(file.string(), "input is empty, and there is no client either: nothing happens");
    return out;
  }
  auto capture = load_capture((file.parent_path() / out.description.input).string());
  if (!capture) return capture.error();
  out.capture = std::move(*capture);
  if (out.capture.packets.empty() && out.description.clients.empty())
    return about(out.description.input, "holds no packet, and there is no client either");
  return out;
}

Result<LoadedCase> load_adopted(const std::string& path, const lab::AdoptOptions& options) {
  auto capture = load_capture(path);
  if (!capture) return capture.error();
  LoadedCase out;
  out.name = path;
  out.adopted = true;
  out.capture = std::move(*capture);
  if (out.capture.packets.empty()) {
    return about(path, out.capture.problem.empty() ? std::string("the capture holds no packet")
                                                   : out.capture.problem);
  }
  out.notes = lab::normalise(out.capture);
  auto adopted = lab::adopt(out.capture, options);
  if (!adopted) return about(path, adopted.error().message);
  out.description = std::move(adopted->description);
  out.notes.insert(out.notes.end(), adopted->notes.begin(), adopted->notes.end());
  return out;
}

}  // namespace

bool is_directory(const std::string& path) {
  struct stat about_file = {};
  return stat(path.c_str(), &about_file) == 0 && S_ISDIR(about_file.st_mode);
}

Result<LoadedCase> load_case(const std::string& argument, const lab::AdoptOptions& adopt) {
  const bool directory = is_directory(argument);
  if (!directory && !argument.ends_with(".toml")) return load_adopted(argument, adopt);
  if (!adopt.map.empty())
    return about(argument, "a case says itself who is who; --map is for captures without one");
  const fs::path file = directory ? fs::path(argument) / kCaseFile : fs::path(argument);
  if (directory && !fs::exists(file))
    return about(argument, "a directory without a case.toml; name a case, or a capture file");
  return load_described(argument, file);
}

Result<lab::PortFiles> read_port_files(const std::string& directory) {
  lab::PortFiles out;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.ends_with(kSuffix)) continue;
    auto content = read_file(entry->path().string(), limits::kReplayFileBytes);
    if (!content) return content.error();
    out.emplace(name.substr(0, name.size() - kSuffix.size()), std::move(*content));
  }
  if (error) return about(directory, error.message());
  return out;
}

Result<std::size_t> write_port_files(const std::string& directory, const lab::PortFiles& files,
                                     bool exactly) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return about(directory, error.message());
  const auto there = read_port_files(directory);
  if (!there) return there.error();
  std::size_t changed = 0;
  for (const auto& [port, content] : files) {
    const auto found = there->find(port);
    if (found != there->end() && found->second == content) continue;
    const auto path = fs::path(directory) / (port + std::string(kSuffix));
    if (auto written = write_file(path.string(), content); !written) return written.error();
    ++changed;
  }
  for (const auto& [port, content] : *there) {
    if (!exactly || files.contains(port)) continue;
    const auto path = fs::path(directory) / (port + std::string(kSuffix));
    if (unlink(path.c_str()) != 0) return failed(path.string());
    ++changed;
  }
  return changed;
}

}  // namespace pontoon::app
