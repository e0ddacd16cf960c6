// Speed of scoring, over pairs of answer and reference mixed from the sentences of any Chinese
// text. Prints
//   - a whole benchmark: SAMPLES pairs with kMetrics and similarity over LSA, then the intervals of
//     all their values, on THREADS threads: wall time, peak memory;
//   - BLEU and ROUGE-L over raw text, segmentation included, on one thread against a Python loop
//     over jieba and the same formulas (where /usr/bin/python3 can import jieba; it runs between
//     the rounds, so that both meet the same machine; quote the ratio), and on THREADS threads;
//   - each metric alone over given words, and the statistics.
//
//   crudbench_scoring_bench FILE [SAMPLES = 36000] [THREADS = 2]

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "datasets/corpus.h"
#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/json.h"
#include "harness/core/random.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/scorer.h"
#include "harness/runner/thread_pool.h"
#include "harness/text/segmenter.h"
#include "harness/text/utf8.h"
#include "metrics/bleu.h"
#include "metrics/sequence_pair.h"
#include "metrics/statistics.h"
#include "retrievers/knowledge_base.h"

namespace {

using namespace crudbench;  // A program, not a header.

/// Those of the whole benchmark, and similarity over LSA.
const std::vector<Json> kMetrics = {
    {{"type", "bleu"}}, {{"type", "rouge"}, {"variants", {"1", "2", "l"}}}, {{"type", "chrf"}}};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double cpu_seconds_of(const std::function<void()>& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

/// Of the calling thread.
double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double best_of(int rounds, double (*measure)(const std::function<void()>&),
               const std::function<void()>& work) {
  double best = std::numeric_limits<double>::max();
  for (; rounds > 0; --rounds) {
    best = std::min(best, measure(work));
  }
  return best;
}

double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

struct Pair {
  std::string prediction;
  std::string reference;
};

std::vector<std::string_view> sentences_of(std::string_view text) {
  constexpr std::string_view kStop = "。";
  std::vector<std::string_view> sentences;
  while (!text.empty()) {
    const std::size_t line = std::min(text.find('\n'), text.size());
    const std::size_t stop = text.find(kStop);
    const std::size_t end = stop < line ? stop + kStop.size() : line;
    if (end > 0) {
      sentences.push_back(text.substr(0, end));
    }
    text.remove_prefix(std::min(text.size(), end + (stop < line ? 0 : 1)));
  }
  return sentences;
}

/// References of neighbouring sentences, about as long as those of CRUD-RAG; in the answers two
/// sentences of five are others.
std::vector<Pair> mix_pairs(std::string_view text, std::size_t count) {
  constexpr std::size_t kReferenceBytes = 500;
  const std::vector<std::string_view> sentences = sentences_of(text);
  if (sentences.empty()) {
    throw Error(ErrorCode::kInvalidData, "the text holds no sentence");
  }
  Random random(1);
  std::vector<Pair> pairs(count);
  for (Pair& pair : pairs) {
    for (std::size_t i = random.below(sentences.size()); pair.reference.size() < kReferenceBytes;
         i = (i + 1) % sentences.size()) {
      pair.reference += sentences[i];
      pair.prediction +=
          random.below(5) < 3 ? sentences[i] : sentences[random.below(sentences.size())];
    }
  }
  return pairs;
}

std::vector<ScorerInput> inputs_of(std::span<const Pair> pairs) {
  std::vector<ScorerInput> inputs;
  for (const Pair& pair : pairs) {
    inputs.push_back({.task = "quest_answer",
                      .prediction = pair.prediction,
                      .reference = pair.reference,
                      .reply = {},
                      .documents = {},
                      .gold = {}});
  }
  return inputs;
}

std::vector<Json> resolved(std::span<const Json> metrics) {
  std::vector<Json> result;
  for (const Json& metric : metrics) {
    result.push_back(builtin_catalog().metrics.resolve(metric, "bench", ""));
  }
  return result;
}

/// An LSA model of all references, in a folder that goes with it.
class LearnedEmbedder {
 public:
  LearnedEmbedder(std::span<const Pair> pairs, ThreadPool& threads)
      : folder_(std::filesystem::temp_directory_path() /
                ("crudbench-bench-" + std::to_string(::getpid()))) {
    for (const Pair& pair : pairs) {
      corpus_.add_named("reference " + std::to_string(corpus_.size()), pair.reference);
    }
    base_.emplace(folder_, corpus_, fingerprint_of(corpus_, threads), builtin_catalog(), threads);
  }
  ~LearnedEmbedder() {
    base_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  LearnedEmbedder(const LearnedEmbedder&) = delete;
  LearnedEmbedder& operator=(const LearnedEmbedder&) = delete;

  static Json metric() {
    const Catalog& catalog = builtin_catalog();
    return catalog.metrics.resolve(
        {{"type", "similarity"},
         {"embedder", catalog.embedders.resolve({{"type", "lsa"}}, "bench", "")},
         {"chunker", document_chunker_config()}},
        "bench", "");
  }

  const Embedder& get() {
    return base_->embedder(document_chunker_config(), metric().at("embedder"));
  }

 private:
  std::filesystem::path folder_;
  Corpus corpus_;
  std::optional<KnowledgeBase> base_;
};

void bench_benchmark(std::span<const Pair> pairs, ThreadPool& threads) {
  LearnedEmbedder lsa(pairs, threads);
  std::printf("LSA learned from all references in %.2f s\n", seconds_of([&] { lsa.get(); }));
  const ScorerResources resources{
      .embedder = [&](const Json&) -> const Embedder& { return lsa.get(); }, .references = {}};
  std::vector<Json> metrics = resolved(kMetrics);
  metrics.push_back(LearnedEmbedder::metric());
  const Scorer scorer(metrics, builtin_catalog(), resources);
  const std::vector<ScorerInput> inputs = inputs_of(pairs);
  std::map<std::string, std::vector<double>> columns;
  std::vector<BleuCounts> bleu_counts;
  const double scoring = seconds_of([&] {
    for (const Json& scores : scorer.score_all(inputs, threads)) {
      for (const auto& [name, value] : scores.items()) {
        if (value.is_number()) {
          columns[name].push_back(value.get<double>());
        } else if (name == "bleu_corpus" && value.contains("counts")) {
          bleu_counts.push_back(
              *bleu_counts_from(value.at("counts").get<std::vector<std::uint64_t>>()));
        }
      }
    }
  });
  const double intervals = seconds_of([&] {
    std::vector<std::span<const double>> views;
    for (const auto& [name, column] : columns) {
      views.emplace_back(column);
    }
    estimate_means(views, {}, threads);
    estimate_corpus_bleu(bleu_counts, {}, threads);
  });
  std::printf(
      "%zu samples on %zu threads: scored in %.2f s, intervals of %zu values in %.2f s; "
      "peak memory %.0f MB\n",
      pairs.size(), threads.concurrency(), scoring, columns.size() + 1, intervals,
      peak_megabytes());
}

/// Upstream's formulas: BLEU as tensorflow/nmt's bleu.py, ROUGE-L as rouge_score 0.1.2, whose
/// tables of lists and Counters these are. Prints CPU seconds and the sums of both scores.
constexpr const char* kPythonCommand = R"(/usr/bin/python3 -W ignore -c '
import collections, jieba, json, math, sys, time
jieba.setLogLevel(60)
jieba.initialize()
pairs = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
def ngrams(words):
    return collections.Counter(
        tuple(words[i:i + n]) for n in range(1, 5) for i in range(len(words) - n + 1))
def bleu(text, reference):
    matches = [0] * 4
    for ngram, count in (ngrams(text) & ngrams(reference)).items():
        matches[len(ngram) - 1] += count
    possible = [max(len(text) - n, 0) for n in range(4)]
    if min(matches) == 0:
        return 0.0
    mean = math.exp(sum(math.log(m / p) / 4 for m, p in zip(matches, possible)))
    ratio = len(text) / len(reference)
    return mean * (1.0 if ratio > 1.0 else math.exp(1 - 1 / ratio))
def rouge_l(text, reference):
    table = [[0] * (len(text) + 1) for _ in range(len(reference) + 1)]
    for i in range(1, len(reference) + 1):
        for j in range(1, len(text) + 1):
            if reference[i - 1] == text[j - 1]:
                table[i][j] = table[i - 1][j - 1] + 1
            else:
                table[i][j] = max(table[i - 1][j], table[i][j - 1])
    length = table[-1][-1]
    precision, recall = length / len(text), length / len(reference)
    return 2 * precision * recall / (precision + recall) if length else 0.0
start = time.process_time()
sums = [0.0, 0.0]
for text, reference in pairs:
    words, reference_words = jieba.lcut(text), jieba.lcut(reference)
    sums[0] += bleu(words, reference_words)
    sums[1] += rouge_l(words, reference_words)
print(time.process_time() - start, *sums)
')";

struct PythonResult {
  double seconds = 0.0;
  double bleu = 0.0;
  double rouge_l = 0.0;
};

std::optional<PythonResult> run_python(std::span<const Pair> pairs) {
  std::string lines;
  for (const Pair& pair : pairs) {
    lines += to_text(Json{pair.prediction, pair.reference}) + "\n";
  }
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("scoring-bench-" + std::to_string(::getpid()));
  write_file_atomically(file, lines);
  PythonResult result;
  std::FILE* output =
      ::popen((std::string(kPythonCommand) + " '" + file.string() + "' 2>/dev/null").c_str(), "r");
  const int fields = output == nullptr ? 0
                                       : std::fscanf(output, "%lf %lf %lf", &result.seconds,
                                                     &result.bleu, &result.rouge_l);
  const bool is_there = output != nullptr && ::pclose(output) == 0 && fields == 3;
  std::filesystem::remove(file);
  return is_there ? std::optional(result) : std::nullopt;
}

void bench_raw_text(std::span<const Pair> pairs, ThreadPool& threads) {
  constexpr int kRounds = 5;
  constexpr std::size_t kPythonPairs = 1'000;
  const ScorerResources resources;
  const Scorer scorer(resolved(std::vector<Json>{{{"type", "bleu"}}, {{"type", "rouge"}}}),
                      builtin_catalog(), resources);
  const std::vector<ScorerInput> inputs = inputs_of(pairs);
  const std::span<const ScorerInput> few =
      std::span(inputs).first(std::min(kPythonPairs, inputs.size()));
  SerialExecutor serial;
  std::vector<Json> scores;
  const auto score_few = [&] { scores = scorer.score_all(few, serial); };
  double best = best_of(kRounds, cpu_seconds_of, score_few);
  const std::optional<PythonResult> python = run_python(pairs.first(few.size()));
  best = std::min(best, best_of(kRounds, cpu_seconds_of, score_few));
  const auto count = static_cast<double>(few.size());
  std::printf("BLEU and ROUGE-L of raw text, one thread: %.1f us a pair\n", 1e6 * best / count);
  if (python.has_value()) {
    double bleu = 0.0;
    double rouge_l = 0.0;
    for (const Json& values : scores) {
      bleu += values.at("bleu").get<double>();
      rouge_l += values.at("rouge_l").get<double>();
    }
    std::printf("Python: %.1f us a pair; ratio %.0fx; means %s (BLEU %.6f, ROUGE-L %.6f)\n",
                1e6 * python->seconds / count, python->seconds / best,
                std::abs(bleu - python->bleu) + std::abs(rouge_l - python->rouge_l) < 1e-9 * count
                    ? "equal"
                    : "DIFFER",
                bleu / count, rouge_l / count);
  } else {
    std::printf("Python: not found; install Debian's python3-jieba to compare with it\n");
  }
  double one = std::numeric_limits<double>::max();
  double several = one;
  double alone = one;
  for (int round = 0; round < kRounds; ++round) {
    one = std::min(one, seconds_of([&] { scorer.score_all(inputs, serial); }));
    const double before = thread_cpu_seconds();
    several = std::min(several, seconds_of([&] { scorer.score_all(inputs, threads); }));
    alone = std::min(alone, thread_cpu_seconds() - before);
  }
  std::printf(
      "the same on %zu threads: %.2fx (%.2f s, %.2f s, of which %.2f s on one thread alone)\n",
      threads.concurrency(), one / several, one, several, alone);
}

void bench_metrics(std::span<const Pair> pairs) {
  constexpr int kRounds = 10;
  pairs = pairs.first(std::min<std::size_t>(1'000, pairs.size()));
  std::vector<std::vector<std::string_view>> words(2 * pairs.size());
  std::vector<Prediction> predictions(pairs.size());
  const auto segment = [&] {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      words[2 * i].clear();
      words[2 * i + 1].clear();
      jieba_segmenter().segment(pairs[i].prediction, words[2 * i]);
      jieba_segmenter().segment(pairs[i].reference, words[2 * i + 1]);
      predictions[i].text = pairs[i].prediction;
      predictions[i].reference = pairs[i].reference;
      predictions[i].text_words = words[2 * i];
      predictions[i].reference_words = words[2 * i + 1];
    }
  };
  const auto report = [&](const std::string& what, double seconds) {
    std::printf("  %-50s %9.2f us a pair\n", what.c_str(),
                1e6 * seconds / static_cast<double>(pairs.size()));
  };
  std::printf("one thread, %zu pairs:\n", pairs.size());
  report("segment both sides", best_of(kRounds, cpu_seconds_of, segment));
  std::vector<Json> selection = kMetrics;
  selection.insert(
      selection.end(),
      {{{"type", "rouge"}}, {{"type", "bleu_smooth"}}, {{"type", "length"}}, {{"type", "format"}}});
  SerialExecutor serial;
  for (const Json& options : selection) {
    const std::unique_ptr<Metric> metric = builtin_catalog().metrics.build(
        builtin_catalog().metrics.resolve(options, "bench", ""), MetricParts());
    report(to_text(options),
           best_of(kRounds, cpu_seconds_of, [&] { metric->score_all(predictions, serial); }));
  }
}

void bench_long_texts() {
  constexpr std::size_t kWords = 10'000;
  constexpr std::uint32_t kVocabulary = 3'000;
  Random random(1);
  SequencePair pair{.prediction = {}, .reference = {}, .vocabulary = kVocabulary};
  for (std::size_t i = 0; i < kWords; ++i) {
    pair.prediction.push_back(static_cast<std::uint32_t>(random.below(kVocabulary)));
    pair.reference.push_back(static_cast<std::uint32_t>(random.below(kVocabulary)));
  }
  std::printf("  %-50s %9.2f ms\n", "longest common subsequence, 10,000 words a side",
              1e3 * best_of(5, cpu_seconds_of, [&] { longest_common_subsequence(pair); }));
}

/// Rows that differ by a little more than chance.
std::vector<std::vector<std::optional<double>>> random_rows(std::size_t rows, std::size_t samples) {
  constexpr double kStep = 0.002;
  Random random(3);
  std::vector<std::vector<std::optional<double>>> result(
      rows, std::vector<std::optional<double>>(samples));
  for (std::size_t row = 0; row < rows; ++row) {
    std::generate(result[row].begin(), result[row].end(),
                  [&] { return random.unit() + kStep * static_cast<double>(row); });
  }
  return result;
}

void bench_statistics() {
  constexpr std::size_t kSamples = 36'000;
  constexpr std::size_t kColumns = 20;
  Random random(2);
  std::vector<std::vector<double>> columns(kColumns, std::vector<double>(kSamples));
  for (std::vector<double>& column : columns) {
    std::generate(column.begin(), column.end(), [&] { return random.unit(); });
  }
  const std::vector<std::span<const double>> views(columns.begin(), columns.end());
  std::vector<double> differences(kSamples);
  std::generate(differences.begin(), differences.end(), [&] { return random.normal(); });
  const auto few_rows = random_rows(20, kSamples);
  const auto many_rows = random_rows(100, 1'000);
  SerialExecutor serial;
  const auto report = [](const char* what, const std::function<void()>& work) {
    std::printf("  %-50s %9.3f s\n", what, cpu_seconds_of(work));
  };
  std::printf("statistics, one thread, 36,000 samples, 10,000 resamples:\n");
  report("interval of one mean", [&] { estimate_mean(columns.front(), {}, serial); });
  report("intervals of 20 means", [&] { estimate_means(views, {}, serial); });
  report("permutation test", [&] { permutation_p_value(differences, {}); });
  report("sign-flip test, saddlepoint", [&] { sign_flip_p_value(differences); });
  report("ranks of 20 rows", [&] { significant_wins(few_rows, true); });
  report("ranks of 100 rows with 1,000 samples", [&] { significant_wins(many_rows, true); });
}

void run(const std::string& path, std::size_t samples, std::size_t thread_count) {
  const std::vector<Pair> pairs = mix_pairs(replace_invalid_utf8(read_file(path)), samples);
  std::size_t characters = 0;
  for (const Pair& pair : pairs) {
    characters += count_code_points(pair.prediction) + count_code_points(pair.reference);
  }
  std::printf("%zu pairs, %.0f characters a side\n", pairs.size(),
              static_cast<double>(characters) / static_cast<double>(2 * pairs.size()));
  ThreadPool threads(thread_count);
  bench_benchmark(pairs, threads);
  bench_raw_text(pairs, threads);
  bench_metrics(pairs);
  bench_long_texts();
  bench_statistics();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fputs("usage: crudbench_scoring_bench FILE [SAMPLES] [THREADS]\n", stderr);
    return 2;
  }
  try {
    const auto number = [&](int position, std::size_t otherwise) {
      return argc > position ? std::max<std::size_t>(1, std::strtoul(argv[position], nullptr, 10))
                             : otherwise;
    };
    run(argv[1], number(2, 36'000), number(3, 2));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
