// Theory of operation. /proc/net/{tcp,tcp6,udp,udp6} list sockets with their local address (hex, in
// 32-bit words of the host's byte order), their state and their inode; /proc/PID/fd/* are links
// that read "socket:[INODE]" for the descriptors of processes into which we may look. A dual-stack
// IPv6 wildcard socket also stands in the way of an IPv4 port, so both tables are read for IPv4.
#include "proxy/port_holder.h"

#include <array>
#include <bit>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace pontoon::proxy {
namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t kDefaultUnprivilegedStart = 1024;
constexpr std::string_view kTcpListen = "0A";  // TCP_LISTEN of the kernel

template <class T>
std::optional<T> number(std::string_view text, int base) noexcept {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// "0100007F" or 32 digits: words as they lie in memory, printed as numbers.
std::optional<IpAddress> parse_address(std::string_view hex) noexcept {
  std::array<std::uint8_t, 16> octets{};
  if (hex.size() != 8 && hex.size() != 32) return std::nullopt;
  for (std::size_t i = 0; i < hex.size() / 8; ++i) {
    const auto word = number<std::uint32_t>(hex.substr(i * 8, 8), 16);
    if (!word) return std::nullopt;
    std::memcpy(octets.data() + i * 4, &*word, sizeof *word);
  }
  if (hex.size() == 8) return IpAddress(Ipv4Address::from(ByteView(octets).first(4)));
  return IpAddress(Ipv6Address{octets});
}

struct Row {
  IpAddress ip;
  std::uint16_t port = 0;
  bool listening = false;
  std::uint64_t inode = 0;
};

// "sl local remote st tx:rx tr:when retrnsmt uid timeout inode ..."
std::optional<Row> parse_row(const std::string& line) {
  std::istringstream fields(line);
  std::string slot, local, remote, state, skipped, inode;
  fields >> slot >> local >> remote >> state;
  for (int i = 0; i < 5; ++i)
    fields >> skipped;
  fields >> inode;
  const std::size_t colon = local.find(':');
  if (!fields || colon == std::string::npos) return std::nullopt;
  const auto ip = parse_address(std::string_view(local).substr(0, colon));
  const auto port = number<std::uint16_t>(std::string_view(local).substr(colon + 1), 16);
  const auto number_of_inode = number<std::uint64_t>(inode, 10);
  if (!ip || !port || !number_of_inode) return std::nullopt;
  return Row{*ip, *port, state == kTcpListen, *number_of_inode};
}

bool in_the_way(const Row& row, const HostPort& wanted) noexcept {
  if (row.port != wanted.port || row.inode == 0) return false;
  if (wanted.protocol == Protocol::tcp && !row.listening) return false;
  if (row.ip == wanted.ip) return true;
  if (row.ip.is_v4() == wanted.ip.is_v4()) return row.ip.is_any() || wanted.ip.is_any();
  return row.ip.is_any() && !row.ip.is_v4();
}

std::optional<std::uint64_t> find_inode(const std::string& file, const HostPort& wanted) {
  std::ifstream table(file);
  std::string line;
  std::getline(table, line);  // headings
  while (std::getline(table, line)) {
    const auto row = parse_row(line);
    if (row && in_the_way(*row, wanted)) return row->inode;
  }
  return std::nullopt;
}

bool has_socket(const fs::path& process, const std::string& link) {
  std::error_code error;
  fs::directory_iterator descriptor(process / "fd", error);
  for (; !error && descriptor != fs::directory_iterator(); descriptor.increment(error)) {
    std::error_code unreadable;
    if (fs::read_symlink(descriptor->path(), unreadable) == link) return true;
  }
  return false;
}

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

}  // namespace

std::optional<PortHolder> ProcHostFacts::port_holder(const HostPort& port) const {
  const std::string table = proc_ + "/net/" + std::string(to_string(port.protocol));
  std::optional<std::uint64_t> inode;
  if (port.ip.is_v4()) inode = find_inode(table, port);
  if (!inode) inode = find_inode(table + "6", port);
  if (!inode) return std::nullopt;
  const std::string link = "socket:[" + std::to_string(*inode) + "]";
  std::error_code error;
  fs::directory_iterator process(proc_, error);
  for (; !error && process != fs::directory_iterator(); process.increment(error)) {
    const auto pid = number<int>(process->path().filename().native(), 10);
    if (!pid || !has_socket(process->path(), link)) continue;
    return PortHolder{first_line(process->path() / "comm"), *pid};
  }
  return std::nullopt;
}

std::uint16_t ProcHostFacts::unprivileged_port_start() const {
  const std::string text = first_line(proc_ + "/sys/net/ipv4/ip_unprivileged_port_start");
  return number<std::uint16_t>(text, 10).value_or(kDefaultUnprivilegedStart);
}

}  // namespace pontoon::proxy
