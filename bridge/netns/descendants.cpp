#include "bridge/netns/descendants.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pontoon::bridge {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::optional<pid_t> to_pid(std::string_view text) noexcept {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return pid;
}

// /proc/PID/stat is "pid (name) state parent …", and the name may hold anything, also ") ".
std::optional<pid_t> parent_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= line.size()) return std::nullopt;
  const std::size_t begin = name_end + 4;
  return to_pid(std::string_view(line).substr(begin, line.find(' ', begin) - begin));
}

std::vector<pid_t> children_by_parent() {
  std::vector<pid_t> found;
  const Directory processes(::opendir("/proc"));
  if (!processes) return found;
  const pid_t self = ::getpid();
  while (const dirent* entry = ::readdir(processes.get())) {
    const auto pid = to_pid(entry->d_name);
    if (pid && parent_of(entry->d_name) == self) found.push_back(*pid);
  }
  return found;
}

bool contains(const std::vector<pid_t>& pids, pid_t pid) noexcept {
  return std::find(pids.begin(), pids.end(), pid) != pids.end();
}

// The list may miss a child whose sibling ends while it is read; the kernel's word does not.
bool childless() noexcept {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

// Waits a moment for a child to end. The bound makes up for a child that the list missed.
void await_child() noexcept {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  constexpr timespec moment{0, 5'000'000};
  ::sigtimedwait(&child, nullptr, &moment);
}

}  // namespace

bool become_subreaper() noexcept {
  return ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

std::vector<pid_t> children() {
  std::vector<pid_t> found;
  std::ifstream list("/proc/thread-self/children");
  // Kernels without CONFIG_PROC_CHILDREN do not have the list.
  if (!list) return children_by_parent();
  for (pid_t pid = 0; list >> pid;)
    found.push_back(pid);
  return found;
}

void kill_descendants(const std::vector<pid_t>& spared) {
  for (;;) {
    bool any = false;
    for (const pid_t pid : children()) {
      if (contains(spared, pid)) continue;
      any = true;
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, WNOHANG);
    }
    if (!any && (!spared.empty() || childless())) return;
    await_child();
  }
}

}  // namespace pontoon::bridge
