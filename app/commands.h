// One function per command; each gives the exit status. Errors go to stderr as "pontoon: …".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/capture_options.h"
#include "bridge/netns/run.h"
#include "control/client.h"
#include "control/model.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/result.h"

namespace pontoon::app {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;

int fail(const Error& error, int status = kFailed);

struct RunArguments {
  control::EndpointRequest endpoint;
  bridge::LinkChoice link = bridge::LinkChoice::automatic;
  bridge::InnerUser user = bridge::InnerUser::root;
  std::vector<std::string> command;
};
int run(const control::Client& client, RunArguments arguments);

struct AttachArguments {
  control::EndpointRequest endpoint;
  bridge::LinkChoice link = bridge::LinkChoice::automatic;
  std::optional<int> pid;
  std::string netns;
  std::string interface;
};
int attach(const control::Client& client, AttachArguments arguments);

struct DaemonArguments {
  bool background =
      false;  // started by `run`: logs to a file, reports readiness on stderr's descriptor
  log::Level level = log::Level::info;
  std::size_t recorder_bytes = limits::kRecorderBytes;
};
int daemon(const control::Client& client, const DaemonArguments& arguments);
int stop(const control::Client& client);

int capture(const control::Client& client, const CaptureArguments& arguments);

int detach(const control::Client& client, const std::string& name);
int list_endpoints(const control::Client& client, bool json, bool quiet);
int inspect_endpoint(const control::Client& client, const std::string& name);
int list_ports(const control::Client& client, const std::string& name, const std::string& port,
               bool json);
int list_leases(const control::Client& client, bool json);
int list_flows(const control::Client& client, bool json);

int list_networks(const control::Client& client, bool json, bool quiet);
int create_network(const control::Client& client, const control::NetworkRequest& request,
                   bool json);
int inspect_network(const control::Client& client, const std::string& name);
int remove_networks(const control::Client& client, const std::vector<std::string>& names);

struct ImpairArguments {
  std::vector<std::string> words;  // target and impairment as typed; none: list
  bool clear = false;
  std::optional<std::uint64_t> seed;
  std::string script;
  bool json = false;
};
int impair(const control::Client& client, const ImpairArguments& arguments);

struct ReplayArguments {
  std::vector<std::string> cases;  // directories, case files, captures
  std::string expected;            // --expect; empty: a case's own
  bool update = false;
  std::vector<std::string> map;
  std::optional<std::uint64_t> seed;
  std::string output;
  bool json = false;
  bool quiet = false;
};
// Needs no daemon. 0: as expected, 1: otherwise, 2: it cannot be played.
inline constexpr int kUnusable = 2;
int replay(const ReplayArguments& arguments);

int version(const control::Client& client, bool json);

}  // namespace pontoon::app
