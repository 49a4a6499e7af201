// Theory of operation. The files live on a tmpfs of a few kilobytes that is mounted over /tmp only
// for as long as it takes to bind each of them over its target; the bind mounts keep it alive after
// that, and nobody finds it by a path.
//
// A bind mount needs a target. /etc/resolv.conf is often a symbolic link into /run, whose target
// is what gets covered; where the link dangles, or the file is missing, or it is no regular file
// (covering a link to /dev/null would hide the device), all three files become the upper layer of
// an overlay over /etc instead. The host's own files are never written.
#include "bridge/netns/etc_files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/log.h"
#include "core/base/unique_fd.h"

namespace pontoon::bridge {
namespace {

constexpr const char* kScratch = "/tmp";
constexpr const char* kUpper = "/tmp/upper";
constexpr const char* kWork = "/tmp/work";
constexpr const char* kEmpty = "/tmp/empty";
constexpr std::array kResolverSockets = {"/run/systemd/resolve/io.systemd.Resolve",
                                         "/run/nscd/socket", "/var/run/nscd/socket"};

Error failure(const char* what) {
  const int error = errno;
  const bool denied = error == EPERM || error == EACCES;
  return {denied ? ErrorCode::permission_denied : ErrorCode::internal,
          std::string(what) + ": " + std::strerror(error)};
}

// An O_PATH descriptor names the file whatever is mounted above its path later on.
class Target {
 public:
  explicit Target(const char* path) noexcept : fd_(::open(path, O_PATH | O_CLOEXEC)) {
    exists_ = fd_ && ::fstat(fd_.get(), &status_) == 0;
  }
  bool is_file() const noexcept { return exists_ && S_ISREG(status_.st_mode); }
  bool is_socket() const noexcept { return exists_ && S_ISSOCK(status_.st_mode); }
  bool cover_with(const char* source) const noexcept {
    const std::string path = "/proc/self/fd/" + std::to_string(fd_.get());
    return ::mount(source, path.c_str(), nullptr, MS_BIND, nullptr) == 0;
  }

 private:
  UniqueFd fd_;
  struct stat status_ {};
  bool exists_ = false;
};

bool write_new(const std::string& path, const std::string& text) noexcept {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  // The caller's umask must not hide the file from a command that changes its user.
  return file && ::fchmod(file.get(), 0644) == 0 &&
         ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool make_directory(const char* path) noexcept {
  return ::mkdir(path, 0755) == 0 && ::chmod(path, 0755) == 0;
}

bool fill_scratch(const EtcFiles& files) noexcept {
  const std::string upper = kUpper;
  return make_directory(kUpper) && make_directory(kWork) &&
         write_new(upper + "/resolv.conf", files.resolv_conf) &&
         write_new(upper + "/hosts", files.hosts) &&
         write_new(upper + "/hostname", files.hostname) && write_new(kEmpty, "");
}

bool overlay_etc() noexcept {
  const std::string layers = std::string("lowerdir=/etc,upperdir=") + kUpper + ",workdir=" + kWork;
  // Without privilege overlayfs keeps its marks in user.* attributes; kernels before 5.11 do not
  // know the option.
  return ::mount("overlay", "/etc", "overlay", 0, (layers + ",userxattr").c_str()) == 0 ||
         ::mount("overlay", "/etc", "overlay", 0, layers.c_str()) == 0;
}

struct Targets {
  Target resolv_conf{"/etc/resolv.conf"};
  Target hosts{"/etc/hosts"};
  Target hostname{"/etc/hostname"};
  std::array<Target, kResolverSockets.size()> sockets{
      Target{kResolverSockets[0]}, Target{kResolverSockets[1]}, Target{kResolverSockets[2]}};
};

bool bind_file(const Target& target, const char* name) noexcept {
  return !target.is_file() || target.cover_with((std::string(kUpper) + "/" + name).c_str());
}

Status<> place(const Targets& targets) {
  if (!targets.resolv_conf.is_file() || !targets.hosts.is_file()) {
    if (overlay_etc()) return {};
    log::warning(
        "/etc/resolv.conf or /etc/hosts is missing here and cannot be provided: names may "
        "not resolve");
  }
  if (!bind_file(targets.resolv_conf, "resolv.conf") || !bind_file(targets.hosts, "hosts") ||
      !bind_file(targets.hostname, "hostname"))
    return failure("cannot mount the private resolv.conf and hosts files");
  return {};
}

}  // namespace

EtcFiles compose_etc_files(const EndpointConfig& endpoint) {
  EtcFiles files;
  files.resolv_conf = "nameserver " + endpoint.dns.to_string() + "\n";
  if (!endpoint.search.empty()) {
    files.resolv_conf += "search";
    for (const std::string& domain : endpoint.search)
      files.resolv_conf += " " + domain;
    files.resolv_conf += "\n";
  }
  // A name without a dot is asked for as it is first: "web" is a name of its own here.
  files.resolv_conf += "options ndots:0\n";

  files.hosts =
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n";
  const std::string own = endpoint.hostname.empty() ? endpoint.name : endpoint.hostname;
  if (!endpoint.dhcp && !own.empty()) {
    files.hosts += endpoint.ipv4.address.to_string() + "\t" + own + "\n";
    if (endpoint.ipv6) files.hosts += endpoint.ipv6->address.to_string() + "\t" + own + "\n";
  }
  files.hostname = own + "\n";
  return files;
}

Status<> mount_etc_files(const EtcFiles& files) {
  const Targets targets;
  if (::mount("tmpfs", kScratch, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=256k") != 0)
    return failure("cannot mount a tmpfs for resolv.conf");
  Status<> placed;
  if (!fill_scratch(files)) {
    placed = failure("cannot write the private resolv.conf and hosts files");
  } else {
    placed = place(targets);
    for (const Target& socket : targets.sockets)
      if (socket.is_socket()) (void)socket.cover_with(kEmpty);
  }
  if (::umount2(kScratch, MNT_DETACH) != 0) return failure("cannot unmount the scratch tmpfs");
  return placed;
}

}  // namespace pontoon::bridge
