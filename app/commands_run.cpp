#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>

#include "app/commands.h"
#include "app/daemon_launcher.h"
#include "bridge/netns/attach.h"
#include "control/attach_session.h"
#include "control/daemon.h"
#include "core/base/limits.h"
#include "core/base/unique_fd.h"

namespace pontoon::app {
namespace {

constexpr int kStopAttempts = 500;
constexpr int kStopIntervalMs = 20;

// For listings: the beginning says what it is.
std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " ")).substr(0, limits::kCommandBytes);
}

}  // namespace

int fail(const Error& error, int status) {
  std::fprintf(stderr, "pontoon: %s\n", error.message.c_str());
  return status;
}

int run(const control::Client& client, RunArguments arguments) {
  arguments.endpoint.command = joined(arguments.command);
  arguments.endpoint.pid = static_cast<std::uint32_t>(getpid());
  auto session = open_session(client.paths(), arguments.endpoint);
  if (!session) return fail(session.error(), bridge::kExitFailure);
  bridge::RunOptions options;
  options.argv = std::move(arguments.command);
  options.endpoint = (*session)->config();
  options.link = arguments.link;
  options.user = arguments.user;
  return bridge::run_command(options, **session);
}

int attach(const control::Client& client, AttachArguments arguments) {
  arguments.endpoint.command =
      arguments.pid ? fmt::format("(pid {})", *arguments.pid) : arguments.netns;
  arguments.endpoint.pid = static_cast<std::uint32_t>(arguments.pid.value_or(0));
  auto session = open_session(client.paths(), arguments.endpoint);
  if (!session) return fail(session.error());
  bridge::AttachOptions options;
  options.pid = arguments.pid;
  options.netns_path = arguments.netns;
  options.endpoint = (*session)->config();
  options.link = arguments.link;
  options.interface = arguments.interface;
  const auto agent = bridge::attach_namespace(options, **session);
  if (!agent) return fail(agent.error());
  const control::EndpointInfo& info = (*session)->settings().info;
  std::printf("%s %s\n", info.name.c_str(), info.ipv4.address.to_string().c_str());
  return kOk;
}

int daemon(const control::Client& client, const DaemonArguments& arguments) {
  control::DaemonOptions options;
  options.paths = client.paths();
  options.log_level = arguments.level;
  options.recorder_bytes = arguments.recorder_bytes;
  options.foreground_log = !arguments.background;
  options.ready_fd = arguments.background ? STDERR_FILENO : -1;
  const auto ended = control::run_daemon(options);
  return ended ? kOk : fail(ended.error());
}

// Until the daemon has let go of its lock, which the kernel does for it at the very end.
int stop(const control::Client& client) {
  const bool present = access(client.paths().api_socket().c_str(), F_OK) == 0;
  const auto answer = client.call("POST", "/v1/stop");
  // A daemon that was already ending may take its socket away before it answers.
  const bool ended_meanwhile = !answer && present &&
                               answer.error().code == ErrorCode::unavailable &&
                               access(client.paths().api_socket().c_str(), F_OK) != 0;
  if (!answer && !ended_meanwhile) return fail(answer.error());
  const UniqueFd lock(open(client.paths().lock_file().c_str(), O_RDONLY | O_CLOEXEC));
  for (int attempt = 0; attempt < kStopAttempts; ++attempt) {
    if (!lock || flock(lock.get(), LOCK_SH | LOCK_NB) == 0) return kOk;
    poll(nullptr, 0, kStopIntervalMs);
  }
  return fail({ErrorCode::unavailable,
               fmt::format("the daemon is still ending after {} s; see {}",
                           kStopAttempts * kStopIntervalMs / 1000, client.paths().log_file())});
}

}  // namespace pontoon::app
