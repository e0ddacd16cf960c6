#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace crudbench {

/// The shape of a model of random weights. The defaults make a file of 1.5 MB in some milliseconds;
/// nothing keeps one from asking for the shape of a real model (bench/random_model does).
///
/// The same fields give the same bytes. A token stands for one byte of text, so any text goes
/// through the tokenizer and back unchanged (with `kMixtral` and `kDense` all but U+2581, with
/// which that family writes spaces).
struct RandomModel {
  enum class Architecture {
    kQwen3Moe,  ///< Experts; byte-level BPE as GPT-2's.
    kMixtral,   ///< Experts, in the architecture "llama"; SentencePiece with byte tokens.
    kDense,     ///< The same without experts.
  };
  enum class Weights {
    kF32,
    kF16,
    kQ8,
    kQ4
  };  ///< Of the matrices; q8_0 and q4_0 for the last two.

  Architecture architecture = Architecture::kQwen3Moe;
  Weights weights = Weights::kF32;
  int layers = 2;
  int embedding = 64;  ///< Model width; a multiple of 32, of 256 to suit the k-quants.
  int heads = 4;
  int kv_heads = 2;
  int head_size = 16;
  int experts = 8;  ///< Not read for `kDense`.
  int experts_used = 2;
  int feed_forward = 64;  ///< Hidden size of one expert, or of the dense network.
  int context = 4096;     ///< Tokens, as the model claims.
  int vocabulary = 0;     ///< At least so many tokens; the added ones are "<unused262>" and on.
  std::uint64_t seed = 1;
  std::string chat_template;   ///< Jinja text; empty: none.
  bool known_routing = false;  ///< See `known_routing_model`.
  int parts = 1;  ///< Files: "x.gguf" becomes "x-00001-of-0000N.gguf" and so on where this is > 1.
};

/// The tokens that mean something to these models, by id.
inline constexpr int kBeginToken = 1;
inline constexpr int kEndToken = 2;  ///< Ends an answer.
/// The token of a byte. A space is `kSpaceToken` in `kMixtral` and `kDense`.
constexpr int byte_token(unsigned char byte) {
  return 3 + byte;
}
inline constexpr int kSpaceToken = 259;
inline constexpr int kTurnBeginToken = 260;  ///< "<|im_start|>"
inline constexpr int kTurnEndToken = 261;    ///< "<|im_end|>", ends an answer too.

/// A chat template of the common ChatML form, for `RandomModel::chat_template`.
extern const char* const kChatMlTemplate;

/// A model whose behaviour is known: attention and experts add nothing, so the router of every
/// layer sees the token alone, and chooses `known_experts`; and whatever the prompt, its greedy
/// answer is `kKnownAnswer`, then `kEndToken`.
RandomModel known_routing_model();
/// The experts that the known router chooses, best first: layer + token, and those that follow it.
std::vector<int> known_experts(const RandomModel& model, int layer, int token);
inline constexpr const char* kKnownAnswer = "abcdefghijklmnopqrstuvwxyz";

/// Writes the model tensor by tensor, so that memory stays small however large it is. Returns the
/// files in order; the first is the one to load.
std::vector<std::filesystem::path> write_random_model(const std::filesystem::path& path,
                                                      const RandomModel& model);

/// The shape of a random BERT: an embedder, or with a ranking head a cross-encoder. Its tokens are
/// Chinese characters and lower-cased ASCII.
struct RandomBert {
  enum class Kind { kMeanEmbedder, kFirstTokenEmbedder, kReranker };

  Kind kind = Kind::kMeanEmbedder;
  int layers = 2;
  int embedding = 32;
  int heads = 2;
  int feed_forward = 64;
  int context = 512;
  std::uint64_t seed = 1;
};
void write_random_bert(const std::filesystem::path& path, const RandomBert& model);

}  // namespace crudbench
