// The writer thread owns the database and shares nothing with the others but the queue: leases are
// turned into rows by submit(), on the caller's thread, and completions come back as values.
//
// Whatever waits when the thread comes round goes into one transaction, so the slower the disk
// syncs the more turns share one sync.
#include "dhcp/sqlite_lease_store.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/limits.h"
#include "core/base/unique_fd.h"
#include "dhcp/lease_database.h"

namespace pontoon::dhcp {
namespace {

using std::chrono::seconds;
using Rows = std::vector<LeaseRow>;

constexpr std::int64_t kTenYears_s = std::int64_t{10} * 365 * 24 * 3600;

std::int64_t bounded(std::int64_t value_s) noexcept {
  return std::clamp(value_s, -kTenYears_s, kTenYears_s);
}

LeaseRow to_row(LeaseWrite write, const Clock& clock) {
  LeaseRow row;
  row.kind = write.kind;
  row.written_s = clock.wall().time_since_epoch().count();
  if (write.lease.expires != kNever) {
    // Rounded up: the disk never promises less than the client was told.
    row.remaining_s =
        bounded(std::chrono::ceil<seconds>(write.lease.expires - clock.now()).count());
  }
  row.lease = std::move(write.lease);
  return row;
}

Lease to_lease(LeaseRow row, const Clock& clock) {
  const std::int64_t wall_s = clock.wall().time_since_epoch().count();
  // A clock that runs behind what was written tells nothing: no time has passed then.
  const std::int64_t passed_s =
      wall_s > row.written_s ? std::min(wall_s - row.written_s, kTenYears_s) : 0;
  row.lease.expires =
      row.remaining_s ? clock.now() + seconds(bounded(*row.remaining_s) - passed_s) : kNever;
  return std::move(row.lease);
}

// What the two sides share.
class Queue {
 public:
  struct Submission {
    Rows rows;
    Ticket ticket;
  };
  struct Work {
    std::deque<Submission> submissions;
    std::optional<std::promise<Result<Rows>>> load;
    bool stop = false;
  };

  explicit Queue(UniqueFd event) : event_(std::move(event)) {}

  bool push(Submission submission) {
    {
      const std::lock_guard lock(mutex_);
      if (work_.submissions.size() >= limits::kLeaseBatch) return false;
      work_.submissions.push_back(std::move(submission));
    }
    wake_.notify_one();
    return true;
  }
  std::future<Result<Rows>> ask_to_load() {
    std::future<Result<Rows>> answer;
    {
      const std::lock_guard lock(mutex_);
      answer = work_.load.emplace().get_future();
    }
    wake_.notify_one();
    return answer;
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      work_.stop = true;
    }
    wake_.notify_one();
  }
  // The writer's side: waits for something to do and takes all of it.
  Work take() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return work_.stop || work_.load || !work_.submissions.empty(); });
    Work taken = std::exchange(work_, Work{});
    work_.stop = taken.stop;
    return taken;
  }
  void complete(std::vector<Completion> completions) {
    const std::lock_guard lock(mutex_);
    std::move(completions.begin(), completions.end(), std::back_inserter(done_));
    const std::uint64_t one = 1;
    // An eventfd refuses only when its counter is full; then it is readable anyway.
    (void)!::write(event_.get(), &one, sizeof one);
  }
  std::vector<Completion> take_completions() {
    const std::lock_guard lock(mutex_);
    std::uint64_t count = 0;
    (void)!::read(event_.get(), &count, sizeof count);
    return std::exchange(done_, {});
  }
  int fd() const noexcept { return event_.get(); }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  Work work_;
  std::vector<Completion> done_;
  const UniqueFd event_;
};

// One transaction for all submissions. When it fails, all of them have failed.
std::vector<Completion> write_all(LeaseDatabase& database,
                                  std::deque<Queue::Submission>& submissions) {
  Rows rows;
  for (Queue::Submission& submission : submissions)
    std::move(submission.rows.begin(), submission.rows.end(), std::back_inserter(rows));
  const auto written = database.write(rows);
  std::vector<Completion> completions;
  for (const Queue::Submission& submission : submissions) {
    completions.push_back(
        {submission.ticket, written.ok(), written.ok() ? std::string() : written.error().message});
  }
  return completions;
}

void run_writer(LeaseDatabase database, Queue& queue) {
  for (bool stopped = false; !stopped;) {
    Queue::Work work = queue.take();
    stopped = work.stop;
    if (!work.submissions.empty()) queue.complete(write_all(database, work.submissions));
    if (work.load) work.load->set_value(database.load());
  }
}

class SqliteLeaseStore final : public LeaseStore {
 public:
  SqliteLeaseStore(LeaseDatabase database, UniqueFd event, const Clock& clock)
      : clock_(clock), queue_(std::move(event)) {
    // Signals are for the threads that expect them; the mask is inherited.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    writer_ = std::thread(run_writer, std::move(database), std::ref(queue_));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~SqliteLeaseStore() override {
    queue_.stop();
    writer_.join();
  }

  Result<std::vector<Lease>> load() override {
    Result<Rows> rows = queue_.ask_to_load().get();
    if (!rows) return rows.error();
    std::vector<Lease> leases;
    leases.reserve(rows->size());
    for (LeaseRow& row : *rows)
      leases.push_back(to_lease(std::move(row), clock_));
    return leases;
  }

  void submit(std::vector<LeaseWrite> batch, Ticket ticket) override {
    Rows rows;
    rows.reserve(batch.size());
    for (LeaseWrite& write : batch)
      rows.push_back(to_row(std::move(write), clock_));
    if (queue_.push({std::move(rows), ticket})) return;
    queue_.complete({{ticket, false, "Too many lease changes wait for the disk"}});
  }

  std::vector<Completion> poll() override { return queue_.take_completions(); }
  int completion_fd() const noexcept override { return queue_.fd(); }

 private:
  const Clock& clock_;
  Queue queue_;
  std::thread writer_;
};

}  // namespace

Result<std::unique_ptr<LeaseStore>> open_sqlite_lease_store(const std::string& path,
                                                            const Clock& clock) {
  auto database = LeaseDatabase::open(path);
  if (!database) return database.error();
  UniqueFd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!event) {
    return Error{ErrorCode::exhausted, fmt::format("eventfd: {}", std::strerror(errno))};
  }
  return std::unique_ptr<LeaseStore>(
      std::make_unique<SqliteLeaseStore>(std::move(*database), std::move(event), clock));
}

}  // namespace pontoon::dhcp
