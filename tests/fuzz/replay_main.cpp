// Runs a fuzz target over inputs without a fuzzer: over the regressions and seeds, under any
// compiler. Each argument is a file or a folder. The input's name is said before it runs, on one
// line that is only seen when it was the last.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

#include "tests/fuzz/input.h"

namespace {

std::set<std::filesystem::path> files_of(int count, char** arguments) {
  std::set<std::filesystem::path> files;
  for (int i = 1; i < count; ++i) {
    const std::filesystem::path path(arguments[i]);
    if (std::filesystem::is_regular_file(path)) files.insert(path);
    if (!std::filesystem::is_directory(path)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) files.insert(entry.path());
    }
  }
  return files;
}

// Exactly as long as the file, so that one byte too far is one byte too far.
std::vector<std::uint8_t> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> text(std::filesystem::file_size(path));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  return {text.begin(), text.end()};
}

}  // namespace

int main(int count, char** arguments) {
  // Nothing at all is an input, too.
  LLVMFuzzerTestOneInput(nullptr, 0);
  std::size_t ran = 1;
  for (const std::filesystem::path& path : files_of(count, arguments)) {
    const std::vector<std::uint8_t> bytes = read(path);
    std::fprintf(stderr, "\r\033[K%s", path.c_str());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    ++ran;
  }
  std::fprintf(stderr, "\r\033[K");
  std::printf("%zu inputs\n", ran);
  return 0;
}
