// Networks that outlive the daemon (`network create`), in SQLite beside the leases. Changed by
// people, so writes are rare and synchronous.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/model.h"
#include "core/base/result.h"

namespace pontoon::control {

class NetworkStore {
 public:
  // Creates the file (0600) when it is missing. The Error names the file.
  static Result<std::unique_ptr<NetworkStore>> open(const std::string& path);
  ~NetworkStore();

  Result<std::vector<NetworkSpec>> load();
  Status<> put(const NetworkSpec& spec);
  Status<> erase(const std::string& name);

 private:
  class Impl;
  explicit NetworkStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pontoon::control
