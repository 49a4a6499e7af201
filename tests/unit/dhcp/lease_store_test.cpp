// The store on a real file: what was completed is there after reopening, and what can't be written
// says so.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/limits.h"
#include "dhcp/lease_book.h"
#include "dhcp/sqlite_lease_store.h"

using namespace pontoon;
using namespace pontoon::dhcp;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

class SettableClock final : public Clock {
 public:
  Instant now() const noexcept override { return instant; }
  WallTime wall() const noexcept override { return wall_time; }
  Instant instant{1000s};
  WallTime wall_time{1'700'000'000s};
};

class Directory {
 public:
  Directory() {
    std::string name = (fs::temp_directory_path() / "pontoon-leases-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { fs::remove_all(path_); }
  std::string file() const { return (path_ / "leases.db").string(); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Lease lease(const char* ip, LeaseState state = LeaseState::bound, Instant expires = kNever) {
  Lease out;
  out.network = "default";
  out.address = *Ipv4Address::parse(ip);
  out.mac = {{2, 0, 0, 0, 0, 1}};
  out.client_id = {0, 1, 2, 0xff};
  out.endpoint = "web";
  out.hostname = "claimed 'name'";
  out.state = state;
  out.expires = expires;
  return out;
}

LeaseWrite put(Lease content) {
  return {LeaseWrite::Kind::put, std::move(content)};
}
LeaseWrite erase(Lease content) {
  return {LeaseWrite::Kind::erase, std::move(content)};
}

std::unique_ptr<LeaseStore> open(const std::string& path, const Clock& clock) {
  auto store = open_sqlite_lease_store(path, clock);
  if (!store) FAIL(store.error().message);
  return std::move(*store);
}

std::vector<Completion> wait_for(LeaseStore& store, std::size_t count) {
  std::vector<Completion> all;
  while (all.size() < count) {
    pollfd readable{store.completion_fd(), POLLIN, 0};
    if (::poll(&readable, 1, 30'000) != 1) break;
    for (Completion& completion : store.poll())
      all.push_back(std::move(completion));
  }
  return all;
}

void write(LeaseStore& store, std::vector<LeaseWrite> batch) {
  store.submit(std::move(batch), {1, 1});
  const auto done = wait_for(store, 1);
  REQUIRE(done.size() == 1);
  INFO(done[0].error);
  REQUIRE(done[0].ok);
}

// Runs `body` in a child of its own; its exit status is what `body` returns.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void execute(const std::string& path, const char* sql) {
  sqlite3* handle = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &handle) == SQLITE_OK);
  REQUIRE(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(handle);
}

std::string refusal(const std::string& path, ErrorCode code) {
  const SettableClock clock;
  const auto store = open_sqlite_lease_store(path, clock);
  REQUIRE_FALSE(store);
  CHECK(store.error().code == code);
  CHECK(store.error().message.find(path) != std::string::npos);
  return store.error().message;
}

}  // namespace

TEST_CASE("a new store is empty and only its owner's to read") {
  const Directory directory;
  const SettableClock clock;
  const mode_t before = ::umask(0);
  const auto store = open(directory.file(), clock);
  ::umask(before);
  CHECK(store->load()->empty());
  write(*store, {put(lease("172.17.0.2"))});
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    struct stat status {};
    REQUIRE(::stat(entry.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
}

TEST_CASE("what was completed is there after reopening, whole") {
  const Directory directory;
  const SettableClock clock;
  std::vector<Lease> leases{lease("172.17.0.2"),
                            lease("172.17.0.3", LeaseState::bound, clock.instant + 12h),
                            lease("172.17.0.4", LeaseState::released, clock.instant - 5s),
                            lease("172.17.0.5", LeaseState::expired, clock.instant),
                            lease("172.17.0.6", LeaseState::declined, clock.instant + 1min)};
  leases[1].client_id.clear();
  leases[1].endpoint.clear();
  leases[1].hostname.clear();
  {
    const auto store = open(directory.file(), clock);
    std::vector<LeaseWrite> batch;
    for (const Lease& one : leases)
      batch.push_back(put(one));
    write(*store, std::move(batch));
  }
  CHECK(*open(directory.file(), clock)->load() == leases);
}

TEST_CASE("a row is replaced, erased, and its own network's") {
  const Directory directory;
  const SettableClock clock;
  Lease other = lease("172.17.0.2");
  other.network = "back";
  const auto store = open(directory.file(), clock);
  write(*store, {put(lease("172.17.0.2")), put(other), put(lease("172.17.0.3"))});
  Lease newer = lease("172.17.0.2");
  newer.endpoint = "db";
  write(*store, {put(newer), erase(lease("172.17.0.3")), erase(lease("172.17.0.9"))});
  CHECK(*store->load() == std::vector<Lease>{other, newer});
}

TEST_CASE("the time that passed while no daemon ran counts, a clock set back does not") {
  const Directory directory;
  SettableClock clock;
  write(*open(directory.file(), clock),
        {put(lease("172.17.0.2", LeaseState::bound, clock.instant + 1h)),
         put(lease("172.17.0.3", LeaseState::released, clock.instant - 10s)),
         put(lease("172.17.0.4"))});
  SettableClock later;
  later.instant = Instant(5s);  // a new boot: the monotonic clock starts afresh
  later.wall_time = clock.wall_time + 10min;
  auto leases = *open(directory.file(), later)->load();
  CHECK(leases[0].expires == later.instant + 50min);
  CHECK(leases[1].expires == later.instant - 10s - 10min);
  CHECK(leases[2].expires == kNever);

  later.wall_time = WallTime(0s);
  CHECK(open(directory.file(), later)->load()->at(0).expires == later.instant + 1h);
  later.wall_time = WallTime(std::chrono::hours(24 * 365 * 1000));
  leases = *open(directory.file(), later)->load();
  CHECK(leases[0].expires < later.instant);
  CHECK(leases[2].expires == kNever);
}

TEST_CASE("completions come in the order of the submissions, one each") {
  const Directory directory;
  const SettableClock clock;
  const auto store = open(directory.file(), clock);
  for (std::uint64_t number = 0; number < 50; ++number)
    store->submit({put(lease("172.17.0.2"))}, {9, number});
  const auto done = wait_for(*store, 50);
  REQUIRE(done.size() == 50);
  for (std::uint64_t number = 0; number < 50; ++number) {
    CHECK(done[number].ticket == Ticket{9, number});
    CHECK(done[number].ok);
  }
  CHECK(store->poll().empty());
}

TEST_CASE("more submissions than may wait: the rest completes as failed, none is lost",
          "[limit:kLeaseBatch]") {
  const Directory directory;
  const SettableClock clock;
  const auto store = open(directory.file(), clock);
  constexpr std::size_t kMany = limits::kLeaseBatch * 8;
  for (std::uint64_t number = 0; number < kMany; ++number)
    store->submit({put(lease("172.17.0.2"))}, {9, number});
  auto done = wait_for(*store, kMany);
  REQUIRE(done.size() == kMany);
  std::sort(done.begin(), done.end(),
            [](const auto& left, const auto& right) { return left.ticket < right.ticket; });
  for (std::uint64_t number = 0; number < kMany; ++number) {
    CHECK(done[number].ticket.number == number);
    CHECK(done[number].ok == done[number].error.empty());
  }
  CHECK(done[0].ok);
}

TEST_CASE("closing the store writes what still waits") {
  const Directory directory;
  const SettableClock clock;
  {
    const auto store = open(directory.file(), clock);
    for (unsigned i = 2; i < 50; ++i)
      store->submit({put(lease(("172.17.0." + std::to_string(i)).c_str()))}, {1, i});
  }
  CHECK(open(directory.file(), clock)->load()->size() == 48);
}

TEST_CASE("a second daemon on the same file gets a clear error") {
  const Directory directory;
  const SettableClock clock;
  const auto store = open(directory.file(), clock);
  const std::string message = refusal(directory.file(), ErrorCode::conflict);
  CHECK(message.find("another daemon uses it") != std::string::npos);
  const int refused = in_child([&] {
    const auto second = open_sqlite_lease_store(directory.file(), clock);
    return !second && second.error().code == ErrorCode::conflict ? 0 : 1;
  });
  CHECK(refused == 0);
  write(*store, {put(lease("172.17.0.2"))});  // and the first one still works
}

TEST_CASE("a daemon that was killed leaves no lock behind, and what it had completed") {
  const Directory directory;
  const SettableClock clock;
  const int status = in_child([&] {
    const auto store = open_sqlite_lease_store(directory.file(), clock);
    if (!store) return 1;
    (*store)->submit({put(lease("172.17.0.2"))}, {1, 1});
    const auto done = wait_for(**store, 1);
    if (done.size() != 1 || !done[0].ok) return 2;
    ::kill(::getpid(), SIGKILL);
    return 3;
  });
  CHECK(status == 128);
  CHECK(*open(directory.file(), clock)->load() == std::vector<Lease>{lease("172.17.0.2")});
}

TEST_CASE("a file that is no database, or a damaged one, is refused by name") {
  const Directory directory;
  std::ofstream(directory.file()) << std::string(8192, 'x');
  const std::string message = refusal(directory.file(), ErrorCode::internal);
  CHECK(message.find("move it away") != std::string::npos);

  const std::string damaged = (directory.path() / "damaged.db").string();
  const SettableClock clock;
  {
    const auto store = open(damaged, clock);
    std::vector<LeaseWrite> many;
    for (unsigned i = 1; i < 255; ++i)
      many.push_back(put(lease(("172.17.0." + std::to_string(i)).c_str())));
    write(*store, std::move(many));
  }
  std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096);
  file << std::string(4096, '\xa5');
  file.close();
  refusal(damaged, ErrorCode::internal);
}

TEST_CASE("another program's database, and one of a newer version, are left alone") {
  const Directory directory;
  execute(directory.file(), "CREATE TABLE something (a INTEGER)");
  CHECK(refusal(directory.file(), ErrorCode::internal).find("other program's") !=
        std::string::npos);
  const std::string newer = (directory.path() / "newer.db").string();
  execute(newer, "PRAGMA user_version = 99");
  CHECK(refusal(newer, ErrorCode::unsupported).find("99") != std::string::npos);
}

TEST_CASE("a row that makes no sense is an error, not a lease") {
  const Directory directory;
  const SettableClock clock;
  write(*open(directory.file(), clock), {put(lease("172.17.0.2"))});
  execute(directory.file(), "UPDATE leases SET address = 'nonsense'");
  const auto leases = open(directory.file(), clock)->load();
  REQUIRE_FALSE(leases);
  CHECK(leases.error().message.find("nonsense") != std::string::npos);
}

TEST_CASE("a directory that is missing or may not be written is named") {
  const Directory directory;
  refusal((directory.path() / "missing" / "leases.db").string(), ErrorCode::unavailable);
  REQUIRE(::chmod(directory.path().c_str(), 0555) == 0);
  const int refused = in_child([&] {
    // Root may write anywhere.
    if (::geteuid() == 0 && ::seteuid(65534) != 0) return 2;
    const SettableClock clock;
    const auto store = open_sqlite_lease_store(directory.file(), clock);
    return !store && store.error().code == ErrorCode::permission_denied ? 0 : 1;
  });
  CHECK(refused == 0);
  REQUIRE(::chmod(directory.path().c_str(), 0700) == 0);
}

TEST_CASE("a full disk fails submissions with a text, and the store recovers by itself") {
  const Directory directory;
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const SettableClock clock;
    const auto store = open_sqlite_lease_store(directory.file(), clock);
    if (!store) return 1;
    rlimit file_size{};
    ::getrlimit(RLIMIT_FSIZE, &file_size);
    rlimit full = file_size;
    full.rlim_cur = 1;
    ::setrlimit(RLIMIT_FSIZE, &full);
    (*store)->submit({put(lease("172.17.0.2"))}, {1, 1});
    auto done = wait_for(**store, 1);
    ::setrlimit(RLIMIT_FSIZE, &file_size);
    if (done.size() != 1 || done[0].ok || done[0].error.empty()) return 2;
    (*store)->submit({put(lease("172.17.0.3"))}, {1, 2});
    done = wait_for(**store, 1);
    if (done.size() != 1 || !done[0].ok) return 3;
    const auto leases = (*store)->load();
    return leases && *leases == std::vector<Lease>{lease("172.17.0.3")} ? 0 : 4;
  });
  CHECK(status == 0);
}

TEST_CASE("the store and a book together: a restart changes nothing") {
  const Directory directory;
  const SettableClock clock;
  const LeaseBookConfig config{
      1, "default", *IpPrefix::parse("172.17.0.1/16"), *Ipv4Address::parse("172.17.0.1"), {}};
  std::vector<Lease> before;
  {
    const auto store = open(directory.file(), clock);
    TimerQueue timers;
    LeaseBook book(config, timers);
    REQUIRE(book.claim({"web", {{2, 0, 0, 0, 0, 1}}, {}}, clock.instant));
    REQUIRE(book.claim({"db", {{2, 0, 0, 0, 0, 2}}, {}}, clock.instant));
    REQUIRE(book.release("db", clock.instant));
    const Client vm{{{2, 0, 0, 0, 0, 3}}, {1, 2, 3}, "vm"};
    REQUIRE(book.bind(vm, *Ipv4Address::parse("172.17.0.9"), clock.instant + 12h, clock.instant));
    store->submit(book.take_batch(), {1, 1});
    REQUIRE(wait_for(*store, 1).size() == 1);
    before = book.list();
  }
  const auto store = open(directory.file(), clock);
  TimerQueue timers;
  LeaseBook book(config, timers);
  book.restore(*store->load(), clock.instant);
  CHECK(book.list() == before);
  CHECK_FALSE(book.has_batch());
}

TEST_CASE("the memory store completes when told, in order, and forgets what failed") {
  MemoryLeaseStore store;
  store.submit({put(lease("172.17.0.2"))}, {1, 1});
  CHECK(store.poll().empty());
  CHECK(store.durable().empty());
  store.fail_all("full");
  store.submit({put(lease("172.17.0.3")), put(lease("172.17.0.3"))}, {1, 2});
  store.submit({erase(lease("172.17.0.4"))}, {1, 3});
  CHECK(store.waiting() == 2);
  store.complete_all();
  const auto done = store.poll();
  REQUIRE(done.size() == 3);
  CHECK_FALSE(done[0].ok);
  CHECK(done[0].error == "full");
  CHECK(done[1].ok);
  CHECK(done[2].ticket == Ticket{1, 3});
  CHECK(store.durable().size() == 1);
  CHECK(store.load()->size() == 1);
}
