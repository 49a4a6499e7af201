#include "control/paths.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace pontoon::control {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string home() {
  if (std::string home = environment("HOME"); !home.empty()) return home;
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? "/" : entry->pw_dir;
}

std::string default_runtime_dir() {
  if (geteuid() == 0) return "/run/pontoon";
  if (std::string base = environment("XDG_RUNTIME_DIR"); !base.empty()) return base + "/pontoon";
  return fmt::format("/tmp/pontoon-{}", geteuid());
}

std::string default_state_dir() {
  if (geteuid() == 0) return "/var/lib/pontoon";
  if (std::string base = environment("XDG_STATE_HOME"); !base.empty()) return base + "/pontoon";
  return home() + "/.local/state/pontoon";
}

Status<> make_one(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return Error{
      errno == EACCES || errno == EPERM ? ErrorCode::permission_denied : ErrorCode::internal,
      fmt::format("cannot make the directory {}: {}", path, std::strerror(errno))};
}

}  // namespace

Paths default_paths() {
  Paths paths;
  paths.runtime_dir = environment("PONTOON_RUNTIME_DIR");
  paths.state_dir = environment("PONTOON_STATE_DIR");
  if (paths.runtime_dir.empty()) paths.runtime_dir = default_runtime_dir();
  if (paths.state_dir.empty()) paths.state_dir = default_state_dir();
  return paths;
}

Status<> ensure_private_directory(const std::string& given) {
  // A slash at the end would have lstat look through a link.
  const std::string path = given.substr(0, given.find_last_not_of('/') + 1);
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (auto made = make_one(path.substr(0, slash)); !made) return made;
  }
  if (auto made = make_one(path); !made) return made;
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return Error{ErrorCode::permission_denied, fmt::format("{} is not a directory", path)};
  }
  if (status.st_uid != geteuid() || (status.st_mode & 077) != 0) {
    return Error{
        ErrorCode::permission_denied,
        fmt::format(
            "{} must belong to you alone (mode 0700); remove it, or set PONTOON_RUNTIME_DIR or "
            "PONTOON_STATE_DIR to another place",
            path)};
  }
  return {};
}

}  // namespace pontoon::control
