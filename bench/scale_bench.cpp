// How planning and merging of shards grow:
//   crudbench_scale_bench plan                      1,000,000 samples x 50 cells in 10, 100, 1,000
//   shards crudbench_scale_bench merge FOLDER ROWS SHARDS  merges ROWS rows of samples; removes
//   what it made

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <vector>

#include "harness/core/random.h"
#include "harness/runner/sharding.h"
#include "harness/store/merge.h"
#include "harness/store/store.h"

namespace {

using namespace crudbench;  // A program, not a header.

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

void measure_plan() {
  constexpr std::size_t kSamples = 1'000'000;
  constexpr std::size_t kCells = 50;
  SplitTask task;
  Random random(1);
  for (std::size_t i = 0; i < kSamples; ++i) {
    task.sample_tokens.push_back(50 + random.below(500));
  }
  for (std::size_t i = 0; i < kCells; ++i) {
    task.runs.push_back({.context_tokens = 128 << (i % 6), .weight = i % 5 == 0 ? 1U : 100U});
  }
  for (const std::size_t shards : {10U, 100U, 1000U}) {
    const auto start = std::chrono::steady_clock::now();
    const auto ranges = split_evenly({task}, shards);
    std::printf("%zu samples x %zu cells in %zu shards: %.2f s, peak %.0f MB\n", kSamples, kCells,
                ranges.size(), seconds_since(start), peak_megabytes());
  }
}

constexpr std::size_t kRuns = 50;

/// Writes the samples of one shard: `item_count` items in each of 50 runs, 1.3 KB a row.
void write_shard(const Workspace& workspace, std::size_t number, std::size_t shard_count,
                 std::size_t item_count) {
  Store store(workspace, Database::Mode::kReadWrite);
  std::vector<ItemRecord> items;
  const std::size_t first = (number - 1) * item_count;
  for (std::size_t i = 0; i < item_count; ++i) {
    items.push_back({.task = "questanswer_1doc",
                     .sample_id = "sample-" + std::to_string(first + i),
                     .query = std::string(60, 'q'),
                     .reference = std::string(120, 'r'),
                     .gold_doc_ids = {"documents.txt:1"}});
  }
  const std::vector<std::int64_t> item_ids = store.put_items("samples", "corpus", items);
  std::vector<ExperimentRun> runs;
  for (std::size_t run = 0; run < kRuns; ++run) {
    runs.push_back(
        {store.put_run({.fingerprint = "run-" + std::to_string(run),
                        .cell_fingerprint = "cell-" + std::to_string(run),
                        .task = "questanswer_1doc",
                        .cell = Json::object(),
                        .provenance = {{"crudbench", "1"}, {"git", "g"}},
                        .sample_count = static_cast<std::int64_t>(item_count * shard_count)}),
         ""});
    std::vector<SampleRecord> samples;
    for (const std::int64_t item_id : item_ids) {
      SampleRecord& sample = samples.emplace_back();
      sample.item_id = item_id;
      sample.prompt_sha256 = std::string(64, 'a');
      sample.prediction = std::string(300, 'p');
      sample.reply = std::string(320, 'p');
      for (std::uint32_t hit = 0; hit < 8; ++hit) {
        sample.hits.push_back(
            {"documents_2019.txt:12345", {hit * 100, hit * 100 + 90}, 12.345678, false});
      }
      sample.scores = {{"bleu_upstream", 0.123456789}, {"rouge_l", 0.345678901}, {"mrr", 0.5}};
    }
    store.put_samples(runs.back().run_id, samples);
  }
  store.put_experiment("scale", Json::object(), runs);
  store.put_shard("scale", {.number = static_cast<std::int64_t>(number),
                            .count = static_cast<std::int64_t>(shard_count),
                            .split = "split",
                            .sample_count = static_cast<std::int64_t>(item_count * kRuns)});
}

void measure_merge(const std::filesystem::path& folder, std::size_t rows, std::size_t shards) {
  const std::size_t item_count = rows / shards / kRuns;
  std::vector<Workspace> parts;
  std::uintmax_t bytes = 0;
  for (std::size_t number = 1; number <= shards; ++number) {
    parts.push_back({.folder = folder / ("part-" + std::to_string(number))});
    write_shard(parts.back(), number, shards, item_count);
    bytes += std::filesystem::file_size(parts.back().database_file());
  }
  const Workspace merged{.folder = folder / "merged"};
  std::filesystem::create_directories(merged.folder);
  const auto start = std::chrono::steady_clock::now();
  const MergeResult result = merge_shards(parts, merged, false);
  const double seconds = seconds_since(start);
  const auto merged_bytes = std::filesystem::file_size(merged.database_file());
  std::printf(
      "%lld rows in %zu shards of %.0f MB together: merged in %.1f s, %.0f rows/s, %.0f MB, peak "
      "%.0f MB\n",
      static_cast<long long>(result.sample_count), shards, static_cast<double>(bytes) / 1e6,
      seconds, static_cast<double>(result.sample_count) / seconds,
      static_cast<double>(merged_bytes) / 1e6, peak_megabytes());
  for (const Workspace& part : parts) {
    std::filesystem::remove_all(part.folder);
  }
  std::filesystem::remove_all(merged.folder);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 1 && words[0] == "plan") {
    measure_plan();
  } else if (words.size() == 4 && words[0] == "merge") {
    measure_merge(words[1], std::stoul(words[2]), std::stoul(words[3]));
  } else {
    std::fputs("usage: crudbench_scale_bench plan | merge FOLDER ROWS SHARDS\n", stderr);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
