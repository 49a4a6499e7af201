#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "app/capture_output.h"
#include "app/commands.h"
#include "app/table.h"
#include "control/capture_session.h"

namespace pontoon::app {
namespace {

using control::BlockKind;
using control::CaptureSession;
using Event = CaptureSession::Event;

constexpr std::size_t kReadBytes = 256 * 1024;
// How long a daemon may take to write what is under way once we have asked for the end.
constexpr int kFinishMs = 10'000;
constexpr int kLastWordMs = 1000;

void say(const std::string& text) {
  std::fprintf(stderr, "pontoon: %s\n", printable(text).c_str());
}

// Ctrl-C and its like become readable.
UniqueFd watch_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return UniqueFd(signalfd(-1, &set, SFD_CLOEXEC));
}

class CaptureLoop {
 public:
  CaptureLoop(const CapturePlan& plan, CaptureSession& session, CaptureOutput& output)
      : plan_(plan), session_(session), output_(output), signals_(watch_signals()) {}

  int run() {
    while (!over_) {
      std::array<pollfd, 3> wait{{{session_.stream(), POLLIN, 0},
                                  {listening_ ? session_.fd() : -1, POLLIN, 0},
                                  {signals_.get(), POLLIN, 0}}};
      const int ready = poll(wait.data(), wait.size(), finishing_ ? kFinishMs : -1);
      if (ready < 0 && errno != EINTR) break;
      if (ready == 0) {
        say("the daemon does not end the capture");
        status_ = kFailed;
        break;
      }
      if (ready < 0) continue;
      if (wait[2].revents != 0) on_signal();
      if (wait[1].revents != 0) hear();
      if (wait[0].revents != 0) read_stream();
    }
    hear_last_word();
    summarise();
    return status_;
  }

 private:
  void on_signal() {
    signalfd_siginfo info{};
    (void)!read(signals_.get(), &info, sizeof info);
    // Twice: now.
    if (finishing_) over_ = true;
    finish();
  }

  void finish() {
    finishing_ = true;
    session_.finish();
  }

  void hear() {
    switch (session_.next_event()) {
      case Event::none:
        return;
      case Event::note:
        return say(session_.text());
      case Event::stopped:
        listening_ = false;
        return say(session_.text());
      case Event::captured:
        listening_ = false;
        return;
      case Event::lost:
        listening_ = false;
        if (!finishing_) say(session_.text());
        if (!finishing_) status_ = kFailed;
        return;
    }
  }

  void read_stream() {
    const ssize_t got = read(session_.stream(), bytes_.data(), bytes_.size());
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
      over_ = true;
      return;
    }
    Status<> done;
    blocks_.feed(ByteView(bytes_).first(static_cast<std::size_t>(got)),
                 [&](BlockKind kind, ByteView block) {
                   if (!done || (kind == BlockKind::frame && enough())) return;
                   if (kind == BlockKind::frame) ++taken_;
                   done = output_.add(kind, block);
                 });
    if (done) done = output_.flush();
    if (!done) return give_up(done.error());
    if (blocks_.broken()) return give_up({ErrorCode::internal, "the daemon sends no pcapng"});
    if (enough() && !finishing_) finish();
  }

  // Lines of text are counted as they are shown.
  bool enough() const noexcept {
    if (plan_.count == 0) return false;
    return (plan_.write.empty() ? output_.frames() : taken_) >= plan_.count;
  }

  void give_up(const Error& error) {
    over_ = true;
    // Whoever read our output has seen enough.
    if (error.code == ErrorCode::unavailable) return;
    status_ = fail(error);
  }

  void hear_last_word() {
    pollfd wait{session_.fd(), POLLIN, 0};
    while (listening_ && !session_.counts() && poll(&wait, 1, kLastWordMs) > 0)
      hear();
  }

  void summarise() const {
    const control::CaptureCounts counts = session_.counts().value_or(control::CaptureCounts{});
    say(
        fmt::format("{} frames captured, {} left out by the filter, {} lost because the reader was "
                    "too slow",
                    output_.frames(), counts.filtered, counts.missed));
  }

  const CapturePlan& plan_;
  CaptureSession& session_;
  CaptureOutput& output_;
  UniqueFd signals_;
  control::BlockSplitter blocks_;
  std::vector<std::uint8_t> bytes_ = std::vector<std::uint8_t>(kReadBytes);
  std::uint64_t taken_ = 0;
  int status_ = kOk;
  bool listening_ = true;
  bool finishing_ = false;
  bool over_ = false;
};

}  // namespace

int capture(const control::Client& client, const CaptureArguments& arguments) {
  const auto plan = plan_capture(arguments);
  if (!plan) return fail(plan.error());
  if (plan->write == "-" && isatty(STDOUT_FILENO) != 0) {
    return fail(open_capture_output(*plan).error());
  }
  auto session = CaptureSession::open(client.paths(), plan->request);
  if (!session) return fail(session.error());
  auto output = open_capture_output(*plan);
  if (!output) return fail(output.error());
  if (!plan->request.last_ms) {
    say(fmt::format("capturing {}; Ctrl-C ends it",
                    plan->request.target.empty() ? "network default" : plan->request.target));
  }
  return CaptureLoop(*plan, **session, **output).run();
}

}  // namespace pontoon::app
