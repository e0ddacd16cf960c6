#include "harness/store/database.h"

#include <sqlite3.h>

#include "harness/core/error.h"

namespace crudbench {

namespace {

[[noreturn]] void throw_sqlite_error(sqlite3* database, int code, const std::string& file) {
  const int primary = code & 0xFF;
  const bool damaged = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
  std::string message = "database '" + file + "': ";
  message += database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  throw Error(damaged ? ErrorCode::kInvalidData : ErrorCode::kIo, message);
}

}  // namespace

StatementCache::~StatementCache() {
  for (const auto& [sql, statement] : idle_) {
    sqlite3_finalize(statement);
  }
}

sqlite3_stmt* StatementCache::take(std::string_view sql) {
  const auto found = idle_.find(sql);
  return found == idle_.end() ? nullptr : idle_.extract(found).mapped();
}

void StatementCache::give_back(sqlite3_stmt* statement) noexcept {
  constexpr std::size_t kMostIdle = 32;
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  try {
    if (idle_.size() < kMostIdle) {
      idle_.emplace(sqlite3_sql(statement), statement);
      return;
    }
  } catch (const std::bad_alloc&) {
    // Then it is not kept.
  }
  sqlite3_finalize(statement);
}

Statement::Statement(sqlite3* database, StatementCache& cache, std::string_view sql,
                     const std::string& file)
    : database_(database), file_(file), statement_(cache.take(sql), {&cache}) {
  if (statement_ != nullptr) {
    return;
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  check(code);
}

void Statement::fail() const {
  throw_sqlite_error(database_, sqlite3_extended_errcode(database_), file_);
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) {
    fail();
  }
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  check(sqlite3_bind_double(statement_.get(), parameter, value));
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view value) {
  // An empty view may hold a null pointer, which SQLite would take for NULL.
  const char* data = value.empty() ? "" : value.data();
  check(sqlite3_bind_text64(statement_.get(), parameter, data, value.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(int parameter, std::nullopt_t) {
  check(sqlite3_bind_null(statement_.get(), parameter));
  return *this;
}

Statement& Statement::bind_view(int parameter, std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  check(sqlite3_bind_text64(statement_.get(), parameter, data, value.size(), SQLITE_STATIC,
                            SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind_blob_view(int parameter, std::string_view bytes) {
  const char* data = bytes.empty() ? "" : bytes.data();
  check(sqlite3_bind_blob64(statement_.get(), parameter, data, bytes.size(), SQLITE_STATIC));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  try {
    fail();
  } catch (...) {
    sqlite3_reset(statement_.get());
    throw;
  }
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::number(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* data = sqlite3_column_text(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

std::string Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

void Database::Close::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

namespace {

/// `path` as a SQLite URI, with the characters that mean something there escaped.
std::string immutable_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char character : path) {
    if (character == '%' || character == '?' || character == '#') {
      constexpr std::string_view kDigits = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(character);
      uri += '%';
      uri += kDigits[byte >> 4U];
      uri += kDigits[byte & 0xFU];
    } else {
      uri += character;
    }
  }
  return uri + "?immutable=1";
}

/// What the first read comes to: in a folder without write permission SQLite opens a WAL database
/// and fails here (SQLITE_CANTOPEN); what a power cut left in a journal must be rolled back first,
/// and that writes (SQLITE_READONLY).
int try_to_read(sqlite3* database) {
  return sqlite3_exec(database, "SELECT COUNT(*) FROM sqlite_master", nullptr, nullptr, nullptr);
}

}  // namespace

Database::Database(const std::filesystem::path& file, Mode mode) : file_(file.string()) {
  const bool read_only = mode == Mode::kReadOnly;
  const int flags = SQLITE_OPEN_NOMUTEX |
                    (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3* handle = nullptr;
  int code = sqlite3_open_v2(file_.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code == SQLITE_OK && read_only) {
    code = reopen_if_need_be(flags);
  }
  if (code != SQLITE_OK) {
    throw_sqlite_error(handle_.get(), code, file_);
  }
  sqlite3_extended_result_codes(handle_.get(), 1);
  sqlite3_busy_timeout(handle_.get(), 10'000);
  if (!read_only) {
    // Rows have some 3 KB: of pages this large, which only a new file takes, fewer are written.
    execute("PRAGMA page_size=8192");
    execute("PRAGMA journal_mode=WAL");
    execute("PRAGMA synchronous=NORMAL");
    execute("PRAGMA wal_autocheckpoint=4000");
    // In KiB: room for the pages of the keys' indexes, which inserts hit at random.
    execute("PRAGMA cache_size=-32768");
  }
  execute("PRAGMA foreign_keys=ON");
}

int Database::reopen_if_need_be(int flags) {
  const auto open = [this](const std::string& name, int how) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &handle, how, nullptr);
    handle_.reset(handle);
    return code;
  };
  switch (try_to_read(handle_.get())) {
    case SQLITE_CANTOPEN:
      return open(immutable_uri(file_), flags | SQLITE_OPEN_URI);
    case SQLITE_READONLY:
      if (open(file_, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE) == SQLITE_OK) {
        try_to_read(handle_.get());  // Rolls back.
      }
      return open(file_, flags);
    default:
      return SQLITE_OK;
  }
}

void Database::execute(const std::string& sql) {
  const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) {
    throw_sqlite_error(handle_.get(), sqlite3_extended_errcode(handle_.get()), file_);
  }
}

Statement Database::prepare(std::string_view sql) {
  return {handle_.get(), cache_, sql, file_};
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(handle_.get());
}

std::int64_t Database::changed_rows() const {
  return sqlite3_changes64(handle_.get());
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.prepare("BEGIN IMMEDIATE").run();
}

Transaction::~Transaction() {
  if (open_) {
    try {
      database_.execute("ROLLBACK");
    } catch (const Error&) {
      // The failure that led here is the one to report.
    }
  }
}

void Transaction::commit() {
  database_.prepare("COMMIT").run();
  open_ = false;
}

std::string sqlite_version() {
  return sqlite3_libversion();
}

}  // namespace crudbench
