// pontoon_sim [SEED...] [--seeds N] [--minutes N] [--seconds N] [--pcaps DIR] [--hash]
//
// pontoon_sim --goodput
//
// Without seeds: 1, 2, 3, ... until so many are done or so much time has passed.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "core/capture/writer.h"
#include "tests/sim/goodput.h"
#include "tests/sim/simulation.h"

extern "C" void __sanitizer_set_death_callback(void (*callback)()) __attribute__((weak));

namespace pontoon::sim {
namespace {

struct Wish {
  std::vector<std::uint64_t> seeds;
  std::uint64_t first = 1;
  std::uint64_t count = 500;
  std::chrono::seconds time = std::chrono::hours(24);
  std::string pcaps = "build/sim";
  bool hashes = false;
  bool goodput = false;
};

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int usage(std::string_view why) {
  fmt::print(stderr,
             "pontoon_sim: {}\nusage: pontoon_sim [SEED...] [--first N] [--seeds N] [--minutes N] "
             "[--seconds N] [--pcaps DIR] [--hash]\n",
             why);
  return 2;
}

std::optional<std::string> parse(const std::vector<std::string_view>& words, Wish& wish) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--hash" || word == "--goodput") {
      (word == "--hash" ? wish.hashes : wish.goodput) = true;
      continue;
    }
    if (!word.starts_with("--")) {
      const auto seed = number(word);
      if (!seed) return fmt::format("{} is no seed", word);
      wish.seeds.push_back(*seed);
      continue;
    }
    if (i + 1 == words.size()) return fmt::format("{} needs a value", word);
    const std::string_view value = words[++i];
    if (word == "--pcaps") {
      wish.pcaps = value;
      continue;
    }
    const auto count = number(value);
    if (!count) return fmt::format("{} of {} is no number", value, word);
    if (word == "--seeds") {
      wish.count = *count;
    } else if (word == "--first") {
      wish.first = *count;
    } else if (word == "--minutes") {
      wish.time = std::chrono::minutes(*count);
      wish.count = UINT64_MAX;
    } else if (word == "--seconds") {
      wish.time = std::chrono::seconds(*count);
    } else {
      return fmt::format("unknown option {}", word);
    }
  }
  return std::nullopt;
}

// A broken invariant or a sanitizer ends the process: say at least which seed it was.
volatile std::uint64_t running_seed = 0;

void on_death() {
  char text[160];
  const int size = std::snprintf(text, sizeof text,
                                 "\nsim: the process died in seed %llu\n"
                                 "run it again:  ./dev sim %llu\n",
                                 static_cast<unsigned long long>(running_seed),
                                 static_cast<unsigned long long>(running_seed));
  if (size > 0) (void)!write(2, text, static_cast<std::size_t>(size));
}

std::string save_captures(const Verdict& verdict, const std::string& folder, std::uint64_t seed) {
  const std::filesystem::path place = std::filesystem::path(folder) / fmt::format("seed-{}", seed);
  std::error_code error;
  std::filesystem::create_directories(place, error);
  for (const auto& [name, packets] : verdict.captures) {
    capture::Bytes out;
    capture::append_section_header(out, "pontoon sim");
    capture::Interface interface;
    interface.name = name;
    capture::append_interface(out, interface);
    for (const capture::Packet& packet : packets)
      capture::append_packet(out, packet);
    std::ofstream file(place / (name + ".pcapng"), std::ios::binary);
    file.write(reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(out.size()));
  }
  return place.string();
}

// Once more, with everything written down: a seed's run is always the same.
void tell(std::uint64_t seed, const Verdict& first, const Wish& wish) {
  const Verdict again = Simulation(seed, true).run();
  fmt::print("\nseed {} FAILED ({})\n{}\n", seed, first.options, first.failure);
  if (again.failure != first.failure)
    fmt::print("and the second run of it differs: {}\n", again.failure);
  fmt::print("\nthe last steps:\n{}\n", again.steps);
  fmt::print("captures: {}/*.pcapng\nrun it again:  ./dev sim {}\n",
             save_captures(again, wish.pcaps, seed), seed);
}

// Virtual time stands still: some loop has no end.
void on_alarm(int) {
  constexpr std::string_view text = "\nsim: the run hangs";
  (void)!write(2, text.data(), text.size());
  on_death();
  _exit(1);
}
constexpr unsigned kSecondsPerSeed = 120;  // it takes less than one

int run(const Wish& wish) {
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t done = 0;
  std::uint64_t frames = 0;
  std::size_t conversations = 0;
  std::size_t completed = 0;
  std::size_t answered = 0;
  const std::uint64_t count = wish.seeds.empty() ? wish.count : wish.seeds.size();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (std::chrono::steady_clock::now() - start > wish.time) break;
    running_seed = wish.seeds.empty() ? wish.first + i : wish.seeds[i];
    const std::uint64_t seed = running_seed;
    alarm(kSecondsPerSeed);
    const Verdict verdict = Simulation(seed, false).run();
    alarm(0);
    if (wish.hashes) fmt::print("seed {}  hash {:016x}\n", seed, verdict.hash);
    ++done;
    frames += verdict.frames;
    conversations += verdict.conversations;
    completed += verdict.completed;
    answered += verdict.answered;
    if (verdict.failed) {
      tell(seed, verdict, wish);
      return 1;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print(
      "sim: {} seeds, {} frame events, {} conversations ({} to their end), {} answers, no "
      "failure ({:.1f} s)\n",
      done, frames, conversations, completed, answered, took.count());
  return 0;
}

}  // namespace
}  // namespace pontoon::sim

int main(int argc, char** argv) {
  using namespace pontoon::sim;
  Wish wish;
  if (const auto wrong = parse({argv + 1, argv + argc}, wish)) return usage(*wrong);
  std::signal(SIGABRT, [](int) {
    on_death();
    std::_Exit(1);
  });
  std::signal(SIGALRM, on_alarm);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(on_death);
  if (wish.goodput) {
    fmt::print("{}", goodput_table());
    return 0;
  }
  return run(wish);
}
