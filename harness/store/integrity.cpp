#include "harness/store/integrity.h"

#include <array>
#include <filesystem>
#include <optional>
#include <set>

#include "harness/core/error.h"
#include "harness/core/fingerprint.h"
#include "harness/store/compression.h"
#include "harness/store/database.h"
#include "harness/store/store.h"

namespace crudbench {

namespace {

constexpr const char* kDatabase = "crudbench.db";
constexpr const char* kRestore =
    "restore the file from a copy; 'crudbench cache export' may still save the answers in it, so "
    "that a new workspace need not ask for them again";

class DatabaseCheck {
 public:
  explicit DatabaseCheck(const Workspace& workspace)
      : database_(workspace.database_file(), Database::Mode::kReadOnly) {}

  std::vector<Finding> run() {
    check_pages();
    // What follows trusts the file's structure. A run that was cut off before it made its tables
    // left nothing to check.
    if (findings_.empty() && has_tables()) {
      check_references();
      check_stored_json();
      check_completions();
      check_prompts();
    }
    return std::move(findings_);
  }

 private:
  void add(const std::string& place, std::string problem, std::string remedy) {
    findings_.push_back({std::string(kDatabase) + place, std::move(problem), std::move(remedy)});
  }

  bool has_tables() {
    Statement row = database_.prepare("SELECT COUNT(*) FROM sqlite_master");
    row.step();
    return row.integer(0) > 0;
  }

  void check_pages() {
    constexpr int kMostRows = 20;
    Statement row = database_.prepare("PRAGMA integrity_check(" + std::to_string(kMostRows) + ")");
    while (row.step()) {
      if (const std::string problem = row.text(0); problem != "ok") {
        add("", problem, kRestore);
      }
    }
  }

  void check_references() {
    Statement row = database_.prepare("PRAGMA foreign_key_check");
    std::set<std::string> tables;
    while (row.step()) {
      if (tables.insert(row.text(0) + row.text(2)).second) {
        add(", table " + row.text(0), "rows refer to rows of " + row.text(2) + " that are missing",
            kRestore);
      }
    }
  }

  void check_stored_json() {
    struct Column {
      const char* table;
      const char* name;
      const char* run_id;  ///< What names the run of a row.
    };
    constexpr std::array<Column, 8> kColumns{{{"runs", "cell", "id"},
                                              {"runs", "provenance", "id"},
                                              {"samples", "hits", "run_id"},
                                              {"samples", "scores", "run_id"},
                                              {"samples", "examinations", "run_id"},
                                              {"samples", "attempts", "run_id"},
                                              {"run_banks", "bank", "run_id"},
                                              {"items", "gold_doc_ids", "NULL"}}};
    for (const auto& [table, name, run_id] : kColumns) {
      Statement row = database_.prepare(std::string("SELECT ") + run_id + ", COUNT(*) FROM " +
                                        table + " WHERE " + name + " IS NOT NULL AND NOT " +
                                        "json_valid(" + name + ") GROUP BY 1");
      while (row.step()) {
        const std::string run = row.is_null(0) ? "" : " of run " + row.text(0);
        add(std::string(", ") + table + run, row.text(1) + " rows have no JSON in '" + name + "'",
            kRestore);
      }
    }
  }

  void check_completions() {
    Statement row = database_.prepare(
        "SELECT s.run_id, COUNT(*) FROM samples s LEFT JOIN completions c ON c.key = "
        "s.completion_key WHERE s.completion_key IS NOT NULL AND c.key IS NULL GROUP BY s.run_id");
    while (row.step()) {
      add(", samples of run " + row.text(0),
          row.text(1) + " raw replies are missing from the completion cache",
          "predictions and scores are whole; 'crudbench run --refresh' asks for the replies again");
    }
  }

  void check_prompts() {
    Statement row = database_.prepare(
        "SELECT sha256, pack_id, first_byte, size_bytes FROM prompts ORDER BY pack_id");
    std::int64_t damaged = 0;
    std::int64_t pack_id = 0;
    std::optional<std::string> texts;  // nullopt where the pack is not whole.
    while (row.step()) {
      if (row.integer(1) != pack_id) {
        pack_id = row.integer(1);
        texts = unpacked_prompts(pack_id);
      }
      const auto size = row.is_null(3) ? std::nullopt : std::optional(row.integer(3));
      damaged += texts && is_prompt(row.text(0), *texts, row.integer(2), size) ? 0 : 1;
    }
    if (damaged > 0) {
      add(", table prompts",
          std::to_string(damaged) + " prompts are not those that were sent: their hash is another",
          "answers and scores are whole; a copy of the file may still have the prompts");
    }
  }

  std::optional<std::string> unpacked_prompts(std::int64_t pack_id) {
    Statement row = database_.prepare("SELECT packed FROM prompt_packs WHERE id = ?1");
    try {
      return row.bind(1, pack_id).step() ? std::optional(gunzip(row.blob(0))) : std::nullopt;
    } catch (const Error&) {
      return std::nullopt;
    }
  }

  static bool is_prompt(const std::string& sha256, const std::string& texts, std::int64_t begin,
                        std::optional<std::int64_t> size) {
    try {
      return sha256_hex(prompt_at(texts, begin, size)) == sha256;
    } catch (const Error&) {
      return false;
    }
  }

  Database database_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_database(const Workspace& workspace) {
  if (!std::filesystem::exists(workspace.database_file())) {
    return {};
  }
  try {
    return DatabaseCheck(workspace).run();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidData) {
      throw;
    }
    return {{kDatabase, error.what(), kRestore}};
  }
}

}  // namespace crudbench
