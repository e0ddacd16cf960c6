#include <algorithm>
#include <array>
#include <faiss/impl/ScalarQuantizer.h>
#include <optional>
#include <string>

#include "retrievers/array_file.h"
#include "retrievers/indexes/builtin_indexes.h"
#include "retrievers/indexes/faiss_threads.h"
#include "retrievers/indexes/scoring.h"

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "sq8";
constexpr std::string_view kFileName = "sq8.bin";

/// Exhaustive search over rows of one byte a number (FAISS' 8-bit scalar quantizer, each dimension
/// between its smallest and largest value), the best `rerank` scored again by the rows themselves.
/// FAISS learns and writes the codes; its own scan of them knows no SIMD in Debian's build and
/// takes longer than the exact search, so the scan is ours.
class Sq8Index final : public VectorIndex {
 public:
  explicit Sq8Index(std::size_t rerank) : rerank_(rerank) {}

  void build(std::span<const float> rows, std::size_t dimension, Executor& executor) override {
    rows_ = rows;
    dimension_ = dimension;
    keep_faiss_on_this_thread();
    faiss::ScalarQuantizer quantizer(dimension, faiss::ScalarQuantizer::QT_8bit);
    quantizer.train(row_count(), rows.data());
    built_ranges_ = quantizer.trained;
    built_codes_.resize(rows.size());
    constexpr std::size_t kRowsPerRange = 8192;
    run_ranges(executor, row_count(), kRowsPerRange, [&](std::size_t begin, std::size_t end) {
      keep_faiss_on_this_thread();
      quantizer.compute_codes(rows.data() + begin * dimension, &built_codes_[begin * dimension],
                              end - begin);
    });
    ranges_ = built_ranges_;
    codes_ = built_codes_;
  }

  void save(const std::filesystem::path& folder) const override {
    const std::array<std::uint64_t, 2> shape{row_count(), dimension_};
    const std::array<NamedArray, 3> arrays{
        {{"shape", shape}, {"ranges", ranges_}, {"codes", codes_}}};
    write_array_file(folder / kFileName, kFileKind, arrays);
  }

  void load(const std::filesystem::path& folder, std::span<const float> rows,
            std::size_t dimension) override {
    rows_ = rows;
    dimension_ = dimension;
    file_.emplace(folder / kFileName, kFileKind);
    const std::array<std::uint64_t, 2> shape{row_count(), dimension_};
    const auto found = file_->array<std::uint64_t>("shape");
    ranges_ = file_->array<float>("ranges");
    codes_ = file_->array<std::uint8_t>("codes");
    if (!std::equal(found.begin(), found.end(), shape.begin(), shape.end()) ||
        ranges_.size() != 2 * dimension_ || codes_.size() != rows.size()) {
      file_->fail("the codes are of other rows");
    }
  }

  std::vector<std::vector<Neighbor>> search(std::span<const float> queries, std::size_t top_k,
                                            Executor& executor) const override {
    check_pool("sq8", "rerank", rerank_, top_k, row_count());
    std::vector<std::vector<Neighbor>> results(queries.size() / dimension_);
    constexpr std::size_t kQueriesPerRange = 16;
    run_ranges(executor, results.size(), kQueriesPerRange, [&](std::size_t begin, std::size_t end) {
      scan(queries.subspan(begin * dimension_, (end - begin) * dimension_),
           std::span(results).subspan(begin, end - begin));
      for (std::size_t query = begin; query < end; ++query) {
        rescore(queries.data() + query * dimension_, rows_, dimension_, top_k, results[query]);
      }
    });
    return results;
  }

 private:
  std::size_t row_count() const noexcept { return rows_.size() / dimension_; }

  /// A code c stands for smallest + range * (c + 0.5) / 255 (FAISS, ScalarQuantizer.cpp). So the
  /// inner product with a query is that of the codes with query * range / 255, plus what is the
  /// same for every row, which is left out.
  std::vector<float> weights(std::span<const float> queries) const {
    std::vector<float> scaled(queries.begin(), queries.end());
    for (std::size_t i = 0; i < scaled.size(); ++i) {
      scaled[i] *= ranges_[dimension_ + i % dimension_] / 255.0F;
    }
    return scaled;
  }

  /// The best `rerank` rows of each query by their codes, block by block, so that a block is read
  /// from memory once for all queries.
  void scan(std::span<const float> queries, std::span<std::vector<Neighbor>> results) const {
    constexpr std::size_t kRowsPerBlock = 512;
    const ByteInnerProduct inner_product = fast_byte_inner_product();
    const std::vector<float> scaled = weights(queries);
    for (std::size_t begin = 0; begin < row_count(); begin += kRowsPerBlock) {
      const std::size_t end = std::min(begin + kRowsPerBlock, row_count());
      for (std::size_t query = 0; query < results.size(); ++query) {
        const float* const left = scaled.data() + query * dimension_;
        std::vector<Neighbor>& best = results[query];  // A heap, the worst in front.
        for (std::size_t row = begin; row < end; ++row) {
          const Neighbor next{static_cast<std::uint32_t>(row),
                              inner_product(left, codes_.data() + row * dimension_, dimension_)};
          if (best.size() < rerank_) {
            best.push_back(next);
            std::push_heap(best.begin(), best.end(), is_better);
          } else if (is_better(next, best.front())) {
            std::pop_heap(best.begin(), best.end(), is_better);
            best.back() = next;
            std::push_heap(best.begin(), best.end(), is_better);
          }
        }
      }
    }
  }

  std::size_t rerank_;
  std::span<const float> rows_;
  std::size_t dimension_ = 1;
  std::vector<float> built_ranges_;
  std::vector<std::uint8_t> built_codes_;
  std::optional<ArrayFile> file_;
  std::span<const float> ranges_;        // [dimension] smallest, then [dimension] range
  std::span<const std::uint8_t> codes_;  // [row, dimension]
};

std::size_t read_rerank(Options& options) {
  return static_cast<std::size_t>(options.integer("rerank", 128, 1, 100'000));
}

}  // namespace

Registry<VectorIndex>::Entry sq8_index() {
  return {
      .summary = "Search over all vectors at one byte a number, the best scored again (FAISS)",
      .example = {{"type", "sq8"}, {"rerank", 128}},
      .check = [](Options& options) { read_rerank(options); },
      .make = [](Options& options) { return std::make_unique<Sq8Index>(read_rerank(options)); }};
}

}  // namespace crudbench
