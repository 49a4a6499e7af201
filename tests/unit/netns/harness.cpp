#include "tests/unit/netns/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>

#include "bridge/netns/process.h"

namespace pontoon::bridge::test {
namespace {

constexpr int kPatienceMs = 20'000;
constexpr std::size_t kVnetHeader = 10;

struct Ends {
  UniqueFd ours, theirs;
};

Ends pipe_ends(bool we_read) {
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
  const std::size_t ours = we_read ? 0 : 1;
  return {UniqueFd(fds[ours]), UniqueFd(fds[1 - ours])};
}

bool readable(int fd, int timeout_ms = kPatienceMs) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, timeout_ms) == 1;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Rights {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space{};
};

void describe(msghdr& message, iovec& part, Rights& rights) {
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = rights.space.data();
  message.msg_controllen = rights.space.size();
}

}  // namespace

bool is_root() {
  return ::geteuid() == 0;
}

void become_ordinary_user() {
  if (::setgroups(0, nullptr) != 0 ||
      ::setresgid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0 ||
      ::setresuid(kOrdinaryUser, kOrdinaryUser, kOrdinaryUser) != 0)
    ::_exit(99);
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

bool can_open_tun() {
  return static_cast<bool>(UniqueFd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC)));
}

EndpointConfig endpoint() {
  EndpointConfig config;
  config.name = "web";
  config.network = "default";
  config.hostname = "web";
  config.mac = *MacAddress::parse("02:42:ac:11:00:09");
  config.ipv4 = *IpPrefix::parse("172.17.0.9/16");
  config.gateway = *IpAddress::parse("172.17.0.1");
  config.ipv6 = *IpPrefix::parse("fd00:1234::9/64");
  config.gateway6 = *IpAddress::parse("fd00:1234::1");
  config.mtu = 1400;
  config.dns = *IpAddress::parse("172.17.0.1");
  config.search = {"default.internal", "internal"};
  return config;
}

Status<> FakeSession::hand_over(const LinkHandle& link) {
  if (refusal) return *refusal;
  auto kind = static_cast<char>(link.kind);
  iovec part{&kind, 1};
  Rights rights;
  msghdr message{};
  describe(message, part, rights);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = link.fd.get();
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) != 1)
    return Error{ErrorCode::unavailable, std::strerror(errno)};
  return {};
}

AttachSession::Event FakeSession::next_event(std::string& reason) {
  char word = 'l';
  const ssize_t got = ::recv(socket_.get(), &word, 1, MSG_DONTWAIT);
  if (got < 0 && errno == EAGAIN) return Event::none;
  switch (word) {
    case 'r':
      reason = "detached by request";
      return Event::removed;
    case 's':
      reason = "daemon stopped";
      return Event::stopped;
    default:
      reason = "connection closed";
      return Event::lost;
  }
}

Status<> FakeSession::reconnect(const LinkHandle& link) {
  if (failures_before_reconnect-- > 0) return Error{ErrorCode::unavailable, "nobody listens"};
  return hand_over(link);
}

FakeDaemon::FakeDaemon() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0);
  socket_ = UniqueFd(ends[0]);
  client_ = UniqueFd(ends[1]);
}

void FakeDaemon::tell(char event) {
  REQUIRE(::send(socket_.get(), &event, 1, MSG_NOSIGNAL) == 1);
}

HandedLink FakeDaemon::receive_link() {
  REQUIRE(readable(socket_.get()));
  char kind = 0;
  iovec part{&kind, 1};
  Rights rights;
  msghdr message{};
  describe(message, part, rights);
  REQUIRE(::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC) == 1);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  REQUIRE(header != nullptr);
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return {static_cast<LinkHandle::Kind>(kind), UniqueFd(fd)};
}

Process::Process(const std::function<int()>& body) {
  Ends in = pipe_ends(false), out = pipe_ends(true), err = pipe_ends(true);
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    // A job in the background of a script has them ignored, and so would the command.
    for (const int signal : {SIGINT, SIGQUIT})
      ::signal(signal, SIG_DFL);
    ::dup2(in.theirs.get(), STDIN_FILENO);
    ::dup2(out.theirs.get(), STDOUT_FILENO);
    ::dup2(err.theirs.get(), STDERR_FILENO);
    for (Ends* ends : {&in, &out, &err})
      *ends = Ends{};
    ::_exit(body());
  }
  in_ = std::move(in.ours);
  out_ = std::move(out.ours);
  err_ = std::move(err.ours);
}

Process::~Process() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Process::write_line(const std::string& text) {
  const std::string line = text + "\n";
  REQUIRE(::write(in_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
}

// False at the end of what is to be read.
bool Process::read_some(bool only_output) {
  std::array<pollfd, 2> fds{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
  if (fds[0].fd < 0 && (only_output || fds[1].fd < 0)) return false;
  INFO("so far: " << output_ << errors_);
  REQUIRE(::poll(fds.data(), fds.size(), kPatienceMs) > 0);
  const auto drain = [](UniqueFd& fd, std::string& into) {
    std::array<char, 4096> chunk{};
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got <= 0) return fd.reset();
    into.append(chunk.data(), static_cast<std::size_t>(got));
  };
  if (fds[0].revents != 0) drain(out_, output_);
  if (fds[1].revents != 0) drain(err_, errors_);
  return true;
}

void Process::read_until(const std::string& text) {
  while (output_.find(text) == std::string::npos) {
    INFO("waiting for '" << text << "' in: " << output_ << "; stderr: " << errors_);
    REQUIRE(read_some(true));
  }
}

int Process::wait() {
  in_.reset();
  while (read_some(false)) {
  }
  int status = 0;
  REQUIRE(::waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

Run::Run(RunOptions options, RunSetup setup)
    : process([this, &options, &setup] {
        FakeSession session(daemon.take_client());
        setup.adjust_session(session);
        daemon.close();  // the test's alone, for its end to be noticed
        if (setup.ordinary_user) become_ordinary_user();
        return run_command(options, session);
      }) {
  daemon.take_client();
}

RunOptions shell(const std::string& script) {
  RunOptions options;
  options.argv = {"sh", "-c", script};
  options.endpoint = endpoint();
  return options;
}

std::vector<pid_t> processes_with(const std::string& text) {
  std::vector<pid_t> found;
  DIR* processes = ::opendir("/proc");
  REQUIRE(processes != nullptr);
  while (const dirent* entry = ::readdir(processes)) {
    const pid_t pid = std::atoi(entry->d_name);
    if (pid <= 0 || pid == ::getpid()) continue;
    if (contents("/proc/" + std::to_string(pid) + "/cmdline").find(text) != std::string::npos)
      found.push_back(pid);
  }
  ::closedir(processes);
  return found;
}

std::string unique_seconds() {
  static int count = 1000;
  return "7" + std::to_string(::getpid()) + "." + std::to_string(++count);
}

pid_t only_child_of(pid_t parent) {
  const std::string pid = std::to_string(parent);
  pid_t child = 0;
  pid_t other = 0;
  std::ifstream list("/proc/" + pid + "/task/" + pid + "/children");
  REQUIRE(list >> child);
  REQUIRE_FALSE(list >> other);
  return child;
}

bool await_end(pid_t pid) {
  const UniqueFd process = open_pidfd(pid);
  return !process || readable(process.get());
}

std::optional<std::vector<std::uint8_t>> await_frame(const HandedLink& link,
                                                     const std::function<bool(ByteView)>& fits) {
  std::array<std::uint8_t, 65536> buffer{};
  while (readable(link.fd.get())) {
    const ssize_t got = ::read(link.fd.get(), buffer.data(), buffer.size());
    if (got <= static_cast<ssize_t>(kVnetHeader)) continue;
    const ByteView frame(buffer.data() + kVnetHeader, static_cast<std::size_t>(got) - kVnetHeader);
    if (fits(frame)) return std::vector<std::uint8_t>(frame.begin(), frame.end());
  }
  return std::nullopt;
}

void send_frame(const HandedLink& link, ByteView frame) {
  std::vector<std::uint8_t> whole(kVnetHeader, 0);
  whole.insert(whole.end(), frame.begin(), frame.end());
  REQUIRE(::write(link.fd.get(), whole.data(), whole.size()) == static_cast<ssize_t>(whole.size()));
}

}  // namespace pontoon::bridge::test
