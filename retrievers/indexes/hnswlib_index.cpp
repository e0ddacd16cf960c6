#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <hnswlib/hnswlib.h>
#include <memory>
#include <new>
#include <string>

#include "harness/core/random.h"
#include "retrievers/array_file.h"
#include "retrievers/indexes/builtin_indexes.h"
#include "retrievers/indexes/scoring.h"

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "hnswlib";
constexpr std::string_view kFileName = "hnswlib.bin";

using Link = hnswlib::tableint;

struct HnswlibOptions {
  std::size_t m = 32;                 ///< Links of a row on the upper levels; twice on the lowest.
  std::size_t ef_construction = 200;  ///< Candidates for the links of a new row.
  std::size_t ef_search = 128;        ///< Candidates of a query, of which the best are returned.
  std::uint64_t seed = 22;            ///< Of the levels.
};

HnswlibOptions read_hnswlib_options(Options& options) {
  const HnswlibOptions defaults;
  const auto read = [&options](std::string_view key, std::size_t default_value,
                               std::int64_t minimum, std::int64_t maximum) {
    return static_cast<std::size_t>(
        options.integer(key, static_cast<std::int64_t>(default_value), minimum, maximum));
  };
  return {.m = read("m", defaults.m, 2, 256),
          .ef_construction = read("ef_construction", defaults.ef_construction, 1, 10'000),
          .ef_search = read("ef_search", defaults.ef_search, 1, 100'000),
          .seed = read("seed", defaults.seed, 0, std::numeric_limits<std::int64_t>::max())};
}

/// Minus the inner product, by the instructions that the machine has: hnswlib's own distances have
/// those that the program was compiled for.
class RowSpace final : public hnswlib::SpaceInterface<float> {
 public:
  explicit RowSpace(std::size_t dimension) : dimension_(dimension) {}

  std::size_t get_data_size() override { return dimension_ * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
  void* get_dist_func_param() override { return this; }

 private:
  static float distance(const void* left, const void* right, const void* parameter) {
    const auto& space = *static_cast<const RowSpace*>(parameter);
    return -space.inner_product_(static_cast<const float*>(left), static_cast<const float*>(right),
                                 space.dimension_);
  }

  std::size_t dimension_;
  InnerProduct inner_product_ = fast_inner_product();
};

/// The graph of Malkov, Yashunin 2016 by their own library, which keeps a copy of each row beside
/// its links. Rows are inserted in order on one thread, for in parallel the graph would be another
/// every time. The file holds the links and not the rows; it is an array file and not hnswlib's own
/// form, whose reader trusts every link it finds.
class HnswlibIndex final : public VectorIndex {
 public:
  explicit HnswlibIndex(const HnswlibOptions& options) : options_(options) {}

  void build(std::span<const float> rows, std::size_t dimension, Executor&) override {
    make_empty(rows, dimension);
    for (std::size_t row = 0; row < row_count(); ++row) {
      graph_->addPoint(rows.data() + row * dimension, row);
    }
  }

  void save(const std::filesystem::path& folder) const override {
    std::vector<Link> lowest;
    std::vector<Link> upper;
    std::vector<std::int32_t> levels;
    for (std::size_t row = 0; row < row_count(); ++row) {
      const auto* const links = graph_->get_linklist0(static_cast<Link>(row));
      lowest.insert(lowest.end(), links, links + lowest_width());
      const int level = graph_->element_levels_[row];
      levels.push_back(level);
      if (level > 0) {
        const auto* const first = reinterpret_cast<const Link*>(graph_->linkLists_[row]);
        upper.insert(upper.end(), first, first + static_cast<std::size_t>(level) * upper_width());
      }
    }
    const std::array<std::uint64_t, 3> shape{row_count(), dimension_, options_.m};
    const std::array<std::uint32_t, 1> entry{graph_->enterpoint_node_};
    const std::array<NamedArray, 5> arrays{{{"shape", shape},
                                            {"entry", entry},
                                            {"levels", levels},
                                            {"lowest_links", lowest},
                                            {"upper_links", upper}}};
    write_array_file(folder / kFileName, kFileKind, arrays);
  }

  void load(const std::filesystem::path& folder, std::span<const float> rows,
            std::size_t dimension) override {
    make_empty(rows, dimension);
    const ArrayFile file(folder / kFileName, kFileKind);
    const std::array<std::uint64_t, 3> shape{row_count(), dimension_, options_.m};
    const auto found = file.array<std::uint64_t>("shape");
    if (!std::equal(found.begin(), found.end(), shape.begin(), shape.end())) {
      file.fail("the graph is of other rows");
    }
    const auto levels = file.array<std::int32_t>("levels");
    const auto lowest = file.array<Link>("lowest_links");
    const auto upper = file.array<Link>("upper_links");
    const auto entry = file.array<std::uint32_t>("entry");
    check(file, levels, lowest, upper, entry);
    const Link* next_upper = upper.data();
    for (std::size_t row = 0; row < row_count(); ++row) {
      const auto id = static_cast<Link>(row);
      std::copy_n(lowest.data() + row * lowest_width(), lowest_width(), graph_->get_linklist0(id));
      std::memcpy(graph_->getDataByInternalId(id), rows.data() + row * dimension,
                  dimension * sizeof(float));
      graph_->setExternalLabel(id, row);
      if (levels[row] > 0) {
        const std::size_t width = static_cast<std::size_t>(levels[row]) * upper_width();
        void* const links = std::malloc(width * sizeof(Link));  // Freed by hnswlib.
        if (links == nullptr) {
          throw std::bad_alloc();
        }
        std::memcpy(links, next_upper, width * sizeof(Link));
        next_upper += width;
        graph_->linkLists_[row] = static_cast<char*>(links);
      }
      graph_->element_levels_[row] = levels[row];
      graph_->cur_element_count = row + 1;
    }
    graph_->enterpoint_node_ = entry[0];
    graph_->maxlevel_ = levels[entry[0]];
  }

  std::vector<std::vector<Neighbor>> search(std::span<const float> queries, std::size_t top_k,
                                            Executor& executor) const override {
    check_pool("hnswlib", "ef_search", options_.ef_search, top_k, row_count());
    return search_each(queries, dimension_, executor,
                       [&](const float* query, std::vector<Neighbor>& result) {
                         result = candidates(query);
                         rescore(query, rows_, dimension_, top_k, result);
                       });
  }

 private:
  std::size_t row_count() const noexcept { return rows_.size() / dimension_; }
  /// Words of a list of links: their count, then the places of the links.
  std::size_t lowest_width() const noexcept { return 1 + 2 * options_.m; }
  std::size_t upper_width() const noexcept { return 1 + options_.m; }

  void make_empty(std::span<const float> rows, std::size_t dimension) {
    rows_ = rows;
    dimension_ = dimension;
    space_ = std::make_unique<RowSpace>(dimension);
    graph_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(
        space_.get(), row_count(), options_.m, options_.ef_construction,
        static_cast<std::size_t>(derive_seed(options_.seed, "levels") & 0xFFFF'FFFFU));
    graph_->setEf(options_.ef_search);
  }

  /// Every link must lead to a row that is on the link's level.
  void check(const ArrayFile& file, std::span<const std::int32_t> levels,
             std::span<const Link> lowest, std::span<const Link> upper,
             std::span<const std::uint32_t> entry) const {
    if (levels.size() != row_count() || lowest.size() != row_count() * lowest_width() ||
        entry.size() != 1 || entry[0] >= row_count() ||
        levels[entry[0]] != *std::max_element(levels.begin(), levels.end())) {
      file.fail("the levels of the graph are damaged");
    }
    const auto check_links = [&](std::span<const Link> links, std::int32_t level) {
      const bool fit = links[0] < links.size() &&
                       std::all_of(links.begin() + 1, links.begin() + 1 + links[0], [&](Link link) {
                         return link < row_count() && levels[link] >= level;
                       });
      if (!fit) {
        file.fail("a link of the graph leads nowhere");
      }
    };
    std::size_t next_upper = 0;
    for (std::size_t row = 0; row < row_count(); ++row) {
      check_links(lowest.subspan(row * lowest_width(), lowest_width()), 0);
      for (std::int32_t level = 1; level <= levels[row]; ++level) {
        if (upper.size() - next_upper < upper_width()) {
          file.fail("the levels of the graph are damaged");
        }
        check_links(upper.subspan(next_upper, upper_width()), level);
        next_upper += upper_width();
      }
    }
    if (next_upper != upper.size()) {
      file.fail("the levels of the graph are damaged");
    }
  }

  /// The rows that the walk ends with; all rows where there are no more than it may look at.
  std::vector<Neighbor> candidates(const float* query) const {
    std::vector<Neighbor> found;
    if (row_count() <= options_.ef_search) {
      found.resize(row_count());
      for (std::size_t row = 0; row < found.size(); ++row) {
        found[row].row = static_cast<std::uint32_t>(row);
      }
      return found;
    }
    auto nearest = graph_->searchKnn(query, options_.ef_search);
    found.reserve(nearest.size());
    for (; !nearest.empty(); nearest.pop()) {
      found.push_back({static_cast<std::uint32_t>(nearest.top().second), 0.0F});
    }
    return found;
  }

  HnswlibOptions options_;
  std::span<const float> rows_;
  std::size_t dimension_ = 1;
  std::unique_ptr<RowSpace> space_;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph_;
};

}  // namespace

Registry<VectorIndex>::Entry hnswlib_index() {
  return {.summary = "Approximate search over a graph of near rows (HNSW, hnswlib)",
          .example = {{"type", "hnswlib"},
                      {"m", 32},
                      {"ef_construction", 200},
                      {"ef_search", 128},
                      {"seed", 22}},
          .check = [](Options& options) { read_hnswlib_options(options); },
          .make =
              [](Options& options) {
                return std::make_unique<HnswlibIndex>(read_hnswlib_options(options));
              }};
}

}  // namespace crudbench
