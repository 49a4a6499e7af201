// Holds tests to their tags: a test case with [drop:guard_arp] must have made the product count
// that reason by its end, or the run fails. With PONTOON_MARKS_LOG=FILE it writes down which
// test counted what, to find a test that could carry a tag.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "core/base/drop.h"
#include "core/base/marks.h"

#ifdef PONTOON_MARKS

namespace pontoon::test {
namespace {

class MarksListener final : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  // The reporter has said all by now. Catch2 2.13 knows no other way for a listener to fail a run.
  ~MarksListener() override {
    if (!broken_) return;
    std::fflush(nullptr);
    std::_Exit(EXIT_FAILURE);
  }

  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    TestEventListenerBase::testCaseStarting(info);
    marks::forget_all();
    skipped_ = false;
  }

  bool assertionEnded(const Catch::AssertionStats& stats) override {
    const Catch::AssertionResult& result = stats.assertionResult;
    if (result.getResultType() == Catch::ResultWas::Warning)
      skipped_ = skipped_ || result.getMessage().rfind("skipped: ", 0) == 0;
    return true;
  }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    const Catch::TestCaseInfo& info = stats.testInfo;
    if (!skipped_) {
      for (const std::string& tag : info.tags)
        judge(info.name, tag);
    }
    if (const char* path = std::getenv("PONTOON_MARKS_LOG")) write(path, info.name);
    TestEventListenerBase::testCaseEnded(stats);
  }

 private:
  void judge(const std::string& name, const std::string& tag) {
    static constexpr std::string_view kPrefix = "drop:";
    if (tag.rfind(kPrefix, 0) != 0) return;
    const std::string reason = tag.substr(kPrefix.size());
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      const auto candidate = static_cast<DropReason>(i);
      if (to_string(candidate) == reason && marks::noted(candidate)) return;
    }
    std::fprintf(stderr, "marks: \"%s\" carries [%s] and ended without counting it\n", name.c_str(),
                 tag.c_str());
    broken_ = true;
  }

  static void write(const char* path, const std::string& name) {
    std::ofstream file(path, std::ios::app);
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      if (marks::noted(reason)) file << to_string(reason) << '\t' << name << '\n';
    }
  }

  bool skipped_ = false;
  bool broken_ = false;
};

}  // namespace

CATCH_REGISTER_LISTENER(MarksListener)

}  // namespace pontoon::test

#endif
