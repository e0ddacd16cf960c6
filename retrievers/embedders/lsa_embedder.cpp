#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>

#include "harness/core/log.h"
#include "harness/core/random.h"
#include "retrievers/analyzer.h"
#include "retrievers/array_file.h"
#include "retrievers/chunk_table.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/embedders/sparse_svd.h"
#include "retrievers/vocabulary.h"
#include "retrievers/word_counts.h"

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "lsa model";
constexpr std::string_view kFileName = "model.bin";

struct LsaOptions {
  std::size_t dimension = 256;         ///< Fewer where the corpus has a lower rank.
  std::uint64_t seed = 22;             ///< Of the sample of chunks and of the random projection.
  std::size_t train_chunks = 50'000;   ///< Chunks that are learned from; 0: all.
  std::size_t min_df = 2;              ///< Words in fewer of these chunks are left out, …
  std::size_t max_features = 100'000;  ///< … and so are all but the most frequent.
  std::size_t power_iterations = 4;
  AnalyzerOptions analyzer;
};

LsaOptions read_lsa_options(Options& options) {
  constexpr std::int64_t kMany = 1'000'000'000;
  const LsaOptions defaults;
  const auto read = [&options](std::string_view key, std::size_t default_value,
                               std::int64_t minimum, std::int64_t maximum) {
    return static_cast<std::size_t>(
        options.integer(key, static_cast<std::int64_t>(default_value), minimum, maximum));
  };
  return {.dimension = read("dim", defaults.dimension, 1, 4096),
          .seed = read("seed", defaults.seed, 0, std::numeric_limits<std::int64_t>::max()),
          .train_chunks = read("train_chunks", defaults.train_chunks, 0, kMany),
          .min_df = read("min_df", defaults.min_df, 1, kMany),
          .max_features = read("max_features", defaults.max_features, 1, kMany),
          .power_iterations = read("power_iterations", defaults.power_iterations, 0, 100),
          .analyzer = read_analyzer_options(options)};
}

/// Sublinear term frequency.
float damped(double frequency) {
  return static_cast<float>(1.0 + std::log(frequency));
}

/// Scales a vector to L2 norm 1; zeros stay zeros.
void normalise(std::span<float> values) {
  double square = 0.0;
  for (const float value : values) {
    square += static_cast<double>(value) * static_cast<double>(value);
  }
  if (square > 0.0) {
    const double factor = 1.0 / std::sqrt(square);
    for (float& value : values) {
      value = static_cast<float>(value * factor);
    }
  }
}

/// The words that become features, by falling document frequency, equal ones in byte order.
std::vector<WordIndex> select_features(const WordCounts& counts, const LsaOptions& options,
                                       std::vector<std::uint32_t>& document_frequencies) {
  document_frequencies.assign(counts.vocabulary.size(), 0);
  for (const WordIndex word : counts.words) {
    ++document_frequencies[word];
  }
  std::vector<WordIndex> features;
  for (WordIndex word = 0; word < document_frequencies.size(); ++word) {
    if (document_frequencies[word] >= options.min_df) {
      features.push_back(word);
    }
  }
  std::sort(features.begin(), features.end(), [&](WordIndex left, WordIndex right) {
    return document_frequencies[left] != document_frequencies[right]
               ? document_frequencies[left] > document_frequencies[right]
               : counts.vocabulary.word(left) < counts.vocabulary.word(right);
  });
  features.resize(std::min(features.size(), options.max_features));
  return features;
}

/// Learns from a sample of the chunks and writes the model.
void learn(const ChunkTable& table, const Analyzer& analyzer, const LsaOptions& options,
           const std::filesystem::path& path, Executor& executor) {
  const std::vector<std::size_t> positions = sample_positions(
      table.size(), options.train_chunks == 0 ? table.size() : options.train_chunks, options.seed);
  const std::vector<ChunkIndex> chunks(positions.begin(), positions.end());
  const WordCounts counts = count_words(table, chunks, analyzer, executor);
  std::vector<std::uint32_t> document_frequencies;
  const std::vector<WordIndex> selected = select_features(counts, options, document_frequencies);

  // TF-IDF as in scikit-learn's TfidfVectorizer(sublinear_tf=True), rows of L2 norm 1.
  Vocabulary features;
  std::vector<float> idf;
  constexpr std::uint32_t kNoFeature = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> feature_of(counts.vocabulary.size(), kNoFeature);
  for (const WordIndex word : selected) {
    feature_of[word] = features.add(counts.vocabulary.word(word));
    idf.push_back(static_cast<float>(
        1.0 + std::log((1.0 + static_cast<double>(chunks.size())) /
                       (1.0 + static_cast<double>(document_frequencies[word])))));
  }
  SparseMatrix weights;
  weights.column_count = features.size();
  for (std::size_t row = 0; row < counts.row_ends.size(); ++row) {
    const std::size_t first = weights.values.size();
    for (std::uint64_t entry = counts.row_begin(row); entry < counts.row_ends[row]; ++entry) {
      const std::uint32_t feature = feature_of[counts.words[entry]];
      if (feature != kNoFeature) {
        weights.columns.push_back(feature);
        weights.values.push_back(damped(counts.frequencies[entry]) * idf[feature]);
      }
    }
    normalise(std::span(weights.values).subspan(first));
    weights.row_ends.push_back(weights.values.size());
  }
  const DenseMatrix components =
      right_singular_vectors(weights,
                             {.rank = options.dimension,
                              .power_iterations = options.power_iterations,
                              .seed = derive_seed(options.seed, "range finder")},
                             executor);
  if (components.width == 0) {
    throw Error(ErrorCode::kInvalidData,
                "embedder lsa: no word is in " + std::to_string(options.min_df) + " of the " +
                    std::to_string(chunks.size()) + " chunks; nothing can be learned");
  }
  if (components.width < options.dimension) {
    log_info("lsa", "the corpus supports " + std::to_string(components.width) + " dimensions of " +
                        std::to_string(options.dimension));
  }
  const std::array<std::uint64_t, 1> dimension{components.width};
  const std::array<NamedArray, 5> arrays{{{"dimension", dimension},
                                          {"words", features.bytes()},
                                          {"word_ends", features.ends()},
                                          {"idf", idf},
                                          {"components", components.values}}};
  write_array_file(path, kFileKind, arrays);
}

/// Latent semantic analysis (Deerwester et al. 1990): a text is its TF-IDF vector times the leading
/// right singular vectors of the corpus' TF-IDF matrix, not divided by the singular values
/// (scikit-learn's TruncatedSVD.transform), scaled to norm 1. Queries and passages alike.
class LsaEmbedder final : public Embedder {
 public:
  LsaEmbedder(const std::filesystem::path& path, Analyzer analyzer)
      : file_(path, kFileKind),
        analyzer_(std::move(analyzer)),
        vocabulary_(load_vocabulary(file_)) {
    const std::span<const std::uint64_t> dimension = file_.array<std::uint64_t>("dimension");
    idf_ = file_.array<float>("idf");
    components_ = file_.array<float>("components");
    if (dimension.size() != 1 || dimension[0] == 0 || idf_.size() != vocabulary_.size() ||
        components_.size() / dimension[0] != vocabulary_.size() ||
        components_.size() % dimension[0] != 0) {
      file_.fail("the shapes of the model do not fit each other");
    }
    dimension_ = dimension[0];
  }

  std::size_t dimension() const noexcept override { return dimension_; }

  void embed(std::span<const std::string_view> texts, TextRole, std::span<float> rows,
             Executor& executor) const override {
    constexpr std::size_t kTextsPerRange = 64;
    run_ranges(executor, texts.size(), kTextsPerRange, [&](std::size_t begin, std::size_t end) {
      WordReader reader(analyzer_);
      std::vector<WordIndex> words;
      for (std::size_t text = begin; text < end; ++text) {
        words.clear();
        for (const std::string_view word : reader.words(texts[text])) {
          if (const auto known = vocabulary_.find(word)) {
            words.push_back(*known);
          }
        }
        project(words, rows.subspan(text * dimension_, dimension_));
      }
    });
  }

  bool has_token_vectors() const noexcept override { return true; }

  /// A token is a word; its vector is that of a text which consists of the word alone.
  std::vector<TokenVectors> embed_tokens(std::span<const std::string_view> texts,
                                         Executor& executor) const override {
    constexpr std::size_t kTextsPerRange = 64;
    std::vector<TokenVectors> embedded(texts.size());
    run_ranges(executor, texts.size(), kTextsPerRange, [&](std::size_t begin, std::size_t end) {
      WordReader reader(analyzer_);
      std::vector<WordIndex> word;
      for (std::size_t text = begin; text < end; ++text) {
        TokenVectors& tokens = embedded[text];
        const std::span<const std::string_view> words = reader.words(texts[text]);
        tokens.tokens.assign(words.begin(), words.end());
        tokens.rows.resize(words.size() * dimension_);
        for (std::size_t i = 0; i < words.size(); ++i) {
          word.clear();
          if (const auto known = vocabulary_.find(words[i])) {
            word.push_back(*known);
          }
          project(word, std::span(tokens.rows).subspan(i * dimension_, dimension_));
        }
      }
    });
    return embedded;
  }

 private:
  void project(std::vector<WordIndex>& words, std::span<float> row) const {
    std::fill(row.begin(), row.end(), 0.0F);
    std::sort(words.begin(), words.end());
    for (auto first = words.begin(); first != words.end();) {
      const auto last = std::upper_bound(first, words.end(), *first);
      const float weight = damped(static_cast<double>(last - first)) * idf_[*first];
      const float* component = components_.data() + std::size_t{*first} * dimension_;
      for (std::size_t i = 0; i < dimension_; ++i) {
        row[i] += weight * component[i];
      }
      first = last;
    }
    normalise(row);
  }

  ArrayFile file_;
  Analyzer analyzer_;
  Vocabulary vocabulary_;
  std::size_t dimension_ = 0;
  std::span<const float> idf_;         // [word]
  std::span<const float> components_;  // [word, dimension]
};

}  // namespace

Registry<Embedder, const EmbedderParts&>::Entry lsa_embedder() {
  return {.summary = "TF-IDF and truncated SVD learned from the corpus itself; works offline",
          .example = {{"type", "lsa"}, {"dim", 256}, {"seed", 22}, {"train_chunks", 50000}},
          .check = [](Options& options) { read_lsa_options(options); },
          .make = [](Options& options, const EmbedderParts& parts) -> std::unique_ptr<Embedder> {
            const LsaOptions lsa = read_lsa_options(options);
            const std::filesystem::path path = parts.folder / kFileName;
            Analyzer analyzer(lsa.analyzer);
            if (parts.learn) {
              learn(parts.chunks, analyzer, lsa, path, parts.executor);
            }
            return std::make_unique<LsaEmbedder>(path, std::move(analyzer));
          },
          .neutral_options = {"user_dictionary"}};
}

}  // namespace crudbench
