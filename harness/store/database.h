#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace crudbench {

/// Statements of one connection that nobody uses now, by their SQL: preparing one takes longer than
/// running it.
class StatementCache {
 public:
  StatementCache() = default;
  ~StatementCache();
  StatementCache(const StatementCache&) = delete;
  StatementCache& operator=(const StatementCache&) = delete;

  /// nullptr if there is none.
  sqlite3_stmt* take(std::string_view sql);
  /// Resets the statement and keeps it, or ends it where there are enough.
  void give_back(sqlite3_stmt* statement) noexcept;

 private:
  std::multimap<std::string, sqlite3_stmt*, std::less<>> idle_;
};

/// A SQLite statement, ready to run; it goes back to its connection's cache, so the connection
/// must outlive it. Every failure throws Error(kIo) or, for a damaged database,
/// Error(kInvalidData), with the file and SQLite's words.
class Statement {
 public:
  Statement(sqlite3* database, StatementCache& cache, std::string_view sql,
            const std::string& file);

  /// Parameters count from 1. Texts are bound as data, and copied.
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);
  Statement& bind(int parameter, std::string_view value);
  Statement& bind(int parameter, std::nullopt_t);
  /// Without a copy: the text stays where it is until the statement has run.
  Statement& bind_view(int parameter, std::string_view value);
  /// Bytes that are no text, without a copy either.
  Statement& bind_blob_view(int parameter, std::string_view bytes);
  template <class Value>
  Statement& bind(int parameter, const std::optional<Value>& value) {
    return value ? bind(parameter, *value) : bind(parameter, std::nullopt);
  }

  /// Advances to the next row; false when there is none, and then the statement is reset.
  bool step();
  /// For statements without rows: runs once and resets.
  void run();
  void reset();

  /// Columns count from 0.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double number(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;

 private:
  struct GiveBack {
    StatementCache* cache;
    void operator()(sqlite3_stmt* statement) const noexcept { cache->give_back(statement); }
  };
  [[noreturn]] void fail() const;
  void check(int code) const;

  sqlite3* database_;
  const std::string& file_;
  std::unique_ptr<sqlite3_stmt, GiveBack> statement_;
};

/// A SQLite connection. Not thread-safe: the owner holds a lock.
class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };

  /// Opens or (kReadWrite) creates the file, in WAL mode with synchronous=NORMAL: a committed
  /// transaction survives the death of the process; the last ones may be lost, whole, with the
  /// power. kReadOnly writes nothing but the rollback of a transaction that a power cut left half
  /// done, without which nothing could be read.
  Database(const std::filesystem::path& file, Mode mode);

  void execute(const std::string& sql);
  /// For a statement that `sql` names in full; the same one is prepared once.
  Statement prepare(std::string_view sql);
  std::int64_t last_insert_id() const;
  std::int64_t changed_rows() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const noexcept;
  };

  /// Makes a read-only connection one that can read; SQLite's code for how that went.
  int reopen_if_need_be(int flags);

  std::string file_;
  std::unique_ptr<sqlite3, Close> handle_;
  StatementCache cache_;  ///< Goes before the connection.
};

/// Rolls back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

/// Version of the SQLite library in use: "3.40.1".
std::string sqlite_version();

}  // namespace crudbench
