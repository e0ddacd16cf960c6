#include <algorithm>
#include <array>
#include <cmath>
#include <faiss/Clustering.h>
#include <faiss/impl/ProductQuantizer.h>
#include <faiss/utils/distances.h>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <string>

#include "harness/core/log.h"
#include "harness/core/random.h"
#include "retrievers/array_file.h"
#include "retrievers/indexes/builtin_indexes.h"
#include "retrievers/indexes/faiss_threads.h"
#include "retrievers/indexes/scoring.h"

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "inverted lists";
constexpr std::string_view kFileName = "ivf.bin";

constexpr std::size_t kFewestRowsPerList = 39;    ///< Fewer, and FAISS warns of bad lists.
constexpr std::size_t kTrainingRowsPerList = 64;  ///< Rows that the lists are learned from.
constexpr std::size_t kTrainingRowsPerCode = 64;  ///< The same for the codes.
constexpr int kTrainingIterations = 10;

struct IvfOptions {
  std::size_t lists = 1024;  ///< Fewer where the rows are few: `kFewestRowsPerList`.
  std::size_t probes = 32;   ///< Lists that a query looks into; all, where there are fewer.
  std::uint64_t seed = 22;   ///< Of the training sample and of the first centroids.
};

struct PqOptions {
  std::size_t subquantizers = 32;  ///< Divides the dimension.
  std::size_t bits = 8;            ///< Of a code.
  std::size_t rerank = 128;        ///< Rows scored again by their vectors.
};

std::size_t read_size(Options& options, std::string_view key, std::size_t default_value,
                      std::int64_t maximum) {
  return static_cast<std::size_t>(
      options.integer(key, static_cast<std::int64_t>(default_value), 1, maximum));
}

IvfOptions read_ivf_options(Options& options) {
  const IvfOptions defaults;
  IvfOptions ivf;
  ivf.lists = read_size(options, "lists", defaults.lists, 1'000'000);
  ivf.probes = read_size(options, "probes", defaults.probes, 1'000'000);
  ivf.seed = static_cast<std::uint64_t>(
      options.integer("seed", static_cast<std::int64_t>(defaults.seed), 0));
  return ivf;
}

PqOptions read_pq_options(Options& options) {
  const PqOptions defaults;
  PqOptions pq;
  pq.subquantizers = read_size(options, "subquantizers", defaults.subquantizers, 4096);
  pq.bits = read_size(options, "bits", defaults.bits, 12);
  pq.rerank = read_size(options, "rerank", defaults.rerank, 100'000);
  return pq;
}

/// FAISS keeps seeds in 32 bits.
int faiss_seed(std::uint64_t seed, std::string_view item) {
  return static_cast<int>(derive_seed(seed, item) & 0x7FFF'FFFFU);
}

/// Nearest centroids by BLAS, on the executor's threads: what FAISS' k-means asks in each step.
/// Rows are handled in ranges that do not depend on the threads, so neither does the outcome.
class NearestCentroid final : public faiss::Index {
 public:
  NearestCentroid(std::size_t dimension, Executor& executor)
      : faiss::Index(static_cast<idx_t>(dimension), faiss::METRIC_INNER_PRODUCT),
        executor_(executor) {}

  void add(idx_t n, const float* values) override {
    centroids_.insert(centroids_.end(), values, values + n * d);
    ntotal += n;
  }
  void reset() override {
    centroids_.clear();
    ntotal = 0;
  }
  void search(idx_t n, const float* rows, idx_t k, float* scores, idx_t* labels,
              const faiss::SearchParameters*) const override {
    constexpr std::size_t kRowsPerRange = 4096;
    const auto width = static_cast<std::size_t>(k);
    const auto dimension = static_cast<std::size_t>(d);
    run_ranges(executor_, static_cast<std::size_t>(n), kRowsPerRange,
               [&](std::size_t begin, std::size_t end) {
                 keep_faiss_on_this_thread();
                 faiss::knn_inner_product(rows + begin * dimension, centroids_.data(), dimension,
                                          end - begin, static_cast<std::size_t>(ntotal), width,
                                          scores + begin * width, labels + begin * width);
               });
  }

 private:
  Executor& executor_;
  std::vector<float> centroids_;
};

/// Codes of a row's difference from its centroid, list by list.
struct ProductCodes {
  faiss::ProductQuantizer quantizer;
  std::vector<std::uint8_t> built_codes;
  std::span<const std::uint8_t> codes;  // [entry, code_size]
};

/// Rows in lists by their nearest centroid (k-means by FAISS); a query looks into the lists whose
/// centroids have the largest inner product with it.
///
/// Without codes every row of those lists is scored by its vector, where it lies: the lists hold
/// row numbers only. With codes (Jégou, Douze, Schmid 2011) all are scored by FAISS' product
/// quantizer and the best `rerank` again by their vectors. Which lists are looked into is decided
/// in a product that rounds alike everywhere. Training samples by the seed and depends on the BLAS
/// of the machine, not on its threads.
class IvfIndex final : public VectorIndex {
 public:
  IvfIndex(const IvfOptions& options, std::optional<PqOptions> pq)
      : options_(options), pq_options_(pq) {}

  void build(std::span<const float> rows, std::size_t dimension, Executor& executor) override {
    rows_ = rows;
    dimension_ = dimension;
    if (pq_options_ && dimension % pq_options_->subquantizers != 0) {
      throw Error(ErrorCode::kInvalidConfig,
                  "index ivf_pq: \"subquantizers\" must divide the dimension of the vectors (" +
                      std::to_string(dimension) + "), found " +
                      std::to_string(pq_options_->subquantizers));
    }
    keep_faiss_on_this_thread();
    const std::size_t list_count =
        std::clamp<std::size_t>(row_count() / kFewestRowsPerList, 1, options_.lists);
    if (list_count < options_.lists) {
      log_info("ivf", std::to_string(row_count()) + " rows fill " + std::to_string(list_count) +
                          " lists of " + std::to_string(options_.lists));
    }
    NearestCentroid nearest(dimension, executor);
    learn_centroids(list_count, nearest);
    const std::vector<faiss::Index::idx_t> list_of = assign(nearest);
    fill_lists(list_count, list_of);
    if (pq_options_) {
      learn_codes(list_of, executor);
    }
  }

  void save(const std::filesystem::path& folder) const override {
    const std::array<std::uint64_t, 4> shape = this->shape();
    std::vector<NamedArray> arrays{{"shape", shape},
                                   {"centroids", centroids_},
                                   {"list_ends", list_ends_},
                                   {"list_rows", list_rows_}};
    if (codes_) {
      arrays.emplace_back("code_words", codes_->quantizer.centroids);
      arrays.emplace_back("codes", codes_->codes);
    }
    write_array_file(folder / kFileName, kFileKind, arrays);
  }

  void load(const std::filesystem::path& folder, std::span<const float> rows,
            std::size_t dimension) override {
    rows_ = rows;
    dimension_ = dimension;
    file_.emplace(folder / kFileName, kFileKind);
    centroids_ = file_->array<float>("centroids");
    list_ends_ = file_->array<std::uint64_t>("list_ends");
    list_rows_ = file_->array<std::uint32_t>("list_rows");
    const auto shape = file_->array<std::uint64_t>("shape");
    if (shape.size() != 4 || shape[0] != row_count() || shape[1] != dimension_) {
      file_->fail("the lists are of other rows");
    }
    if (centroids_.size() != list_ends_.size() * dimension_ || list_ends_.empty() ||
        list_ends_.back() != row_count() || list_rows_.size() != row_count() ||
        !std::is_sorted(list_ends_.begin(), list_ends_.end()) ||
        !std::all_of(list_rows_.begin(), list_rows_.end(),
                     [this](std::uint32_t row) { return row < row_count(); })) {
      file_->fail("the lists are damaged");
    }
    if (pq_options_) {
      load_codes(shape[2], shape[3]);
    }
  }

  std::vector<std::vector<Neighbor>> search(std::span<const float> queries, std::size_t top_k,
                                            Executor& executor) const override {
    if (pq_options_) {
      check_pool("ivf_pq", "rerank", pq_options_->rerank, top_k, row_count());
    }
    return search_each(queries, dimension_, executor,
                       [&](const float* query, std::vector<Neighbor>& result) {
                         const std::vector<Neighbor> lists = best_lists(query);
                         if (codes_) {
                           score_by_codes(query, lists, result);
                           keep_best(result, pq_options_->rerank);
                         } else {
                           score_by_rows(query, lists, result);
                           keep_candidates(top_k, result);
                         }
                         rescore(query, rows_, dimension_, top_k, result);
                       });
  }

 private:
  std::size_t row_count() const noexcept { return rows_.size() / dimension_; }
  const float* row(std::size_t index) const { return rows_.data() + index * dimension_; }
  const float* centroid(std::size_t list) const { return centroids_.data() + list * dimension_; }

  std::array<std::uint64_t, 4> shape() const {
    return {row_count(), dimension_, codes_ ? codes_->quantizer.M : 0,
            codes_ ? codes_->quantizer.nbits : 0};
  }

  void learn_centroids(std::size_t list_count, NearestCentroid& nearest) {
    const std::vector<float> sample =
        sample_rows(list_count * kTrainingRowsPerList, "training rows");
    faiss::ClusteringParameters parameters;
    parameters.niter = kTrainingIterations;
    parameters.spherical = true;
    parameters.min_points_per_centroid = 1;
    parameters.max_points_per_centroid = std::numeric_limits<int>::max();
    parameters.seed = faiss_seed(options_.seed, "lists");
    faiss::Clustering clustering(static_cast<int>(dimension_), static_cast<int>(list_count),
                                 parameters);
    clustering.train(static_cast<faiss::Index::idx_t>(sample.size() / dimension_), sample.data(),
                     nearest);
    built_centroids_ = std::move(clustering.centroids);
    centroids_ = built_centroids_;
  }

  std::vector<float> sample_rows(std::size_t count, std::string_view purpose) const {
    std::vector<float> sample;
    for (const std::size_t position :
         sample_positions(row_count(), count, derive_seed(options_.seed, purpose))) {
      sample.insert(sample.end(), row(position), row(position) + dimension_);
    }
    return sample;
  }

  /// The list of each row. A zero row, as far from one centroid as from another, comes into the
  /// first.
  std::vector<faiss::Index::idx_t> assign(const NearestCentroid& nearest) const {
    std::vector<faiss::Index::idx_t> list_of(row_count());
    std::vector<float> scores(row_count());
    nearest.search(static_cast<faiss::Index::idx_t>(row_count()), rows_.data(), 1, scores.data(),
                   list_of.data(), nullptr);
    for (faiss::Index::idx_t& list : list_of) {
      list = std::max<faiss::Index::idx_t>(list, 0);
    }
    return list_of;
  }

  void fill_lists(std::size_t list_count, std::span<const faiss::Index::idx_t> list_of) {
    std::vector<std::uint64_t> next(list_count + 1);
    for (const faiss::Index::idx_t list : list_of) {
      ++next[static_cast<std::size_t>(list) + 1];
    }
    std::partial_sum(next.begin(), next.end(), next.begin());
    built_list_ends_.assign(next.begin() + 1, next.end());
    built_list_rows_.resize(list_of.size());
    for (std::size_t row = 0; row < list_of.size(); ++row) {
      built_list_rows_[next[static_cast<std::size_t>(list_of[row])]++] =
          static_cast<std::uint32_t>(row);
    }
    list_ends_ = built_list_ends_;
    list_rows_ = built_list_rows_;
  }

  std::uint64_t list_begin(std::size_t list) const { return list == 0 ? 0 : list_ends_[list - 1]; }

  /// Writes the difference between a row and its centroid.
  void subtract(std::size_t position, std::size_t list, float* difference) const {
    std::transform(row(position), row(position) + dimension_, centroid(list), difference,
                   std::minus<>());
  }

  void learn_codes(std::span<const faiss::Index::idx_t> list_of, Executor& executor) {
    codes_ = std::make_unique<ProductCodes>();
    codes_->quantizer =
        faiss::ProductQuantizer(dimension_, pq_options_->subquantizers, pq_options_->bits);
    faiss::ProductQuantizer& quantizer = codes_->quantizer;
    quantizer.cp.niter = kTrainingIterations;
    quantizer.cp.min_points_per_centroid = 1;
    quantizer.cp.max_points_per_centroid = std::numeric_limits<int>::max();
    quantizer.cp.seed = faiss_seed(options_.seed, "codes");
    const std::vector<std::size_t> positions =
        sample_positions(row_count(), quantizer.ksub * kTrainingRowsPerCode,
                         derive_seed(options_.seed, "rows to learn codes from"));
    // Where there are fewer rows than codes, FAISS wants rows more than once.
    const std::size_t count = std::max(positions.size(), quantizer.ksub);
    std::vector<float> sample(count * dimension_);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t position = positions[i % positions.size()];
      subtract(position, static_cast<std::size_t>(list_of[position]), &sample[i * dimension_]);
    }
    quantizer.train(count, sample.data());

    codes_->built_codes.resize(row_count() * quantizer.code_size);
    constexpr std::size_t kEntriesPerRange = 4096;
    run_ranges(executor, row_count(), kEntriesPerRange, [&](std::size_t begin, std::size_t end) {
      keep_faiss_on_this_thread();
      std::vector<float> difference((end - begin) * dimension_);
      for (std::size_t entry = begin; entry < end; ++entry) {
        const std::uint32_t position = list_rows_[entry];
        subtract(position, static_cast<std::size_t>(list_of[position]),
                 &difference[(entry - begin) * dimension_]);
      }
      quantizer.compute_codes(difference.data(), &codes_->built_codes[begin * quantizer.code_size],
                              end - begin);
    });
    codes_->codes = codes_->built_codes;
  }

  void load_codes(std::size_t subquantizers, std::size_t bits) {
    const auto code_words = file_->array<float>("code_words");
    if (subquantizers != pq_options_->subquantizers || bits != pq_options_->bits ||
        code_words.size() != (std::size_t{1} << bits) * dimension_) {
      file_->fail("the codes are of another form");
    }
    codes_ = std::make_unique<ProductCodes>();
    codes_->quantizer = faiss::ProductQuantizer(dimension_, subquantizers, bits);
    codes_->quantizer.centroids.assign(code_words.begin(), code_words.end());
    codes_->codes = file_->array<std::uint8_t>("codes");
    if (codes_->codes.size() != row_count() * codes_->quantizer.code_size) {
      file_->fail("the codes are of other rows");
    }
  }

  /// The lists to look into with the scores of their centroids, as neighbours.
  std::vector<Neighbor> best_lists(const float* query) const {
    const InnerProduct inner_product = fast_inner_product();
    std::vector<Neighbor> lists(list_ends_.size());
    for (std::size_t list = 0; list < lists.size(); ++list) {
      lists[list] = {static_cast<std::uint32_t>(list),
                     inner_product(query, centroid(list), dimension_)};
    }
    keep_best(lists, options_.probes);
    return lists;
  }

  void score_by_rows(const float* query, std::span<const Neighbor> lists,
                     std::vector<Neighbor>& result) const {
    const InnerProduct inner_product = fast_inner_product();
    for (const Neighbor& list : lists) {
      for (std::uint64_t entry = list_begin(list.row); entry < list_ends_[list.row]; ++entry) {
        const std::uint32_t position = list_rows_[entry];
        result.push_back({position, inner_product(query, row(position), dimension_)});
      }
    }
  }

  /// Keeps all rows that are among the best `top_k` but for rounding.
  void keep_candidates(std::size_t top_k, std::vector<Neighbor>& result) const {
    if (result.size() <= top_k || top_k == 0) {
      return;
    }
    std::nth_element(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(top_k - 1),
                     result.end(), is_better);
    const float lowest = result[top_k - 1].score - rounding_of_two_scores(dimension_);
    std::erase_if(result, [lowest](const Neighbor& row) { return row.score < lowest; });
  }

  void score_by_codes(const float* query, std::span<const Neighbor> lists,
                      std::vector<Neighbor>& result) const {
    const faiss::ProductQuantizer& quantizer = codes_->quantizer;
    std::vector<float> products(quantizer.M * quantizer.ksub);
    quantizer.compute_inner_prod_table(query, products.data());
    for (const Neighbor& list : lists) {
      for (std::uint64_t entry = list_begin(list.row); entry < list_ends_[list.row]; ++entry) {
        const std::uint8_t* const code = codes_->codes.data() + entry * quantizer.code_size;
        result.push_back({list_rows_[entry], list.score + sum_products(products, code)});
      }
    }
  }

  float sum_products(std::span<const float> products, const std::uint8_t* code) const {
    const faiss::ProductQuantizer& quantizer = codes_->quantizer;
    float sum = 0.0F;
    if (quantizer.nbits == 8) {
      for (std::size_t i = 0; i < quantizer.M; ++i) {
        sum += products[i * quantizer.ksub + code[i]];
      }
      return sum;
    }
    faiss::PQDecoderGeneric decoder(code, static_cast<int>(quantizer.nbits));
    for (std::size_t i = 0; i < quantizer.M; ++i) {
      sum += products[i * quantizer.ksub + decoder.decode()];
    }
    return sum;
  }

  IvfOptions options_;
  std::optional<PqOptions> pq_options_;
  std::span<const float> rows_;
  std::size_t dimension_ = 1;
  std::vector<float> built_centroids_;
  std::vector<std::uint64_t> built_list_ends_;
  std::vector<std::uint32_t> built_list_rows_;
  std::optional<ArrayFile> file_;
  std::span<const float> centroids_;          // [list, dimension]
  std::span<const std::uint64_t> list_ends_;  // [list]
  std::span<const std::uint32_t> list_rows_;  // [entry] ascending in each list
  std::unique_ptr<ProductCodes> codes_;
};

}  // namespace

Registry<VectorIndex>::Entry ivf_flat_index() {
  return {.summary = "Approximate search in the nearest of many lists (FAISS k-means)",
          .example = {{"type", "ivf_flat"}, {"lists", 1024}, {"probes", 32}, {"seed", 22}},
          .check = [](Options& options) { read_ivf_options(options); },
          .make =
              [](Options& options) {
                return std::make_unique<IvfIndex>(read_ivf_options(options), std::nullopt);
              }};
}

Registry<VectorIndex>::Entry ivf_pq_index() {
  return {.summary = "The same over compressed vectors, the best scored again (FAISS)",
          .example = {{"type", "ivf_pq"},
                      {"lists", 1024},
                      {"probes", 32},
                      {"subquantizers", 32},
                      {"bits", 8},
                      {"rerank", 128},
                      {"seed", 22}},
          .check =
              [](Options& options) {
                read_ivf_options(options);
                read_pq_options(options);
              },
          .make =
              [](Options& options) {
                const IvfOptions ivf = read_ivf_options(options);
                return std::make_unique<IvfIndex>(ivf, read_pq_options(options));
              }};
}

}  // namespace crudbench
