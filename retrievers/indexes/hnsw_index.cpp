#include <algorithm>
#include <array>
#include <faiss/IndexHNSW.h>
#include <faiss/impl/AuxIndexStructures.h>
#include <faiss/impl/DistanceComputer.h>
#include <memory>
#include <numeric>
#include <string>

#include "retrievers/array_file.h"
#include "retrievers/indexes/builtin_indexes.h"
#include "retrievers/indexes/faiss_threads.h"
#include "retrievers/indexes/scoring.h"

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "hnsw";
constexpr std::string_view kFileName = "hnsw.bin";

struct HnswOptions {
  std::size_t m = 32;                 ///< Links of a row on the upper levels; twice on the lowest.
  std::size_t ef_construction = 100;  ///< Candidates for the links of a new row.
  std::size_t ef_search = 128;        ///< Candidates of a query, of which the best are returned.
};

HnswOptions read_hnsw_options(Options& options) {
  const HnswOptions defaults;
  const auto read = [&options](std::string_view key, std::size_t default_value,
                               std::int64_t minimum, std::int64_t maximum) {
    return static_cast<std::size_t>(
        options.integer(key, static_cast<std::int64_t>(default_value), minimum, maximum));
  };
  return {.m = read("m", defaults.m, 2, 256),
          .ef_construction = read("ef_construction", defaults.ef_construction, 1, 10'000),
          .ef_search = read("ef_search", defaults.ef_search, 1, 100'000)};
}

/// Minus the inner product of rows with a query or with each other, which FAISS takes for a
/// distance.
class RowDistances final : public faiss::DistanceComputer {
 public:
  RowDistances(std::span<const float> rows, std::size_t dimension)
      : rows_(rows), dimension_(dimension) {}

  void set_query(const float* query) override { query_ = query; }
  float operator()(idx_t row) override { return -inner_product_(query_, at(row), dimension_); }
  float symmetric_dis(idx_t left, idx_t right) override {
    return -inner_product_(at(left), at(right), dimension_);
  }

 private:
  const float* at(idx_t row) const {
    return rows_.data() + static_cast<std::size_t>(row) * dimension_;
  }

  std::span<const float> rows_;
  std::size_t dimension_;
  InnerProduct inner_product_ = fast_inner_product();
  const float* query_ = nullptr;
};

/// The rows where they lie, as a store that FAISS builds a graph over. Its metric is called a
/// distance because `RowDistances` already are.
class RowStorage final : public faiss::Index {
 public:
  RowStorage(std::span<const float> rows, std::size_t dimension)
      : faiss::Index(static_cast<idx_t>(dimension), faiss::METRIC_L2), rows_(rows) {}

  void add(idx_t n, const float*) override { ntotal += n; }
  void search(idx_t, const float*, idx_t, float*, idx_t*,
              const faiss::SearchParameters*) const override {
    throw std::logic_error("the rows are searched by their graph only");
  }
  void reset() override { ntotal = 0; }
  faiss::DistanceComputer* get_distance_computer() const override {
    return std::make_unique<RowDistances>(rows_, static_cast<std::size_t>(d)).release();
  }

 private:
  std::span<const float> rows_;
};

/// The graph of Malkov, Yashunin 2016 as FAISS builds and walks it, over the rows where they lie:
/// neither memory nor file holds them a second time. FAISS' parallel insertion gives another graph
/// every time, so rows are inserted on one thread, in FAISS' order (by falling level, shuffled by a
/// seed of its own); with a product that rounds alike everywhere, the graph is the same on any
/// machine. The file is an array file and not FAISS' own form, whose reader trusts every length and
/// link it finds.
class HnswIndex final : public VectorIndex {
 public:
  explicit HnswIndex(const HnswOptions& options) : options_(options) {}

  void build(std::span<const float> rows, std::size_t dimension, Executor&) override {
    rows_ = rows;
    dimension_ = dimension;
    keep_faiss_on_this_thread();
    RowStorage storage(rows, dimension);
    faiss::IndexHNSW index(&storage, static_cast<int>(options_.m));
    index.hnsw.efConstruction = static_cast<int>(options_.ef_construction);
    index.add(static_cast<faiss::Index::idx_t>(row_count()), rows.data());
    graph_ = std::move(index.hnsw);
  }

  void save(const std::filesystem::path& folder) const override {
    const std::array<std::uint64_t, 3> shape{row_count(), dimension_, options_.m};
    const std::array<std::int32_t, 2> entry{graph_.entry_point, graph_.max_level};
    const std::array<NamedArray, 4> arrays{{{"shape", shape},
                                            {"entry", entry},
                                            {"levels", graph_.levels},
                                            {"neighbors", graph_.neighbors}}};
    write_array_file(folder / kFileName, kFileKind, arrays);
  }

  void load(const std::filesystem::path& folder, std::span<const float> rows,
            std::size_t dimension) override {
    rows_ = rows;
    dimension_ = dimension;
    const ArrayFile file(folder / kFileName, kFileKind);
    const std::array<std::uint64_t, 3> shape{row_count(), dimension_, options_.m};
    const auto found = file.array<std::uint64_t>("shape");
    if (!std::equal(found.begin(), found.end(), shape.begin(), shape.end())) {
      file.fail("the graph is of other rows");
    }
    const auto entry = file.array<std::int32_t>("entry");
    const auto levels = file.array<std::int32_t>("levels");
    const auto neighbors = file.array<std::int32_t>("neighbors");
    graph_ = faiss::HNSW(static_cast<int>(options_.m));
    graph_.levels.assign(levels.begin(), levels.end());
    graph_.neighbors.assign(neighbors.begin(), neighbors.end());
    check_levels(file, entry);
    graph_.entry_point = entry[0];
    graph_.max_level = entry[1];
    check_links(file);
  }

  std::vector<std::vector<Neighbor>> search(std::span<const float> queries, std::size_t top_k,
                                            Executor& executor) const override {
    check_pool("hnsw", "ef_search", options_.ef_search, top_k, row_count());
    std::vector<std::vector<Neighbor>> results(queries.size() / dimension_);
    constexpr std::size_t kQueriesPerRange = 64;
    run_ranges(executor, results.size(), kQueriesPerRange, [&](std::size_t begin, std::size_t end) {
      faiss::VisitedTable visited(static_cast<int>(row_count()));
      RowDistances distances(rows_, dimension_);
      for (std::size_t query = begin; query < end; ++query) {
        const float* const values = queries.data() + query * dimension_;
        results[query] = candidates(values, distances, visited);
        rescore(values, rows_, dimension_, top_k, results[query]);
      }
    });
    return results;
  }

 private:
  std::size_t row_count() const noexcept { return rows_.size() / dimension_; }

  void check_levels(const ArrayFile& file, std::span<const std::int32_t> entry) {
    const auto level_count = static_cast<int>(graph_.cum_nneighbor_per_level.size());
    bool fits = entry.size() == 2 && graph_.levels.size() == row_count() && entry[0] >= -1 &&
                entry[0] < static_cast<std::int64_t>(row_count()) && entry[1] < level_count &&
                (entry[0] >= 0) == (row_count() > 0);
    graph_.offsets.reserve(graph_.levels.size() + 1);
    for (std::size_t row = 0; fits && row < graph_.levels.size(); ++row) {
      const int level = graph_.levels[row];
      fits = level >= 1 && level <= entry[1] + 1;
      if (fits) {
        graph_.offsets.push_back(graph_.offsets.back() +
                                 static_cast<std::size_t>(graph_.cum_nb_neighbors(level)));
      }
    }
    if (!fits || graph_.offsets.back() != graph_.neighbors.size() ||
        (entry[0] >= 0 && graph_.levels[static_cast<std::size_t>(entry[0])] != entry[1] + 1)) {
      file.fail("the levels of the graph are damaged");
    }
  }

  /// Every link must lead to a row that is on the link's level.
  void check_links(const ArrayFile& file) const {
    for (std::size_t row = 0; row < row_count(); ++row) {
      for (int level = 0; level < graph_.levels[row]; ++level) {
        std::size_t begin = 0;
        std::size_t end = 0;
        graph_.neighbor_range(static_cast<faiss::HNSW::idx_t>(row), level, &begin, &end);
        for (std::size_t i = begin; i < end; ++i) {
          const std::int32_t target = graph_.neighbors[i];
          if (target >= 0 && (static_cast<std::size_t>(target) >= row_count() ||
                              graph_.levels[static_cast<std::size_t>(target)] <= level)) {
            file.fail("a link of the graph leads nowhere");
          }
        }
      }
    }
  }

  /// The rows that the walk ends with; all rows where there are no more than it may look at.
  std::vector<Neighbor> candidates(const float* query, RowDistances& distances,
                                   faiss::VisitedTable& visited) const {
    std::vector<Neighbor> found;
    if (row_count() <= options_.ef_search) {
      found.resize(row_count());
      for (std::size_t row = 0; row < found.size(); ++row) {
        found[row].row = static_cast<std::uint32_t>(row);
      }
      return found;
    }
    std::vector<faiss::HNSW::idx_t> rows(options_.ef_search, -1);
    std::vector<float> scores(options_.ef_search, std::numeric_limits<float>::max());
    faiss::SearchParametersHNSW parameters;
    parameters.efSearch = static_cast<int>(options_.ef_search);
    distances.set_query(query);
    graph_.search(distances, static_cast<int>(options_.ef_search), rows.data(), scores.data(),
                  visited, &parameters);
    visited.advance();
    for (const faiss::HNSW::idx_t row : rows) {
      if (row >= 0) {
        found.push_back({static_cast<std::uint32_t>(row), 0.0F});
      }
    }
    return found;
  }

  HnswOptions options_;
  std::span<const float> rows_;
  std::size_t dimension_ = 1;
  faiss::HNSW graph_;
};

}  // namespace

Registry<VectorIndex>::Entry hnsw_index() {
  return {
      .summary = "Approximate search over a graph of near rows (HNSW, FAISS)",
      .example = {{"type", "hnsw"}, {"m", 32}, {"ef_construction", 100}, {"ef_search", 128}},
      .check = [](Options& options) { read_hnsw_options(options); },
      .make =
          [](Options& options) { return std::make_unique<HnswIndex>(read_hnsw_options(options)); }};
}

}  // namespace crudbench
