#include "dns/resolv_conf.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "core/base/limits.h"
#include "core/base/unique_fd.h"

namespace pontoon::dns {
namespace {

constexpr Duration kLookInterval = std::chrono::seconds(1);
constexpr std::size_t kMaxFileBytes = 64 * 1024;
constexpr std::uint16_t kDnsPort = 53;

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view take_word(std::string_view& line) {
  constexpr std::string_view space = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(space), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(space));
  line.remove_prefix(word.size());
  return word;
}

std::string read_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return {};
  std::string text(kMaxFileBytes, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count <= 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

}  // namespace

std::vector<SocketAddress> parse_resolv_conf(std::string_view text) {
  std::vector<SocketAddress> servers;
  while (!text.empty() && servers.size() < limits::kDnsUpstreams) {
    std::string_view line = take_line(text);
    // A comment begins the line, so it is no "nameserver".
    if (take_word(line) != "nameserver") continue;
    const auto address = IpAddress::parse(take_word(line));
    if (!address || address->is_any()) continue;
    const SocketAddress server{*address, kDnsPort};
    if (std::ranges::find(servers, server) == servers.end()) servers.push_back(server);
  }
  return servers;
}

ResolvConf::ResolvConf(std::string path) : path_(std::move(path)) {}

const std::vector<SocketAddress>& ResolvConf::servers(Instant now) {
  if (now < next_look_) return servers_;
  next_look_ = now + kLookInterval;
  const Stamp seen = stamp();
  if (seen == read_) return servers_;
  read_ = seen;
  servers_ = parse_resolv_conf(read_file(path_));
  return servers_;
}

ResolvConf::Stamp ResolvConf::stamp() const noexcept {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return {};
  return {std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
          status.st_ino, status.st_size};
}

}  // namespace pontoon::dns
