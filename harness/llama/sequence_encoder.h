#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/llama/model.h"

namespace crudbench {

/// How texts become vectors, or scores.
struct EncoderOptions {
  /// What is taken of the last layer: "auto" as the file says; "mean" of all tokens; "first" and
  /// "last" token; "tokens", every token's own; "rank", the score of a ranking head.
  std::string pooling = "auto";
  /// Most tokens of a text, with those that the model adds; longer ones are cut. No more than the
  /// model was trained with.
  std::size_t max_tokens = 512;
  /// Texts are computed together up to so many tokens; 0: one at a time.
  std::size_t batch_tokens = 0;
};

/// A model that turns texts into vectors: BERT and its kin, or a language model that was trained
/// for it; or one that scores a text for a query, by a ranking head.
///
/// One text at a time, a result depends on the text alone, to the last bit, on one machine and
/// number of threads; texts that are computed together round differently. Not thread-safe.
class SequenceEncoder {
 public:
  /// Throws as `LlamaModel` does, and Error(kInvalidData) for a model that does not do what is
  /// asked: without any word of pooling in its file where that is to say it, or without ranking
  /// head.
  SequenceEncoder(const ModelOptions& model, const EncoderOptions& options);
  ~SequenceEncoder();
  SequenceEncoder(SequenceEncoder&& other) noexcept;
  SequenceEncoder& operator=(SequenceEncoder&& other) noexcept;

  /// Of a vector; 1 for scores.
  std::size_t dimension() const noexcept;

  /// The tokens of a text, with those that the model wants around it. Names of control tokens in it
  /// are text like any other. `was_cut`, if not null, is set where tokens were left out at the end.
  std::vector<Token> tokenize(std::string_view text, bool* was_cut = nullptr) const;
  /// The same for a query and a text that a ranking head is to score; the text is cut.
  std::vector<Token> tokenize_pair(std::string_view query, std::string_view text,
                                   bool* was_cut = nullptr) const;
  /// The bytes of a token; none for one that the model adds.
  std::string piece(Token token) const;

  /// One row a text, row-major [texts.size(), dimension()], as the model gives them. Throws
  /// Error(kUnavailable) if llama.cpp cannot compute them or they are not finite.
  void encode(std::span<const std::vector<Token>> texts, std::size_t threads,
              std::span<float> rows);
  /// With pooling "tokens": one row a token of one text.
  void encode_tokens(std::span<const Token> text, std::size_t threads, std::span<float> rows);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crudbench
