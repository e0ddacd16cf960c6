#include "harness/store/integrity.h"

#include <algorithm>
#include <fstream>
#include <functional>

#include "harness/core/fingerprint.h"
#include "harness/store/compression.h"
#include "harness/store/store.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::HasSubstr;
using testing_support::TemporaryFolder;

class IntegrityTest : public ::testing::Test {
 protected:
  /// A workspace with one run of one sample.
  IntegrityTest() {
    Store store(workspace_, Database::Mode::kReadWrite);
    const auto items = store.put_items(
        "s", "c", std::vector<ItemRecord>{{.task = "event_summary", .sample_id = "a"}});
    const std::int64_t run_id = store.put_run({.fingerprint = "f",
                                               .cell_fingerprint = "c",
                                               .task = "event_summary",
                                               .cell = Json::object(),
                                               .provenance = Json::object(),
                                               .sample_count = 1});
    store.put_completions(std::vector<CompletionRecord>{{.key = "k", .text = "答"}});
    store.put_samples(run_id, std::vector<SampleRecord>{{.item_id = items[0],
                                                         .prompt_sha256 = sha256_hex("问"),
                                                         .prompt = "问",
                                                         .completion_key = "k"}});
  }

  void execute(const std::string& sql) const {
    Database(workspace_.database_file(), Database::Mode::kReadWrite).execute(sql);
  }

  TemporaryFolder folder_;
  Workspace workspace_{folder_.path()};
};

TEST_F(IntegrityTest, FindsNothingInAWholeDatabase) {
  EXPECT_TRUE(check_database(workspace_).empty());
}

TEST_F(IntegrityTest, FindsNothingInADatabaseWithoutTables) {
  const Workspace cut_off{folder_.path() / "cut-off"};
  std::filesystem::create_directory(cut_off.folder);
  { const Database database(cut_off.database_file(), Database::Mode::kReadWrite); }
  EXPECT_TRUE(check_database(cut_off).empty());
}

TEST_F(IntegrityTest, FindsNothingWhereThereIsNoDatabase) {
  EXPECT_TRUE(check_database({folder_.path() / "elsewhere"}).empty());
}

TEST_F(IntegrityTest, FindsRepliesThatAreMissingFromTheCache) {
  execute("DELETE FROM completions");
  const auto findings = check_database(workspace_);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].place, "crudbench.db, samples of run 1");
  EXPECT_EQ(findings[0].problem, "1 raw replies are missing from the completion cache");
  EXPECT_THAT(findings[0].remedy, HasSubstr("--refresh"));
}

TEST_F(IntegrityTest, FindsPromptsThatAreNotWhatWasSent) {
  Database database(workspace_.database_file(), Database::Mode::kReadWrite);
  const auto packed_as = [&](const std::string& bytes) {
    database.prepare("UPDATE prompt_packs SET packed = ?1").bind_blob_view(1, bytes).run();
  };
  for (const auto& damage : std::vector<std::function<void()>>{
           [&] { database.execute("UPDATE prompts SET size_bytes = 99"); },
           [&] { database.execute("UPDATE prompts SET size_bytes = 1"); },
           [&] {
             database.execute("UPDATE prompts SET size_bytes = NULL");
             packed_as(gzip("另一个", 1));
           },
           [&] { packed_as("no gzip"); },
           [&] { database.execute("PRAGMA foreign_keys=OFF; DELETE FROM prompt_packs"); }}) {
    damage();
    const auto findings = check_database(workspace_);
    EXPECT_TRUE(std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
      return finding.place == "crudbench.db, table prompts" &&
             finding.problem.starts_with("1 prompts are not those that were sent");
    }));
  }
}

TEST_F(IntegrityTest, FindsWhatIsNoJson) {
  execute("UPDATE samples SET scores = '{'");
  const auto findings = check_database(workspace_);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].problem, "1 rows have no JSON in 'scores'");
}

TEST_F(IntegrityTest, FindsBrokenReferences) {
  execute("PRAGMA foreign_keys=OFF; DELETE FROM runs");
  const auto findings = check_database(workspace_);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].problem, "rows refer to rows of runs that are missing");
}

TEST_F(IntegrityTest, FindsDamagedPages) {
  execute("PRAGMA wal_checkpoint(TRUNCATE)");
  {
    std::fstream file(workspace_.database_file(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(2 * 4096 + 3);
    file << std::string(2000, '\x7F');
  }
  const auto findings = check_database(workspace_);
  ASSERT_FALSE(findings.empty());
  EXPECT_THAT(findings[0].remedy, HasSubstr("restore the file from a copy"));
}

}  // namespace
}  // namespace crudbench
