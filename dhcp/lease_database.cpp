// WAL with synchronous=FULL: a commit has reached the disk when it returns. The connection is in
// exclusive locking mode, so a second daemon on the same file fails at once instead of handing out
// the same addresses, and no shared-memory file is needed.
#include "dhcp/lease_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/unique_fd.h"

namespace pontoon::dhcp {
namespace {

constexpr std::int64_t kSchemaVersion = 1;
constexpr const char* kSchema = R"(
  CREATE TABLE leases (
    network     TEXT NOT NULL,
    address     TEXT NOT NULL,
    mac         TEXT NOT NULL,
    client_id   BLOB NOT NULL,
    endpoint    TEXT NOT NULL,
    hostname    TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('bound', 'released', 'expired', 'declined')),
    remaining_s INTEGER,
    written_s   INTEGER NOT NULL,
    PRIMARY KEY (network, address)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = 1;
)";

ErrorCode code_of(int result) noexcept {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::conflict;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return ErrorCode::permission_denied;
    case SQLITE_FULL:
      return ErrorCode::exhausted;
    default:
      return ErrorCode::internal;
  }
}

std::string advice_for(int result) {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another daemon uses it";
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return "; move it away to start without leases";
    default:
      return {};
  }
}

void bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
  sqlite3_bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

std::string column_text(sqlite3_stmt* statement, int column) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return text == nullptr ? std::string() : std::string(text, size);
}

std::vector<std::uint8_t> column_blob(sqlite3_stmt* statement, int column) {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return bytes == nullptr ? std::vector<std::uint8_t>() : std::vector(bytes, bytes + size);
}

std::optional<LeaseState> parse_state(std::string_view text) {
  constexpr std::array kStates{LeaseState::bound, LeaseState::released, LeaseState::expired,
                               LeaseState::declined};
  for (const LeaseState state : kStates)
    if (to_string(state) == text) return state;
  return std::nullopt;
}

std::optional<LeaseRow> read_row(sqlite3_stmt* statement) {
  const auto address = Ipv4Address::parse(column_text(statement, 1));
  const auto mac = MacAddress::parse(column_text(statement, 2));
  const auto state = parse_state(column_text(statement, 6));
  if (!address || !mac || !state) return std::nullopt;
  LeaseRow row;
  row.lease.network = column_text(statement, 0);
  row.lease.address = *address;
  row.lease.mac = *mac;
  row.lease.client_id = column_blob(statement, 3);
  row.lease.endpoint = column_text(statement, 4);
  row.lease.hostname = column_text(statement, 5);
  row.lease.state = *state;
  if (sqlite3_column_type(statement, 7) != SQLITE_NULL) {
    row.remaining_s = sqlite3_column_int64(statement, 7);
  }
  row.written_s = sqlite3_column_int64(statement, 8);
  return row;
}

}  // namespace

void LeaseDatabase::Close::operator()(sqlite3* handle) const noexcept {
  sqlite3_close_v2(handle);
}

void LeaseDatabase::Close::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Error LeaseDatabase::error() const {
  const int result = sqlite3_extended_errcode(handle_.get());
  return {code_of(result), fmt::format("Lease database {}: {}{}", path_,
                                       sqlite3_errmsg(handle_.get()), advice_for(result))};
}

Status<> LeaseDatabase::execute(const char* sql) {
  if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error();
  return {};
}

Result<LeaseDatabase::Statement> LeaseDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* raw = nullptr;
  const int result =
      sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
  Statement statement(raw);
  if (result != SQLITE_OK) return error();
  return statement;
}

Result<std::int64_t> LeaseDatabase::query_integer(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  if (sqlite3_step(statement->get()) != SQLITE_ROW) return error();
  return sqlite3_column_int64(statement->get(), 0);
}

// SQLite would create the file with the umask's mode; -wal takes the mode of the file. An existing
// one is left alone: opening and closing it here would drop POSIX locks that are held on it.
Status<> LeaseDatabase::create_file() const {
  const UniqueFd created(::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (created || errno == EEXIST) return {};
  const bool denied = errno == EACCES || errno == EPERM || errno == EROFS;
  return Error{denied ? ErrorCode::permission_denied : ErrorCode::unavailable,
               fmt::format("Lease database {}: {}", path_, std::strerror(errno))};
}

Status<> LeaseDatabase::connect() {
  sqlite3* raw = nullptr;
  const int result =
      sqlite3_open_v2(path_.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(raw);
  if (result != SQLITE_OK) return error();
  sqlite3_extended_result_codes(raw, 1);
  return execute(
      "PRAGMA locking_mode = EXCLUSIVE;"
      "PRAGMA journal_mode = WAL;"
      "PRAGMA synchronous = FULL;"
      "PRAGMA trusted_schema = OFF;"
      "BEGIN IMMEDIATE; COMMIT;");
}

Status<> LeaseDatabase::check_integrity() {
  auto statement = prepare("PRAGMA quick_check(1)");
  if (!statement) return statement.error();
  if (sqlite3_step(statement->get()) != SQLITE_ROW) return error();
  const std::string verdict = column_text(statement->get(), 0);
  if (verdict == "ok") return {};
  return Error{ErrorCode::internal, fmt::format("Lease database {} is damaged ({}){}", path_,
                                                verdict, advice_for(SQLITE_CORRUPT))};
}

Status<> LeaseDatabase::set_up_schema() {
  const auto version = query_integer("PRAGMA user_version");
  if (!version) return version.error();
  if (*version == kSchemaVersion) return {};
  if (*version != 0) {
    return Error{ErrorCode::unsupported,
                 fmt::format("Lease database {} was written by another version of pontoon (its "
                             "format is {}, this one reads {})",
                             path_, *version, kSchemaVersion)};
  }
  const auto tables = query_integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tables.error();
  if (*tables != 0) {
    return Error{ErrorCode::internal,
                 fmt::format("Lease database {} is some other program's database", path_)};
  }
  return execute(fmt::format("BEGIN; {} COMMIT;", kSchema).c_str());
}

Status<> LeaseDatabase::prepare_writes() {
  auto put = prepare(
      "INSERT OR REPLACE INTO leases (network, address, mac, client_id, endpoint, hostname, state,"
      " remaining_s, written_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  if (!put) return put.error();
  auto erase = prepare("DELETE FROM leases WHERE network = ?1 AND address = ?2");
  if (!erase) return erase.error();
  put_ = std::move(*put);
  erase_ = std::move(*erase);
  return {};
}

Result<LeaseDatabase> LeaseDatabase::open(const std::string& path) {
  LeaseDatabase database(path);
  using Step = Status<> (LeaseDatabase::*)();
  constexpr std::array<Step, 4> kSteps{&LeaseDatabase::connect, &LeaseDatabase::check_integrity,
                                       &LeaseDatabase::set_up_schema,
                                       &LeaseDatabase::prepare_writes};
  if (const auto created = database.create_file(); !created) return created.error();
  for (const Step step : kSteps) {
    if (const auto done = (database.*step)(); !done) return done.error();
  }
  return database;
}

Result<std::vector<LeaseRow>> LeaseDatabase::load() {
  auto statement = prepare(
      "SELECT network, address, mac, client_id, endpoint, hostname, state, remaining_s, written_s "
      "FROM leases ORDER BY network, address");
  if (!statement) return statement.error();
  std::vector<LeaseRow> rows;
  int result = SQLITE_OK;
  while ((result = sqlite3_step(statement->get())) == SQLITE_ROW) {
    auto row = read_row(statement->get());
    if (!row) {
      return Error{ErrorCode::internal,
                   fmt::format("Lease database {} is damaged (the row of {}){}", path_,
                               column_text(statement->get(), 1), advice_for(SQLITE_CORRUPT))};
    }
    rows.push_back(std::move(*row));
  }
  if (result != SQLITE_DONE) return error();
  return rows;
}

bool LeaseDatabase::step_write(sqlite3_stmt* statement) {
  const bool done = sqlite3_step(statement) == SQLITE_DONE;
  // On failure this repeats the error of step(), which error() still reports.
  sqlite3_reset(statement);
  return done;
}

bool LeaseDatabase::put(const LeaseRow& row) {
  sqlite3_stmt* statement = put_.get();
  const Lease& lease = row.lease;
  bind_text(statement, 1, lease.network);
  bind_text(statement, 2, lease.address.to_string());
  bind_text(statement, 3, lease.mac.to_string());
  // A null pointer would bind NULL.
  static constexpr std::uint8_t kNothing = 0;
  sqlite3_bind_blob(statement, 4, lease.client_id.empty() ? &kNothing : lease.client_id.data(),
                    static_cast<int>(lease.client_id.size()), SQLITE_TRANSIENT);
  bind_text(statement, 5, lease.endpoint);
  bind_text(statement, 6, lease.hostname);
  bind_text(statement, 7, to_string(lease.state));
  if (row.remaining_s) {
    sqlite3_bind_int64(statement, 8, *row.remaining_s);
  } else {
    sqlite3_bind_null(statement, 8);
  }
  sqlite3_bind_int64(statement, 9, row.written_s);
  return step_write(statement);
}

bool LeaseDatabase::erase(const LeaseRow& row) {
  bind_text(erase_.get(), 1, row.lease.network);
  bind_text(erase_.get(), 2, row.lease.address.to_string());
  return step_write(erase_.get());
}

Status<> LeaseDatabase::write(std::span<const LeaseRow> rows) {
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  for (const LeaseRow& row : rows) {
    const bool written = row.kind == LeaseWrite::Kind::put ? put(row) : erase(row);
    if (written) continue;
    Error failure = error();
    (void)execute("ROLLBACK");
    return failure;
  }
  auto committed = execute("COMMIT");
  if (!committed) (void)execute("ROLLBACK");
  return committed;
}

}  // namespace pontoon::dhcp
