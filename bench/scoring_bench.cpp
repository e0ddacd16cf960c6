// Scoring speed on one core, in CPU time: the best of several rounds over all pairs of a file.
//
//   crudbench_scoring_bench FILE
//
// FILE holds one JSON object a line with "prediction" and "reference".

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/error.h"
#include "harness/core/json.h"
#include "harness/core/random.h"
#include "harness/text/segmenter.h"
#include "metrics/builtin_metrics.h"
#include "metrics/sequence_pair.h"
#include "metrics/statistics.h"

namespace {

using namespace crudbench;  // A program, not a header.

struct Pair {
  std::string text;
  std::string reference;
  std::vector<std::string_view> text_words;
  std::vector<std::string_view> reference_words;
};

std::vector<Pair> read_pairs(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw Error(ErrorCode::kIo, "cannot open '" + path + "'");
  }
  std::vector<Pair> pairs;
  for (std::string line; std::getline(file, line);) {
    const Json object = parse_json(line, path, ErrorCode::kInvalidData);
    pairs.push_back({.text = object.value("prediction", ""),
                     .reference = object.value("reference", ""),
                     .text_words = {},
                     .reference_words = {}});
  }
  if (pairs.empty()) {
    throw Error(ErrorCode::kInvalidData, path + ": expected at least one pair, found none");
  }
  return pairs;
}

double cpu_seconds(const std::function<void()>& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

double best_of(int rounds, const std::function<void()>& work) {
  double best = std::numeric_limits<double>::max();
  for (; rounds > 0; --rounds) {
    best = std::min(best, cpu_seconds(work));
  }
  return best;
}

void bench_pairs(std::vector<Pair> pairs) {
  constexpr int kRounds = 20;
  const auto report = [&](const std::string& what, double seconds) {
    const auto count = static_cast<double>(pairs.size());
    std::printf("%-52s %9.2f us/pair %9.0f pairs/s\n", what.c_str(), 1e6 * seconds / count,
                count / seconds);
  };
  report("segment both sides", best_of(kRounds, [&] {
           for (Pair& pair : pairs) {
             pair.text_words.clear();
             pair.reference_words.clear();
             jieba_segmenter().segment(pair.text, pair.text_words);
             jieba_segmenter().segment(pair.reference, pair.reference_words);
           }
         }));
  Catalog catalog;
  add_builtin_metrics(catalog);
  const std::vector<std::vector<Json>> selections = {
      {{{"type", "bleu"}}},
      {{{"type", "rouge"}}},
      {{{"type", "bleu"}}, {{"type", "rouge"}}},
      {{{"type", "rouge"}, {"variants", {"1", "2", "l"}}}},
      {{{"type", "bleu_smooth"}}},
      {{{"type", "chrf"}}},
      {{{"type", "length"}}},
      {{{"type", "format"}}},
  };
  for (const std::vector<Json>& selection : selections) {
    std::vector<std::unique_ptr<Metric>> metrics;
    std::string what;
    for (const Json& options : selection) {
      metrics.push_back(
          catalog.metrics.build(catalog.metrics.resolve(options, "bench", ""), MetricParts()));
      what += to_text(options);
    }
    report(what, best_of(kRounds, [&] {
             for (const Pair& pair : pairs) {
               Prediction prediction;
               prediction.text = pair.text;
               prediction.reference = pair.reference;
               prediction.text_words = pair.text_words;
               prediction.reference_words = pair.reference_words;
               for (const std::unique_ptr<Metric>& metric : metrics) {
                 metric->score(prediction);
               }
             }
           }));
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
  std::printf("%-52s %9.2f ms\n", "longest common subsequence, 10,000 words a side",
              1e3 * best_of(5, [&] { longest_common_subsequence(pair); }));
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
  SerialExecutor executor;
  std::printf("%-52s %9.2f s\n", "intervals: 1 mean, 36,000 samples, 10,000 resamples",
              cpu_seconds([&] { estimate_mean(columns.front(), {}, executor); }));
  std::printf("%-52s %9.2f s\n", "intervals: 20 means of the same samples",
              cpu_seconds([&] { estimate_means(views, {}, executor); }));
  std::vector<double> differences(kSamples);
  std::generate(differences.begin(), differences.end(), [&] { return random.normal(); });
  std::printf("%-52s %9.2f s\n", "permutation test, 36,000 samples, 10,000 flips",
              cpu_seconds([&] { permutation_p_value(differences, {}); }));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: crudbench_scoring_bench FILE\n");
    return 2;
  }
  try {
    bench_pairs(read_pairs(argv[1]));
    bench_long_texts();
    bench_statistics();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 3;
  }
  return 0;
}
