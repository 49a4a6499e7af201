// The SQLite file behind the lease store: schema, statements and errors. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "dhcp/lease.h"
#include "dhcp/lease_store.h"

struct sqlite3;
struct sqlite3_stmt;

namespace pontoon::dhcp {

// A lease as it lies on disk: instead of an Instant, how many seconds it still had (negative: had
// ended so long ago) when it was written.
struct LeaseRow {
  LeaseWrite::Kind kind = LeaseWrite::Kind::put;
  Lease lease;                              // without `expires`
  std::optional<std::int64_t> remaining_s;  // absent: never ends
  std::int64_t written_s = 0;               // since 1970
};

class LeaseDatabase {
 public:
  // Creates what is missing and locks the file until the object goes.
  static Result<LeaseDatabase> open(const std::string& path);

  Result<std::vector<LeaseRow>> load();
  // One transaction: all of it or nothing.
  Status<> write(std::span<const LeaseRow> rows);

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Close>;

  explicit LeaseDatabase(std::string path) : path_(std::move(path)) {}
  Status<> create_file() const;
  Status<> connect();
  Status<> set_up_schema();
  Status<> prepare_writes();
  Status<> check_integrity();

  Status<> execute(const char* sql);
  Result<Statement> prepare(std::string_view sql);
  Result<std::int64_t> query_integer(std::string_view sql);
  bool put(const LeaseRow& row);
  bool erase(const LeaseRow& row);
  bool step_write(sqlite3_stmt* statement);
  Error error() const;

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
  Statement put_;
  Statement erase_;
};

}  // namespace pontoon::dhcp
