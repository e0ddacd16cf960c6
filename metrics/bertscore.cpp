#include "metrics/bertscore.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/core/error.h"
#include "harness/core/options.h"
#include "harness/core/random.h"
#include "metrics/builtin_metrics.h"
#include "metrics/metric_values.h"

namespace crudbench {

namespace {

constexpr std::string_view kNoWeight = "no_weight";
constexpr std::string_view kNoBaseline = "no_baseline";

/// Texts whose token vectors are in memory at once.
constexpr std::size_t kTextsPerBatch = 128;

/// The different tokens of a text, so that a word that stands ten times is compared once.
struct DistinctTokens {
  std::vector<std::size_t> positions;  ///< [distinct] where its row stands in TokenVectors.
  std::vector<std::size_t> counts;     ///< [distinct]
  std::vector<bool> known;             ///< [distinct] Whether its row is not all zeros.
};

std::size_t dimension_of(const TokenVectors& text) {
  return text.rows.size() / text.tokens.size();
}

std::span<const float> row_of(const TokenVectors& text, std::size_t position) {
  const std::size_t dimension = dimension_of(text);
  return std::span(text.rows).subspan(position * dimension, dimension);
}

/// Contextual vectors of one token differ from place to place, so tokens are the same only if
/// their rows are.
DistinctTokens find_distinct(const TokenVectors& text) {
  DistinctTokens distinct;
  std::unordered_map<std::string_view, std::vector<std::size_t>> seen;  // → positions in `distinct`
  for (std::size_t position = 0; position < text.tokens.size(); ++position) {
    const std::span<const float> row = row_of(text, position);
    std::vector<std::size_t>& twins = seen[text.tokens[position]];
    const auto twin = std::find_if(twins.begin(), twins.end(), [&](std::size_t candidate) {
      const std::span<const float> other = row_of(text, distinct.positions[candidate]);
      return std::equal(row.begin(), row.end(), other.begin());
    });
    if (twin != twins.end()) {
      ++distinct.counts[*twin];
      continue;
    }
    twins.push_back(distinct.positions.size());
    distinct.positions.push_back(position);
    distinct.counts.push_back(1);
    distinct.known.push_back(
        std::any_of(row.begin(), row.end(), [](float value) { return value != 0.0F; }));
  }
  return distinct;
}

/// Sixteen partial sums, added in a fixed order: fast, and the same bits everywhere.
float dot_product(std::span<const float> left, std::span<const float> right) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= left.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += left[i + lane] * right[i + lane];
    }
  }
  for (std::size_t lane = 0; i < left.size(); ++i, ++lane) {
    sums[lane] += left[i] * right[i];
  }
  float sum = 0.0F;
  for (const float part : sums) {
    sum += part;
  }
  return sum;
}

/// Mean of `best` over the tokens of a side; nullopt without a positive weight.
std::optional<double> weighted_mean(const TokenVectors& text, const DistinctTokens& distinct,
                                    const std::vector<double>& best, const TokenWeights& weights) {
  double sum = 0.0;
  double weight_sum = 0.0;
  for (std::size_t i = 0; i < best.size(); ++i) {
    const double weight =
        weights.of(text.tokens[distinct.positions[i]]) * static_cast<double>(distinct.counts[i]);
    sum += weight * best[i];
    weight_sum += weight;
  }
  return weight_sum > 0.0 ? std::optional(sum / weight_sum) : std::nullopt;
}

double harmonic_mean(double precision, double recall) {
  return precision > 0.0 && recall > 0.0 ? 2.0 * precision * recall / (precision + recall) : 0.0;
}

struct BertscoreOptions {
  bool idf = false;      ///< Weigh tokens by how rare they are among the references of the run.
  bool rescale = false;  ///< Map the score of two references that have nothing to do with each
                         ///< other to 0.
};

BertscoreOptions read_bertscore_options(Options& options) {
  options.raw("embedder");
  options.raw("chunker");
  return {.idf = options.flag("idf", false), .rescale = options.flag("rescale", false)};
}

class Bertscore final : public Metric {
 public:
  Bertscore(const BertscoreOptions& options, const MetricParts& parts)
      : embedder_(*parts.embedder), options_(options) {
    std::string name = "bertscore";
    name += options.idf ? "_idf" : "";
    name += options.rescale ? "_rescaled" : "";
    for (const char* suffix : {"", "_p", "_r"}) {
      names_.push_back(name + suffix + "[" + parts.label + "]");
    }
    if (options.idf) {
      weights_ = weigh(parts.references);
    }
    if (options.rescale) {
      baseline_ = find_baseline(parts.references);
    }
  }

  bool reads_words() const noexcept override { return false; }

  std::vector<std::vector<MetricValue>> score_all(std::span<const Prediction> predictions,
                                                  Executor& executor) const override {
    std::vector<std::vector<MetricValue>> values;
    values.reserve(predictions.size());
    for (std::size_t begin = 0; begin < predictions.size(); begin += kTextsPerBatch) {
      const auto batch =
          predictions.subspan(begin, std::min(kTextsPerBatch, predictions.size() - begin));
      std::vector<std::string_view> texts;
      for (const Prediction& prediction : batch) {
        texts.insert(texts.end(), {prediction.text, prediction.reference});
      }
      const std::vector<TokenVectors> tokens = embedder_.embed_tokens(texts, executor);
      values.resize(begin + batch.size());
      executor.run_all(batch.size(), [&](std::size_t i) {
        values[begin + i] = score_one(batch[i], tokens[2 * i], tokens[2 * i + 1]);
      });
    }
    return values;
  }

 private:
  std::vector<MetricValue> score_one(const Prediction& prediction, const TokenVectors& text,
                                     const TokenVectors& reference) const {
    std::string_view failure =
        comparison_failure(prediction, text.tokens.empty(), reference.tokens.empty());
    if (failure.empty() && options_.rescale && !baseline_) {
      failure = kNoBaseline;
    }
    std::optional<TokenMatch> match;
    if (failure.empty()) {
      match = match_tokens(text, reference, weights_);
      failure = match ? "" : kNoWeight;
    }
    if (!failure.empty()) {
      return {failed(names_[0], failure), failed(names_[1], failure), failed(names_[2], failure)};
    }
    const TokenMatch baseline = baseline_.value_or(TokenMatch());
    const auto rescaled = [](double score, double low) { return (score - low) / (1.0 - low); };
    return {scored(names_[0], rescaled(match->f1, baseline.f1)),
            scored(names_[1], rescaled(match->precision, baseline.precision)),
            scored(names_[2], rescaled(match->recall, baseline.recall))};
  }

  TokenWeights weigh(std::span<const std::string_view> references) const {
    SerialExecutor executor;
    std::vector<TokenVectors> tokens;
    for (std::size_t begin = 0; begin < references.size(); begin += kTextsPerBatch) {
      const auto batch =
          references.subspan(begin, std::min(kTextsPerBatch, references.size() - begin));
      for (TokenVectors& text : embedder_.embed_tokens(batch, executor)) {
        tokens.push_back({.tokens = std::move(text.tokens), .rows = {}});
      }
    }
    return inverse_document_frequencies(tokens);
  }

  /// bert_score's baseline is the mean score of random pairs of sentences; these are pairs of
  /// different references of the run. nullopt where there are none.
  std::optional<TokenMatch> find_baseline(std::span<const std::string_view> references) const {
    constexpr std::size_t kPairs = 1000;
    constexpr std::uint64_t kSeed = 22;
    SerialExecutor executor;
    Random random(derive_seed(kSeed, "bertscore baseline"));
    TokenMatch sum;
    std::size_t count = 0;
    for (std::size_t pair = 0; pair < kPairs && references.size() >= 2; ++pair) {
      const std::size_t first = random.below(references.size());
      const std::size_t second = random.below(references.size());
      if (references[first] == references[second]) {
        continue;
      }
      const std::array<std::string_view, 2> texts{references[first], references[second]};
      const std::vector<TokenVectors> tokens = embedder_.embed_tokens(texts, executor);
      if (tokens[0].tokens.empty() || tokens[1].tokens.empty()) {
        continue;
      }
      if (const auto match = match_tokens(tokens[0], tokens[1], weights_)) {
        sum.precision += match->precision;
        sum.recall += match->recall;
        sum.f1 += match->f1;
        ++count;
      }
    }
    const auto n = static_cast<double>(count);
    return count == 0 ? std::nullopt
                      : std::optional(TokenMatch{sum.precision / n, sum.recall / n, sum.f1 / n});
  }

  const Embedder& embedder_;
  BertscoreOptions options_;
  std::vector<std::string> names_;  ///< F1, precision, recall.
  TokenWeights weights_;
  std::optional<TokenMatch> baseline_;
};

}  // namespace

TokenWeights inverse_document_frequencies(std::span<const TokenVectors> texts) {
  TokenWeights weights;
  for (const TokenVectors& text : texts) {
    for (const std::string& token : std::set<std::string>(text.tokens.begin(), text.tokens.end())) {
      weights.by_token[token] += 1.0;
    }
  }
  const double count = static_cast<double>(texts.size()) + 1.0;
  for (auto& [token, weight] : weights.by_token) {
    weight = std::log(count / (weight + 1.0));
  }
  weights.unseen = std::log(count);
  return weights;
}

std::optional<TokenMatch> match_tokens(const TokenVectors& prediction,
                                       const TokenVectors& reference, const TokenWeights& weights) {
  if (prediction.tokens.empty() || reference.tokens.empty()) {
    return std::nullopt;
  }
  const DistinctTokens left = find_distinct(prediction);
  const DistinctTokens right = find_distinct(reference);
  constexpr double kWorst = -1.0;
  std::vector<double> best_left(left.positions.size(), kWorst);
  std::vector<double> best_right(right.positions.size(), kWorst);
  for (std::size_t i = 0; i < left.positions.size(); ++i) {
    const std::size_t left_position = left.positions[i];
    for (std::size_t j = 0; j < right.positions.size(); ++j) {
      const std::size_t right_position = right.positions[j];
      const std::span<const float> left_row = row_of(prediction, left_position);
      const std::span<const float> right_row = row_of(reference, right_position);
      double similarity = 0.0;
      if (prediction.tokens[left_position] == reference.tokens[right_position] &&
          std::equal(left_row.begin(), left_row.end(), right_row.begin())) {
        similarity = 1.0;  // Without rounding, and for unknown tokens too.
      } else if (left.known[i] && right.known[j]) {
        similarity = std::min(1.0, static_cast<double>(dot_product(left_row, right_row)));
      }
      best_left[i] = std::max(best_left[i], similarity);
      best_right[j] = std::max(best_right[j], similarity);
    }
  }
  const auto precision = weighted_mean(prediction, left, best_left, weights);
  const auto recall = weighted_mean(reference, right, best_right, weights);
  if (!precision || !recall) {
    return std::nullopt;
  }
  return TokenMatch{*precision, *recall, harmonic_mean(*precision, *recall)};
}

void check_bertscore(Options& options) {
  read_bertscore_options(options);
}

std::unique_ptr<Metric> make_bertscore(Options& options, const MetricParts& parts) {
  const BertscoreOptions bertscore = read_bertscore_options(options);
  if (!parts.embedder->has_token_vectors()) {
    throw Error(ErrorCode::kInvalidConfig, "metric bertscore: embedder " + parts.label +
                                               " gives no vectors of tokens; expected one that "
                                               "does, such as lsa");
  }
  return std::make_unique<Bertscore>(bertscore, parts);
}

}  // namespace crudbench
