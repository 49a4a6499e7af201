#include "control/paths.h"

#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <optional>

#include "tests/unit/control/temporary.h"

using namespace pontoon;
using namespace pontoon::control;
using test::TemporaryDirectory;

namespace {

// Sets variables for one test and puts the old ones back.
class Environment {
 public:
  ~Environment() {
    for (const auto& [name, value] : before_) {
      if (value) {
        setenv(name.c_str(), value->c_str(), 1);
      } else {
        unsetenv(name.c_str());
      }
    }
  }
  void set(const std::string& name, const std::optional<std::string>& value) {
    const char* old = std::getenv(name.c_str());
    before_.try_emplace(name, old == nullptr ? std::nullopt : std::optional<std::string>(old));
    if (value) {
      setenv(name.c_str(), value->c_str(), 1);
    } else {
      unsetenv(name.c_str());
    }
  }

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

void check_refused(const std::string& path, ErrorCode code, const std::string& part) {
  const auto made = ensure_private_directory(path);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == code);
  INFO(made.error().message);
  CHECK(made.error().message.find(part) != std::string::npos);
  CHECK(made.error().message.find(path) != std::string::npos);
}

}  // namespace

TEST_CASE("a private directory is made with its parents, for the owner alone") {
  const TemporaryDirectory base;
  const mode_t mask = umask(0);
  CHECK(ensure_private_directory(base / "a/b/c"));
  umask(mask);
  CHECK(test::mode_of(base / "a/b/c") == 0700);
  CHECK(test::mode_of(base / "a") == 0700);
  CHECK(ensure_private_directory(base / "a/b/c"));  // is there already
}

TEST_CASE("a directory that others may enter is refused") {
  const TemporaryDirectory base;
  for (const mode_t mode : {0755, 0701, 0770, 0710}) {
    const std::string path = base / std::to_string(mode);
    REQUIRE(mkdir(path.c_str(), mode) == 0);
    REQUIRE(chmod(path.c_str(), mode) == 0);
    check_refused(path, ErrorCode::permission_denied, "must belong to you alone");
  }
}

TEST_CASE("somebody else's directory is refused") {
  if (geteuid() != 0) {
    WARN("skipped: only root can give a directory away");
    return;
  }
  const TemporaryDirectory base;
  const std::string path = base / "foreign";
  REQUIRE(mkdir(path.c_str(), 0700) == 0);
  REQUIRE(chown(path.c_str(), 65534, 65534) == 0);
  check_refused(path, ErrorCode::permission_denied, "must belong to you alone");
}

TEST_CASE("a file or a link in the way is refused") {
  const TemporaryDirectory base;
  test::write_file(base / "file", "x");
  check_refused(base / "file", ErrorCode::permission_denied, "is not a directory");
  REQUIRE(mkdir((base / "real").c_str(), 0700) == 0);
  REQUIRE(symlink((base / "real").c_str(), (base / "link").c_str()) == 0);
  check_refused(base / "link", ErrorCode::permission_denied, "is not a directory");
  CHECK_FALSE(ensure_private_directory(base / "file/below"));
}

TEST_CASE("a link is seen through a slash at its end, too") {
  const TemporaryDirectory base;
  REQUIRE(mkdir((base / "real").c_str(), 0700) == 0);
  REQUIRE(symlink((base / "real").c_str(), (base / "link").c_str()) == 0);
  CHECK_FALSE(ensure_private_directory(base / "link/"));
  CHECK(ensure_private_directory(base / "real/"));
}

TEST_CASE("where nothing can be made the error names the place") {
  const auto made = ensure_private_directory("/proc/pontoon/x");
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("/proc/pontoon") != std::string::npos);
  CHECK_FALSE(ensure_private_directory(""));
}

TEST_CASE("the environment decides where things are") {
  Environment environment;
  environment.set("PONTOON_RUNTIME_DIR", "/somewhere/run");
  environment.set("PONTOON_STATE_DIR", "/somewhere/state");
  const Paths paths = default_paths();
  CHECK(paths.api_socket() == "/somewhere/run/pontoon.sock");
  CHECK(paths.attach_socket() == "/somewhere/run/attach.sock");
  CHECK(paths.lock_file() == "/somewhere/run/daemon.lock");
  CHECK(paths.log_file() == "/somewhere/run/daemon.log");
  CHECK(paths.lease_file() == "/somewhere/state/leases.db");
  CHECK(paths.network_file() == "/somewhere/state/networks.db");
}

TEST_CASE("without it root and users have their usual places") {
  Environment environment;
  for (const char* name : {"PONTOON_RUNTIME_DIR", "PONTOON_STATE_DIR"})
    environment.set(name, std::nullopt);
  environment.set("XDG_RUNTIME_DIR", "/run/user/7");
  environment.set("XDG_STATE_HOME", std::nullopt);
  environment.set("HOME", "/home/me");
  const Paths paths = default_paths();
  if (geteuid() == 0) {
    CHECK(paths.runtime_dir == "/run/pontoon");
    CHECK(paths.state_dir == "/var/lib/pontoon");
    return;
  }
  CHECK(paths.runtime_dir == "/run/user/7/pontoon");
  CHECK(paths.state_dir == "/home/me/.local/state/pontoon");
  environment.set("XDG_STATE_HOME", "/state");
  environment.set("XDG_RUNTIME_DIR", "");
  CHECK(default_paths().state_dir == "/state/pontoon");
  CHECK(default_paths().runtime_dir == "/tmp/pontoon-" + std::to_string(geteuid()));
}
