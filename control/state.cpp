#include "control/state.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "control/json.h"

namespace pontoon::control {
namespace {

constexpr int kSchema = 1;
constexpr int kBusyTimeoutMs = 2000;

struct CloseDatabase {
  void operator()(sqlite3* database) const noexcept { sqlite3_close(database); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

}  // namespace

class NetworkStore::Impl {
 public:
  Impl(std::string path, Database database)
      : path_(std::move(path)), database_(std::move(database)) {}

  Error failure() const {
    return Error{ErrorCode::internal,
                 fmt::format("cannot use {}: {}", path_, sqlite3_errmsg(database_.get()))};
  }

  Error unreadable(const Error& why) const {
    return Error{ErrorCode::internal,
                 fmt::format("a network in {} cannot be read: {}; move the file away to begin anew",
                             path_, why.message)};
  }

  Status<> execute(const char* sql) {
    if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      return failure();
    return {};
  }

  Status<> prepare_schema() {
    Statement version = statement("PRAGMA user_version");
    if (!version || sqlite3_step(version.get()) != SQLITE_ROW) return failure();
    const int found = sqlite3_column_int(version.get(), 0);
    version.reset();  // an open statement is a transaction, in which the journal mode cannot change
    if (found > kSchema) {
      return Error{
          ErrorCode::unsupported,
          fmt::format("{} was written by a newer pontoon; use that one, or move the file away",
                      path_)};
    }
    return execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE IF NOT EXISTS networks (name TEXT PRIMARY KEY COLLATE NOCASE, spec TEXT NOT "
        "NULL);"
        "PRAGMA user_version=1");
  }

  Statement statement(const char* sql) {
    sqlite3_stmt* made = nullptr;
    sqlite3_prepare_v2(database_.get(), sql, -1, &made, nullptr);
    return Statement(made);
  }

  Status<> write(const char* sql, std::initializer_list<std::string_view> values) {
    const Statement made = statement(sql);
    if (!made) return failure();
    int index = 0;
    for (const std::string_view value : values) {
      sqlite3_bind_text(made.get(), ++index, value.data(), static_cast<int>(value.size()),
                        SQLITE_TRANSIENT);
    }
    if (sqlite3_step(made.get()) != SQLITE_DONE) return failure();
    return {};
  }

 private:
  std::string path_;
  Database database_;
};

NetworkStore::NetworkStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NetworkStore::~NetworkStore() = default;

Result<std::unique_ptr<NetworkStore>> NetworkStore::open(const std::string& path) {
  const mode_t mask = umask(0077);
  sqlite3* raw = nullptr;
  const int opened =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  umask(mask);
  Database database(raw);
  if (opened != SQLITE_OK) {
    return Error{ErrorCode::permission_denied,
                 fmt::format("cannot open {}: {}", path, sqlite3_errstr(opened))};
  }
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  auto impl = std::make_unique<Impl>(path, std::move(database));
  if (auto ready = impl->prepare_schema(); !ready) return ready.error();
  return std::unique_ptr<NetworkStore>(new NetworkStore(std::move(impl)));
}

Result<std::vector<NetworkSpec>> NetworkStore::load() {
  const Statement rows = impl_->statement("SELECT spec FROM networks ORDER BY rowid");
  if (!rows) return impl_->failure();
  std::vector<NetworkSpec> out;
  int step = SQLITE_ROW;
  while ((step = sqlite3_step(rows.get())) == SQLITE_ROW) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(rows.get(), 0));
    auto spec = decode<NetworkSpec>(text == nullptr ? "" : text);
    if (!spec) return impl_->unreadable(spec.error());
    out.push_back(std::move(*spec));
  }
  if (step != SQLITE_DONE) return impl_->failure();
  return out;
}

Status<> NetworkStore::put(const NetworkSpec& spec) {
  return impl_->write("INSERT OR REPLACE INTO networks (name, spec) VALUES (?, ?)",
                      {spec.name, encode(spec)});
}

Status<> NetworkStore::erase(const std::string& name) {
  return impl_->write("DELETE FROM networks WHERE name = ?", {name});
}

}  // namespace pontoon::control
