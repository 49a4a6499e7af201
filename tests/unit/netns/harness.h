// The daemon's side of a session, played by the test, and runs of our code in processes of their
// own: the code under test forks, enters namespaces and is killed.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bridge/netns/attach.h"
#include "bridge/netns/run.h"
#include "core/base/unique_fd.h"

namespace pontoon::bridge::test {

constexpr uid_t kOrdinaryUser = 61234;

bool is_root();
// An ordinary user from here on; keeps /proc/self usable, as for any program that user starts.
void become_ordinary_user();
// Whether a TAP can be had by the calling process.
bool can_open_tun();

EndpointConfig endpoint();

// Passes links over a socket and takes its events from it: 'r' removed, 's' stopped, 'l' or the end
// lost.
class FakeSession final : public AttachSession {
 public:
  explicit FakeSession(UniqueFd socket) : socket_(std::move(socket)) {}
  int fd() const override { return socket_.get(); }
  Status<> hand_over(const LinkHandle& link) override;
  Event next_event(std::string& reason) override;
  Status<> reconnect(const LinkHandle& link) override;

  int failures_before_reconnect = 0;
  std::optional<Error> refusal;

 private:
  UniqueFd socket_;
};

struct HandedLink {
  LinkHandle::Kind kind{};
  UniqueFd fd;
};

// The other end of that socket.
class FakeDaemon {
 public:
  FakeDaemon();
  UniqueFd take_client() { return std::move(client_); }
  void close() {
    socket_.reset();
    client_.reset();
  }
  void tell(char event);
  HandedLink receive_link();

 private:
  UniqueFd socket_;
  UniqueFd client_;
};

// A child process with its three standard streams in the test's hands. Killed and reaped at the
// latest by the destructor. Every wait is bounded and fails the test.
class Process {
 public:
  explicit Process(const std::function<int()>& body);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void write_line(const std::string& text);
  void read_until(const std::string& text);  // on stdout
  int wait();                                // also reads both streams to their end
  const std::string& output() const { return output_; }
  const std::string& errors() const { return errors_; }

 private:
  bool read_some(bool only_output);

  pid_t pid_ = -1;
  UniqueFd in_, out_, err_;
  std::string output_, errors_;
};

struct RunSetup {
  bool ordinary_user = false;
  std::function<void(FakeSession&)> adjust_session = [](FakeSession&) {};
};
// run_command() with a fake session in a child.
class Run {
 public:
  explicit Run(RunOptions options, RunSetup setup = {});
  FakeDaemon daemon;
  Process process;
};

RunOptions shell(const std::string& script);

// Processes on this machine with `text` on their command line, the callers of this function aside.
std::vector<pid_t> processes_with(const std::string& text);
// A number that no other process has on its command line, good as an argument of sleep.
std::string unique_seconds();
pid_t only_child_of(pid_t parent);
bool await_end(pid_t pid);  // of a process that is not our child

// Reads the link until a frame (without its virtio-net header) fits; nullopt after some seconds.
std::optional<std::vector<std::uint8_t>> await_frame(const HandedLink& link,
                                                     const std::function<bool(ByteView)>& fits);
void send_frame(const HandedLink& link, ByteView frame);

}  // namespace pontoon::bridge::test
