#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "datasets/builtin_datasets.h"
#include "datasets/corpus_files.h"
#include "datasets/dataset.h"
#include "datasets/gold_documents.h"
#include "datasets/samples_file.h"
#include "harness/core/error.h"
#include "harness/core/options.h"
#include "harness/core/random.h"
#include "harness/core/suggest.h"

namespace crudbench {

namespace {

constexpr std::array<std::string_view, 2> kModes{"paper", "gold_augmented"};
constexpr std::array<std::string_view, 2> kDocumentUnits{"line", "file"};

struct CrudRagOptions {
  std::filesystem::path samples;
  std::filesystem::path corpus;      ///< A folder or a file.
  std::vector<std::string> tasks;    ///< Without groups and repeats, in upstream's order.
  std::optional<std::size_t> limit;  ///< Samples per task; all of them if absent.
  std::uint64_t seed = 22;           ///< Of the choice that `limit` makes. Upstream's.
  std::string mode;                  ///< One of `kModes`.
  DocumentUnit unit = DocumentUnit::kLine;
};

/// Whether the name in a config means the task.
bool names_task(std::string_view name, std::string_view task) {
  return name == task || name == "all" ||
         (name == "quest_answer" && task.starts_with("questanswer_"));
}

std::vector<std::string> parse_tasks(Options& options) {
  std::vector<std::string> known(crud_rag_tasks().begin(), crud_rag_tasks().end());
  known.insert(known.end(), {"quest_answer", "all"});
  const std::vector<std::string> names = options.texts("tasks", {"all"});
  if (names.empty()) {
    options.fail("tasks", "at least one task");
  }
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw Error(ErrorCode::kInvalidConfig, options.file() + ": " + options.pointer_to("tasks") +
                                                 ": unknown task '" + name + "'" +
                                                 suggestion(name, known));
    }
  }
  std::vector<std::string> tasks;
  for (const std::string_view task : crud_rag_tasks()) {
    if (std::any_of(names.begin(), names.end(),
                    [&](const std::string& name) { return names_task(name, task); })) {
      tasks.emplace_back(task);
    }
  }
  options.record("tasks", tasks);
  return tasks;
}

CrudRagOptions parse(Options& options) {
  CrudRagOptions parsed;
  parsed.samples = options.text("samples");
  parsed.corpus = options.text("corpus");
  parsed.tasks = parse_tasks(options);
  if (!options.raw("limit").is_null()) {
    parsed.limit = static_cast<std::size_t>(options.integer("limit", 1, 1));
  }
  parsed.seed = static_cast<std::uint64_t>(options.integer("seed", 22, 0));
  parsed.mode = options.one_of("kb", kModes, kModes.front());
  if (options.one_of("document", kDocumentUnits, kDocumentUnits.front()) == kDocumentUnits[1]) {
    parsed.unit = DocumentUnit::kFile;
  }
  if (parsed.unit == DocumentUnit::kFile && parsed.mode != kModes.front()) {
    options.fail("document",
                 "\"line\" with \"kb\": \"gold_augmented\", whose gold documents are articles");
  }
  return parsed;
}

/// Reads a file piece by piece.
class PieceReader {
 public:
  explicit PieceReader(const std::filesystem::path& path)
      : path_(path.string()), file_(std::fopen(path.c_str(), "rb")) {
    if (file_ == nullptr) {
      throw io_error("read", path_, errno);
    }
    if (std::error_code ignored; std::filesystem::is_directory(path, ignored)) {
      throw io_error("read", path_, EISDIR);
    }
  }

  /// The next bytes, valid until the next call; empty at the end. Throws Error(kIo).
  std::string_view next() {
    const std::size_t size_bytes = std::fread(buffer_.data(), 1, buffer_.size(), file_.get());
    if (size_bytes == 0 && std::ferror(file_.get()) != 0) {
      throw io_error("read", path_, errno);
    }
    return std::string_view(buffer_).substr(0, size_bytes);
  }

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::string buffer_ = std::string(std::size_t{1} << 18U, '\0');
};

/// Keeps `limit` samples of each task, chosen by `seed`, in their order.
void keep_sampled(std::vector<Sample>& samples, std::size_t limit, std::uint64_t seed) {
  std::map<std::string_view, std::vector<std::size_t>> positions;  // task → where its samples are
  for (std::size_t i = 0; i < samples.size(); ++i) {
    positions[samples[i].task].push_back(i);
  }
  std::vector<std::size_t> kept;
  for (const auto& [task, of_task] : positions) {
    for (const std::size_t i : sample_positions(of_task.size(), limit, derive_seed(seed, task))) {
      kept.push_back(of_task[i]);
    }
  }
  std::sort(kept.begin(), kept.end());
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i != kept[i]) {
      samples[i] = std::move(samples[kept[i]]);
    }
  }
  samples.resize(kept.size());
}

class CrudRagReader final : public DatasetReader {
 public:
  explicit CrudRagReader(CrudRagOptions options) : options_(std::move(options)) {}

  Dataset read(Executor& executor) const override;

 private:
  /// Reads the samples of the chosen tasks, and every task's source articles: so all cells of one
  /// samples file and mode share one knowledge base.
  void read_chosen_samples(PieceReader& pieces, Dataset& dataset) const;

  CrudRagOptions options_;
};

Dataset CrudRagReader::read(Executor& executor) const {
  PieceReader pieces(options_.samples);  // A missing file is told before the corpus is read.
  // Source articles are texts of the samples file, so they are no larger than it.
  std::error_code ignored;
  const std::uintmax_t samples_bytes = std::filesystem::file_size(options_.samples, ignored);
  CorpusFiles files = read_corpus_files(options_.corpus, executor,
                                        ignored ? 0 : std::size_t{samples_bytes}, options_.unit);

  Dataset dataset{.corpus = std::move(files.corpus),
                  .issues = std::move(files.issues),
                  .corpus_line_count = files.line_count,
                  .corpus_excluded_count = files.excluded_count,
                  .knowledge_base_mode = options_.mode};
  const std::size_t line_documents = dataset.corpus.size();
  read_chosen_samples(pieces, dataset);
  dataset.added_gold_document_count = dataset.corpus.size() - line_documents;
  dataset.corpus_fingerprint = fingerprint_of(dataset.corpus, executor);
  return dataset;
}

void CrudRagReader::read_chosen_samples(PieceReader& pieces, Dataset& dataset) const {
  const std::string file = options_.samples.filename().string();
  const KnowledgeBaseMode mode = options_.mode == kModes.front()
                                     ? KnowledgeBaseMode::kPaper
                                     : KnowledgeBaseMode::kGoldAugmented;
  std::vector<HealthIssue> gold_issues;
  SamplesFile samples_file = read_samples(
      file, [&] { return pieces.next(); },
      [&](Sample sample) {
        attach_gold_documents(sample, dataset.corpus, mode, file, gold_issues);
        if (std::find(options_.tasks.begin(), options_.tasks.end(), sample.task) !=
            options_.tasks.end()) {
          dataset.samples.push_back(std::move(sample));
        }
      });
  for (const std::string& task : options_.tasks) {
    if (!samples_file.record_counts.contains(task)) {
      std::string known;
      for (const auto& [name, count] : samples_file.record_counts) {
        known += (known.empty() ? "" : ", ") + name;
      }
      throw Error(ErrorCode::kInvalidData, options_.samples.string() +
                                               ": no samples of the task '" + task +
                                               "', which the config asks for; the file has " +
                                               (known.empty() ? "no task" : known));
    }
  }
  if (options_.limit) {
    keep_sampled(dataset.samples, *options_.limit, options_.seed);
  }
  dataset.record_counts = std::move(samples_file.record_counts);
  dataset.excluded_counts = std::move(samples_file.excluded_counts);
  dataset.samples_fingerprint = std::move(samples_file.fingerprint);
  for (std::vector<HealthIssue>* issues : {&samples_file.issues, &gold_issues}) {
    std::move(issues->begin(), issues->end(), std::back_inserter(dataset.issues));
  }
}

}  // namespace

Registry<DatasetReader>::Entry crud_rag_entry() {
  return {.summary = "CRUD-RAG's split_merged.json and its folder of one-article-a-line files",
          .example = {{"type", "crud_rag"},
                      {"samples", "data/split_merged.json"},
                      {"corpus", "data/80000_docs"},
                      {"tasks", {"quest_answer"}},
                      {"limit", 200},
                      {"seed", 22},
                      {"kb", "gold_augmented"}},
          .check = [](Options& options) { parse(options); },
          .make = [](Options& options) -> std::unique_ptr<DatasetReader> {
            return std::make_unique<CrudRagReader>(parse(options));
          },
          .list_options = {"tasks"}};
}

}  // namespace crudbench
