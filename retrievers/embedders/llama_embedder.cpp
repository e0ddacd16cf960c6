#include "retrievers/embedders/llama_embedder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/llama/model_files.h"
#include "harness/llama/sequence_encoder.h"
#include "retrievers/array_file.h"
#include "retrievers/embedders/unit_rows.h"

namespace crudbench {

namespace {

constexpr std::string_view kFileKind = "dimension";
constexpr std::string_view kFileName = "dimension.bin";

struct LlamaEmbedderOptions {
  ModelOptions model;
  EncoderOptions encoder;
  std::string query_prefix;
  std::string passage_prefix;
};

LlamaEmbedderOptions read_options(Options& options) {
  constexpr std::array<std::string_view, 4> kPoolings{"auto", "mean", "first", "last"};
  LlamaEmbedderOptions read;
  read.model.file = options.text("model");
  if (!options.optional_text("model_sha256")) {
    options.record("model_sha256", model_sha256(read.model.file));
  }
  read.encoder.pooling = options.one_of("pooling", kPoolings, "auto");
  const auto number = [&options](std::string_view key, std::int64_t value, std::int64_t least) {
    return static_cast<std::size_t>(options.integer(key, value, least, 1'000'000));
  };
  read.encoder.max_tokens = number("max_tokens", 512, 8);
  read.encoder.batch_tokens = number("batch_tokens", 0, 0);
  read.model.gpu_layers = static_cast<int>(options.integer("gpu_layers", -1, -1, 1000));
  read.query_prefix = options.text("query_prefix", "");
  read.passage_prefix = options.text("passage_prefix", "");
  return read;
}

/// A GGUF model in this process. Passages are computed one at a time, or up to `batch_tokens`
/// together; queries always one at a time. Rows then depend on nothing but the text, except that
/// passages that are computed together differ in their last bits with what they are together with.
class LlamaEmbedder final : public Embedder {
 public:
  explicit LlamaEmbedder(LlamaEmbedderOptions options)
      : options_(std::move(options)), encoder_(options_.model, options_.encoder) {
    EncoderOptions single = options_.encoder;
    single.batch_tokens = 0;
    if (options_.encoder.batch_tokens > 0) {
      single_.emplace(options_.model, single);
    }
  }

  std::size_t dimension() const noexcept override { return encoder_.dimension(); }

  void embed(std::span<const std::string_view> texts, TextRole role, std::span<float> rows,
             Executor& executor) const override {
    embed_in_pieces(texts, role, rows, executor, [](std::size_t, std::size_t) {});
  }

  void embed_passages(std::span<const std::string_view> texts, std::span<float> rows,
                      Executor& executor, const RowsDone& done) const override {
    embed_in_pieces(texts, TextRole::kPassage, rows, executor, done);
  }

  bool has_token_vectors() const noexcept override { return true; }

  std::vector<TokenVectors> embed_tokens(std::span<const std::string_view> texts,
                                         Executor& executor) const override {
    const std::lock_guard lock(mutex_);
    if (!token_encoder_) {
      EncoderOptions by_token = options_.encoder;
      by_token.pooling = "tokens";
      by_token.batch_tokens = 0;
      token_encoder_.emplace(options_.model, by_token);
    }
    std::vector<TokenVectors> embedded;
    embedded.reserve(texts.size());
    for (const std::string_view text : texts) {
      embedded.push_back(token_vectors(text, executor.concurrency()));
    }
    return embedded;
  }

 private:
  void embed_in_pieces(std::span<const std::string_view> texts, TextRole role,
                       std::span<float> rows, Executor& executor, const RowsDone& done) const {
    constexpr std::size_t kTextsPerPiece = 64;
    const bool is_query = role == TextRole::kQuery;
    const std::lock_guard lock(mutex_);
    SequenceEncoder& encoder = is_query && single_ ? *single_ : encoder_;
    for (std::size_t begin = 0; begin < texts.size(); begin += kTextsPerPiece) {
      const std::size_t count = std::min(kTextsPerPiece, texts.size() - begin);
      const std::vector<std::vector<Token>> tokens =
          tokenize(texts.subspan(begin, count),
                   is_query ? options_.query_prefix : options_.passage_prefix, encoder);
      const std::span<float> piece = rows.subspan(begin * dimension(), count * dimension());
      encoder.encode(tokens, executor.concurrency(), piece);
      for (std::size_t i = 0; i < count; ++i) {
        scale_to_unit(piece.subspan(i * dimension(), dimension()));
      }
      done(begin, begin + count);
    }
  }

  TokenVectors token_vectors(std::string_view text, std::size_t threads) const {
    const std::vector<Token> tokens = token_encoder_->tokenize(text);
    std::vector<float> rows(tokens.size() * dimension());
    token_encoder_->encode_tokens(tokens, threads, rows);
    TokenVectors vectors;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      std::string piece = token_encoder_->piece(tokens[i]);
      if (piece.empty()) {
        continue;  // One that the model adds.
      }
      if (piece.starts_with(' ')) {
        piece.erase(0, 1);  // So WordPiece tells where words begin.
      }
      const std::span<float> row = std::span(rows).subspan(i * dimension(), dimension());
      scale_to_unit(row);
      vectors.tokens.push_back(std::move(piece));
      vectors.rows.insert(vectors.rows.end(), row.begin(), row.end());
    }
    return vectors;
  }

  std::vector<std::vector<Token>> tokenize(std::span<const std::string_view> texts,
                                           const std::string& prefix,
                                           const SequenceEncoder& encoder) const {
    std::vector<std::vector<Token>> tokens;
    tokens.reserve(texts.size());
    for (const std::string_view text : texts) {
      bool was_cut = false;
      tokens.push_back(encoder.tokenize(prefix + std::string(text), &was_cut));
      note_cut(was_cut);
    }
    return tokens;
  }

  void note_cut(bool was_cut) const {
    if (was_cut && !has_cut_) {
      has_cut_ = true;
      log_warning("llama", "texts of more than " + std::to_string(options_.encoder.max_tokens) +
                               " tokens are embedded without their end (\"max_tokens\")");
    }
  }

  LlamaEmbedderOptions options_;
  mutable std::mutex mutex_;  ///< Guards what follows.
  mutable SequenceEncoder encoder_;
  mutable std::optional<SequenceEncoder> single_;  ///< Where `encoder_` computes several at a time.
  mutable std::optional<SequenceEncoder> token_encoder_;
  mutable bool has_cut_ = false;
};

/// The model is read when the embedder is made; nothing but its dimension is learned, so that what
/// stands in the folder can be checked against it.
std::unique_ptr<Embedder> make_llama_embedder(Options& options, const EmbedderParts& parts) {
  auto embedder = std::make_unique<LlamaEmbedder>(read_options(options));
  const std::filesystem::path path = parts.folder / kFileName;
  if (parts.learn) {
    const std::array<std::uint64_t, 1> dimension{embedder->dimension()};
    const std::array<NamedArray, 1> arrays{{{"dimension", dimension}}};
    write_array_file(path, kFileKind, arrays);
  }
  const ArrayFile file(path, kFileKind);
  const auto dimension = file.array<std::uint64_t>("dimension");
  if (dimension.size() != 1 || dimension[0] != embedder->dimension()) {
    file.fail("the vectors were made with another dimension than the model's " +
              std::to_string(embedder->dimension()));
  }
  return embedder;
}

}  // namespace

Registry<Embedder, const EmbedderParts&>::Entry llama_embedder() {
  return {.summary = "A GGUF model (BERT and its kin, or a language model) through llama.cpp",
          .example = {{"type", "llama"},
                      {"model", "bge-base-zh-v1.5-f16.gguf"},
                      {"pooling", "auto"},
                      {"query_prefix", "为这个句子生成表示以用于检索相关文章："},
                      {"max_tokens", 512}},
          .check = [](Options& options) { read_options(options); },
          .make = make_llama_embedder,
          .neutral_options = {"model", "gpu_layers"},
          .costly = true};
}

}  // namespace crudbench
