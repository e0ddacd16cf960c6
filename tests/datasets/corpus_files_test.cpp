#include "datasets/corpus_files.h"

#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "tests/fakes/backward_executor.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::BackwardExecutor;
using testing_support::TemporaryFolder;

CorpusFiles read(const std::filesystem::path& path) {
  SerialExecutor executor;
  return read_corpus_files(path, executor);
}

/// "ID=TEXT" of every document.
std::vector<std::string> documents_of(const CorpusFiles& files) {
  std::vector<std::string> documents;
  for (DocumentIndex i = 0; i < files.corpus.size(); ++i) {
    documents.push_back(files.corpus.doc_id(i) + "=" + std::string(files.corpus.text(i)));
  }
  return documents;
}

/// "PROBLEM|WHERE|DETAIL|EXCLUDED|COUNT" of every issue.
std::vector<std::string> issues_of(const CorpusFiles& files) {
  std::vector<std::string> issues;
  for (const HealthIssue& issue : files.issues) {
    issues.push_back(issue.problem + "|" + issue.where + "|" + issue.detail + "|" +
                     (issue.excluded ? "excluded" : "kept") + "|" + std::to_string(issue.count));
  }
  return issues;
}

TEST(CorpusFiles, TakesFilesByNameInByteOrderAndLinesInOrder) {
  const TemporaryFolder folder;
  folder.write("part_2", "丙\n");
  folder.write("part_10", "乙\n");
  folder.write("Part", "甲\n子\n");
  folder.write("新闻", "丁\n");
  const CorpusFiles files = read(folder.path());
  EXPECT_THAT(documents_of(files),
              ElementsAre("Part:1=甲", "Part:2=子", "part_10:1=乙", "part_2:1=丙", "新闻:1=丁"));
  EXPECT_THAT(files.issues, IsEmpty());
  EXPECT_EQ(files.line_count, 5U);
  EXPECT_EQ(files.excluded_count, 0U);
}

TEST(CorpusFiles, TakesWholeFilesAsDocumentsIfAsked) {
  const TemporaryFolder folder;
  folder.write("a", "甲\n\n \r\n乙\r\n");
  folder.write("b", "丙\n\xFF\n丁");
  folder.write("c", "\n \n");
  folder.write("d", "\xEF\xBB\xBF戊\n");
  SerialExecutor executor;
  const CorpusFiles files = read_corpus_files(folder.path(), executor, 0, DocumentUnit::kFile);
  EXPECT_THAT(documents_of(files), ElementsAre("a=甲\n\n\n乙\n", "b=丙\n\n丁\n", "d=戊\n"));
}

TEST(CorpusFiles, TakesLargeFilesAsDocumentsWhateverTheBlocks) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 300'000; ++i) {
    text += "第" + std::to_string(i) + "行\n";
  }
  folder.write("a", text);
  folder.write("b", "乙\n");
  BackwardExecutor backward(2);
  const CorpusFiles files = read_corpus_files(folder.path(), backward, 0, DocumentUnit::kFile);
  ASSERT_EQ(files.corpus.size(), 2U);
  EXPECT_EQ(files.corpus.text(0), text);
  EXPECT_EQ(files.corpus.text(1), "乙\n");
}

TEST(CorpusFiles, ReadsASingleFileAndALastLineWithoutLineEnd) {
  const TemporaryFolder folder;
  const auto file = folder.write("新闻.txt", "甲\n乙");
  EXPECT_THAT(documents_of(read(file)), ElementsAre("新闻.txt:1=甲", "新闻.txt:2=乙"));
}

TEST(CorpusFiles, KeepsSpacesAroundAndWithinALine) {
  const TemporaryFolder folder;
  EXPECT_THAT(documents_of(read(folder.write("f", " 甲\t乙　\n"))), ElementsAre("f:1= 甲\t乙　"));
}

TEST(CorpusFiles, LeavesBlankLinesOutButCountsTheirNumbers) {
  const TemporaryFolder folder;
  const CorpusFiles files = read(folder.write("f", "甲\n\n 　\n乙\n\n"));
  EXPECT_THAT(documents_of(files), ElementsAre("f:1=甲", "f:4=乙"));
  EXPECT_THAT(
      issues_of(files),
      ElementsAre("empty_line|f|3 lines with white space at most; the first is 2|excluded|3"));
  EXPECT_EQ(files.line_count, 5U);
  EXPECT_EQ(files.excluded_count, 3U);
}

TEST(CorpusFiles, StripsTheByteOrderMarkAndCrlf) {
  const TemporaryFolder folder;
  const CorpusFiles files = read(folder.write("f", "\xEF\xBB\xBF甲\r\n乙\r\n丙\n"));
  EXPECT_THAT(documents_of(files), ElementsAre("f:1=甲", "f:2=乙", "f:3=丙"));
  EXPECT_THAT(
      issues_of(files),
      ElementsAre("byte_order_mark|f|starts with a byte order mark, which is left out|kept|1",
                  "crlf|f|2 lines with CRLF at the end, read as LF|kept|2"));
  EXPECT_EQ(files.excluded_count, 0U);
}

TEST(CorpusFiles, ExcludesLinesThatAreNotUtf8AndSaysWhere) {
  const TemporaryFolder folder;
  // 甲 is bytes 0 to 2, its line end 3; 乙 is bytes 4 to 6, so the bad byte is 7, the line's second
  // character.
  const CorpusFiles files = read(folder.write("f", "甲\n乙\xFF丙\n丁\n"));
  EXPECT_THAT(documents_of(files), ElementsAre("f:1=甲", "f:3=丁"));
  EXPECT_THAT(
      issues_of(files),
      ElementsAre(
          "invalid_utf8|f:2|not UTF-8 at line 2, column 2 (byte 7 of the file)|excluded|1"));
  EXPECT_EQ(files.line_count, 3U);
  EXPECT_EQ(files.excluded_count, 1U);
}

TEST(CorpusFiles, SkipsHiddenFilesFoldersAndPipes) {
  const TemporaryFolder folder;
  folder.write("a", "甲\n");
  folder.write(".hidden", "乙\n");
  folder.write("sub/inner", "丙\n");
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  const CorpusFiles files = read(folder.path());
  EXPECT_THAT(documents_of(files), ElementsAre("a:1=甲"));
  EXPECT_THAT(
      issues_of(files),
      ElementsAre("hidden_file|.hidden|a hidden file or folder is no part of the corpus|excluded|1",
                  "no_file|pipe|a pipe, socket or device is no part of the corpus|excluded|1",
                  "sub_folder|sub|a sub-folder is no part of the corpus|excluded|1"));
}

TEST(CorpusFiles, CountsDuplicatesAcrossFiles) {
  const TemporaryFolder folder;
  folder.write("a", "甲\n乙\n");
  folder.write("b", "乙\n");
  const CorpusFiles files = read(folder.path());
  EXPECT_EQ(files.corpus.size(), 3U);
  EXPECT_EQ(files.corpus.duplicate_count(), 1U);
  EXPECT_EQ(files.corpus.canonical(2), 1U);
}

TEST(CorpusFiles, ReadsLongLinesAndManyPiecesTheSameOnAnyNumberOfThreads) {
  const TemporaryFolder folder;
  std::string content = "\xEF\xBB\xBF";
  std::vector<std::string> expected;
  for (int line = 1; line <= 40; ++line) {
    std::string text;
    while (text.size() < (line % 5 == 0 ? 1'300'000U : 30'000U)) {
      text += "第" + std::to_string(line) + "行的一段话，";
    }
    text += std::to_string(line);
    content += text + (line % 2 == 0 ? "\r\n" : "\n");
    expected.push_back("f:" + std::to_string(line) + "=" + text);
  }
  content += "\xFF\n";
  const auto file = folder.write("f", content);
  const CorpusFiles serial = read(file);
  EXPECT_EQ(documents_of(serial), expected);
  EXPECT_THAT(issues_of(serial),
              ElementsAre(testing::StartsWith("byte_order_mark|"),
                          "invalid_utf8|f:41|not UTF-8 at line 41, column 1 (byte " +
                              std::to_string(content.size() - 2) + " of the file)|excluded|1",
                          "crlf|f|20 lines with CRLF at the end, read as LF|kept|20"));
  BackwardExecutor executor(7);
  const CorpusFiles parallel = read_corpus_files(file, executor);
  EXPECT_EQ(documents_of(parallel), expected);
  EXPECT_EQ(issues_of(parallel), issues_of(serial));
}

TEST(CorpusFiles, RefusesAMissingPath) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "nowhere").string();
  EXPECT_ERROR(read(path), ErrorCode::kIo, "cannot read '" + path + "': No such file or directory");
}

TEST(CorpusFiles, RefusesAnUnreadableFileInTheFolder) {
  const TemporaryFolder folder;
  folder.write("a", "甲\n");
  std::filesystem::create_symlink("nowhere", folder.path() / "link");
  EXPECT_ERROR(
      read(folder.path()), ErrorCode::kIo,
      "cannot read '" + (folder.path() / "link").string() + "': No such file or directory");
}

TEST(CorpusFiles, RefusesAnEmptyFolderByItsName) {
  const TemporaryFolder folder;
  EXPECT_ERROR(
      read(folder.path()), ErrorCode::kInvalidData,
      "corpus folder '" + folder.path().string() + "' holds no document: there is no file in it");
}

TEST(CorpusFiles, RefusesAFolderOfBlankLinesByItsName) {
  const TemporaryFolder folder;
  folder.write("a", "\n \n");
  folder.write("b", "");
  EXPECT_ERROR(read(folder.path()), ErrorCode::kInvalidData,
               "corpus folder '" + folder.path().string() +
                   "' holds no document: none of its 2 lines is an article");
}

TEST(CorpusFiles, RefusesAnEmptyFile) {
  const TemporaryFolder folder;
  const auto file = folder.write("a", "");
  EXPECT_ERROR(read(file), ErrorCode::kInvalidData,
               "corpus file '" + file.string() + "' holds no document");
}

}  // namespace
}  // namespace crudbench
