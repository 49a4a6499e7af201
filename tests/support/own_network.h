// Runs part of a test in a child process that has a user and a network namespace of its own, as
// root and as an ordinary user alike. The child is free to make interfaces; they vanish with it.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

namespace pontoon::test {

// Thrown by the body when the host withholds something that the test needs.
struct Skip : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Outcome {
  enum class Kind { passed, skipped, failed };
  Kind kind = Kind::failed;
  std::string text;  // why it was skipped or how it failed
};

// The body fails by throwing. Catch2's assertions must not be used inside: the child is a copy of
// the test runner, and what it counts is lost.
Outcome in_own_network(const std::function<void()>& body);

// For the body: throws std::runtime_error with this text unless it holds.
void expect(bool condition, const std::string& text);
// Runs a command line of the host, `ip link ...`; throws with its output when it fails.
void command(const std::string& line);

}  // namespace pontoon::test
