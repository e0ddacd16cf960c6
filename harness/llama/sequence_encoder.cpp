#include "harness/llama/sequence_encoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <gguf.h>
#include <llama.h>
#include <utility>

#include "harness/core/error.h"
#include "harness/llama/backend.h"
#include "harness/llama/thread_count.h"
#include "harness/llama/token_batch.h"

namespace crudbench {

namespace {

constexpr std::size_t kMostTexts = 64;  ///< Computed together.

struct FreeContext {
  void operator()(llama_context* context) const noexcept { llama_free(context); }
};
struct FreeGguf {
  void operator()(gguf_context* context) const noexcept { gguf_free(context); }
};

enum llama_pooling_type pooling_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, enum llama_pooling_type>, 6> kNames{
      {{"auto", LLAMA_POOLING_TYPE_UNSPECIFIED},
       {"mean", LLAMA_POOLING_TYPE_MEAN},
       {"first", LLAMA_POOLING_TYPE_CLS},
       {"last", LLAMA_POOLING_TYPE_LAST},
       {"tokens", LLAMA_POOLING_TYPE_NONE},
       {"rank", LLAMA_POOLING_TYPE_RANK}}};
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [name](const auto& entry) { return entry.first == name; });
  if (found == kNames.end()) {
    throw Error(ErrorCode::kInvalidConfig, "unknown pooling '" + std::string(name) + "'");
  }
  return found->second;
}

/// Whether the file has the tensors of a ranking head; llama.cpp ends the program if it is asked to
/// rank without.
bool has_ranking_head(const std::filesystem::path& file) {
  const std::unique_ptr<gguf_context, FreeGguf> header(
      gguf_init_from_file(file.c_str(), {.no_alloc = true, .ctx = nullptr}));
  return header && (gguf_find_tensor(header.get(), "cls.weight") >= 0 ||
                    gguf_find_tensor(header.get(), "cls.output.weight") >= 0);
}

[[noreturn]] void refuse(const ModelOptions& model, const std::string& problem) {
  throw Error(ErrorCode::kInvalidData, model.file.string() + ": " + problem);
}

/// Tokens of a piece of a prompt; names of control tokens mean them only in our own texts.
void append_tokens(const llama_vocab* vocabulary, std::string_view text, bool is_ours,
                   std::vector<Token>& tokens) {
  std::vector<Token> added(text.size() + 1);
  const auto call = [&] {
    return llama_tokenize(vocabulary, text.data(), static_cast<std::int32_t>(text.size()),
                          added.data(), static_cast<std::int32_t>(added.size()),
                          /*add_special=*/false, /*parse_special=*/is_ours);
  };
  std::int32_t count = call();
  if (count < 0) {
    added.resize(static_cast<std::size_t>(-static_cast<std::int64_t>(count)));
    count = call();
  }
  if (count < 0) {
    throw Error(ErrorCode::kInvalidData,
                "llama.cpp cannot tokenize a text of " + std::to_string(text.size()) + " bytes");
  }
  tokens.insert(tokens.end(), added.begin(), added.begin() + count);
}

}  // namespace

class SequenceEncoder::Impl {
 public:
  Impl(const ModelOptions& model_options, const EncoderOptions& options)
      : options_(options), model_(model_options) {
    const enum llama_pooling_type wanted = pooling_of(options_.pooling);
    if (wanted == LLAMA_POOLING_TYPE_RANK && !has_ranking_head(model_options.file)) {
      refuse(model_options, "this model has no ranking head, so it is no reranker");
    }
    options_.max_tokens = std::min(options_.max_tokens, model_.trained_context());
    make_context(wanted);
    const enum llama_pooling_type pooling = llama_pooling_type(context_.get());
    if (options_.pooling == "auto" && pooling == LLAMA_POOLING_TYPE_NONE) {
      refuse(model_options, "the file says nothing about pooling, so this model (" +
                                model_.description() +
                                ") is no embedder; if it is one, set \"pooling\"");
    }
    if (options_.pooling == "auto" && pooling == LLAMA_POOLING_TYPE_RANK) {
      refuse(model_options, "this model is a reranker and no embedder");
    }
    ranks_ = pooling == LLAMA_POOLING_TYPE_RANK;
    vocabulary_ = llama_model_get_vocab(model_.handle());
    read_special_tokens();
  }

  std::size_t dimension() const noexcept {
    return ranks_ ? 1 : static_cast<std::size_t>(llama_model_n_embd_out(model_.handle()));
  }

  std::vector<Token> tokenize(std::string_view text, bool* was_cut) const {
    std::vector<Token> tokens = begin_;
    append_tokens(vocabulary_, text, false, tokens);
    return finished(std::move(tokens), was_cut);
  }

  std::vector<Token> tokenize_pair(std::string_view query, std::string_view text,
                                   bool* was_cut) const {
    const char* const prompt = llama_model_chat_template(model_.handle(), "rerank");
    if (prompt != nullptr) {
      return fill(prompt, query, text, was_cut);
    }
    std::vector<Token> tokens = begin_;
    append_tokens(vocabulary_, query, false, tokens);
    tokens.insert(tokens.end(), between_.begin(), between_.end());
    append_tokens(vocabulary_, text, false, tokens);
    return finished(std::move(tokens), was_cut);
  }

  std::string piece(Token token) const {
    return model_.is_control(token) ? std::string() : model_.piece(token);
  }

  void encode(std::span<const std::vector<Token>> texts, std::size_t threads,
              std::span<float> rows) {
    set_threads(threads);
    for (std::size_t first = 0; first < texts.size();) {
      std::size_t count = 1;
      std::size_t tokens = texts[first].size();
      while (first + count < texts.size() && count < kMostTexts &&
             tokens + texts[first + count].size() <= options_.batch_tokens) {
        tokens += texts[first + count].size();
        ++count;
      }
      encode_together(texts.subspan(first, count),
                      rows.subspan(first * dimension(), count * dimension()));
      first += count;
    }
  }

  void encode_tokens(std::span<const Token> text, std::size_t threads, std::span<float> rows) {
    set_threads(threads);
    compute([&](TokenBatch& batch) { add(text, 0, batch); });
    for (std::size_t i = 0; i < text.size(); ++i) {
      take(llama_get_embeddings_ith(context_.get(), static_cast<std::int32_t>(i)),
           rows.subspan(i * dimension(), dimension()));
    }
  }

 private:
  void make_context(enum llama_pooling_type pooling) {
    const std::size_t most = std::max(options_.max_tokens, options_.batch_tokens);
    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = static_cast<std::uint32_t>(most);
    parameters.n_batch = parameters.n_ctx;
    parameters.n_ubatch = parameters.n_ctx;  // Attention that looks both ways needs all at once.
    parameters.n_seq_max = options_.batch_tokens == 0 ? 1 : kMostTexts;
    parameters.pooling_type = pooling;
    parameters.embeddings = true;
    parameters.kv_unified = true;
    parameters.no_perf = true;
    take_llama_errors();
    context_.reset(llama_init_from_model(model_.handle(), parameters));
    if (!context_) {
      throw Error(ErrorCode::kInvalidConfig, "llama.cpp refuses to embed up to " +
                                                 std::to_string(most) +
                                                 " tokens with this model: " + take_llama_errors());
    }
  }

  /// What the model wants at the beginning, the end, and between a query and a text: "[CLS] query
  /// [SEP] text [SEP]" for BERT, "<s> query </s></s> text </s>" for XLM-RoBERTa.
  void read_special_tokens() {
    const llama_token end = llama_vocab_eos(vocabulary_);
    const llama_token separator = llama_vocab_sep(vocabulary_);
    if (llama_vocab_get_add_bos(vocabulary_)) {
      begin_.push_back(llama_vocab_bos(vocabulary_));
    }
    const bool adds_end = llama_vocab_get_add_eos(vocabulary_) && end != LLAMA_TOKEN_NULL;
    const bool adds_separator =
        llama_vocab_get_add_sep(vocabulary_) && separator != LLAMA_TOKEN_NULL;
    if (adds_end || adds_separator) {
      end_.push_back(adds_end ? end : separator);
    }
    between_ = end_;
    if (adds_end && adds_separator) {
      between_.push_back(separator);
    }
  }

  /// Cuts the tokens where there are too many, and ends them.
  std::vector<Token> finished(std::vector<Token> tokens, bool* was_cut) const {
    const std::size_t most = options_.max_tokens - end_.size();
    const bool cut = tokens.size() > most;
    tokens.resize(std::min(tokens.size(), most));
    tokens.insert(tokens.end(), end_.begin(), end_.end());
    if (was_cut != nullptr) {
      *was_cut = cut;
    }
    return tokens;
  }

  /// The model's own prompt for ranking, with "{query}" and "{document}" in it.
  std::vector<Token> fill(std::string_view prompt, std::string_view query, std::string_view text,
                          bool* was_cut) const {
    constexpr std::string_view kDocument = "{document}";
    const std::size_t place = std::min(prompt.find(kDocument), prompt.size());
    std::vector<Token> tokens;
    append_with_query(prompt.substr(0, place), query, tokens);
    std::vector<Token> rest;
    append_with_query(prompt.substr(std::min(place + kDocument.size(), prompt.size())), query,
                      rest);
    std::vector<Token> document;
    append_tokens(vocabulary_, text, false, document);
    const std::size_t around = tokens.size() + rest.size();
    const std::size_t room = options_.max_tokens - std::min(around, options_.max_tokens);
    if (was_cut != nullptr) {
      *was_cut = document.size() > room;
    }
    document.resize(std::min(document.size(), room));
    tokens.insert(tokens.end(), document.begin(), document.end());
    tokens.insert(tokens.end(), rest.begin(), rest.end());
    tokens.resize(std::min(tokens.size(), options_.max_tokens));
    return tokens;
  }

  void append_with_query(std::string_view prompt, std::string_view query,
                         std::vector<Token>& tokens) const {
    constexpr std::string_view kQuery = "{query}";
    for (std::size_t place = prompt.find(kQuery); place != std::string_view::npos;
         place = prompt.find(kQuery)) {
      append_tokens(vocabulary_, prompt.substr(0, place), true, tokens);
      append_tokens(vocabulary_, query, false, tokens);
      prompt.remove_prefix(place + kQuery.size());
    }
    append_tokens(vocabulary_, prompt, true, tokens);
  }

  /// Threads beyond the cores would wait for each other at every tensor.
  void set_threads(std::size_t threads) {
    const auto count = static_cast<std::int32_t>(std::min(threads, usable_cores()));
    llama_set_n_threads(context_.get(), count, count);
  }

  static void add(std::span<const Token> text, int sequence, TokenBatch& batch) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      batch.add(text[i], i, sequence, true, {});
    }
  }

  template <class Fill>
  void compute(const Fill& fill) {
    if (const llama_memory_t memory = llama_get_memory(context_.get()); memory != nullptr) {
      llama_memory_clear(memory, true);
    }
    TokenBatch batch;
    fill(batch);
    take_llama_errors();
    if (const int status = batch.decode(context_.get()); status != 0) {
      throw Error(ErrorCode::kUnavailable,
                  "llama.cpp cannot compute " + std::to_string(batch.size()) + " tokens (status " +
                      std::to_string(status) + "): " + take_llama_errors());
    }
  }

  void encode_together(std::span<const std::vector<Token>> texts, std::span<float> rows) {
    compute([&](TokenBatch& batch) {
      for (std::size_t i = 0; i < texts.size(); ++i) {
        add(texts[i], static_cast<int>(i), batch);
      }
    });
    for (std::size_t i = 0; i < texts.size(); ++i) {
      take(llama_get_embeddings_seq(context_.get(), static_cast<llama_seq_id>(i)),
           rows.subspan(i * dimension(), dimension()));
    }
  }

  static void take(const float* values, std::span<float> row) {
    if (values == nullptr || !std::all_of(values, values + row.size(),
                                          [](float value) { return std::isfinite(value); })) {
      throw Error(ErrorCode::kUnavailable,
                  values == nullptr ? "llama.cpp gives no vector"
                                    : "llama.cpp gives a vector with a value that is not finite");
    }
    std::copy(values, values + row.size(), row.begin());
  }

  EncoderOptions options_;
  LlamaModel model_;
  std::unique_ptr<llama_context, FreeContext> context_;
  const llama_vocab* vocabulary_ = nullptr;
  bool ranks_ = false;
  std::vector<Token> begin_;
  std::vector<Token> between_;
  std::vector<Token> end_;
};

SequenceEncoder::SequenceEncoder(const ModelOptions& model, const EncoderOptions& options)
    : impl_(std::make_unique<Impl>(model, options)) {}
SequenceEncoder::~SequenceEncoder() = default;
SequenceEncoder::SequenceEncoder(SequenceEncoder&& other) noexcept = default;
SequenceEncoder& SequenceEncoder::operator=(SequenceEncoder&& other) noexcept = default;

std::size_t SequenceEncoder::dimension() const noexcept {
  return impl_->dimension();
}

std::vector<Token> SequenceEncoder::tokenize(std::string_view text, bool* was_cut) const {
  return impl_->tokenize(text, was_cut);
}

std::vector<Token> SequenceEncoder::tokenize_pair(std::string_view query, std::string_view text,
                                                  bool* was_cut) const {
  return impl_->tokenize_pair(query, text, was_cut);
}

std::string SequenceEncoder::piece(Token token) const {
  return impl_->piece(token);
}

void SequenceEncoder::encode(std::span<const std::vector<Token>> texts, std::size_t threads,
                             std::span<float> rows) {
  impl_->encode(texts, threads, rows);
}

void SequenceEncoder::encode_tokens(std::span<const Token> text, std::size_t threads,
                                    std::span<float> rows) {
  impl_->encode_tokens(text, threads, rows);
}

}  // namespace crudbench
