#include "tests/fakes/tiny_gguf.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <utility>

#include "harness/core/random.h"
#include "tests/fakes/gguf_writer.h"

namespace crudbench {

const char* const kChatMlTemplate =
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

namespace {

constexpr int kMeaningfulTokens = 262;

std::string utf8(int code_point) {
  const auto byte = [](int value) { return static_cast<char>(value); };
  if (code_point < 0x80) {
    return {byte(code_point)};
  }
  if (code_point < 0x800) {
    return {byte(0xC0 | code_point >> 6), byte(0x80 | (code_point & 0x3F))};
  }
  return {byte(0xE0 | code_point >> 12), byte(0x80 | (code_point >> 6 & 0x3F)),
          byte(0x80 | (code_point & 0x3F))};
}

/// How GPT-2's byte-level BPE writes a byte: printable ones of Latin-1 as themselves, the others as
/// U+0100 and on, in order.
std::string gpt2_letter(int byte) {
  int others_before = 0;
  for (int other = 0; other <= byte; ++other) {
    const bool printable =
        (other >= 0x21 && other <= 0x7E) || (other >= 0xA1 && other <= 0xAC) || other >= 0xAE;
    if (other == byte && printable) {
      return utf8(byte);
    }
    others_before += printable ? 0 : 1;
  }
  return utf8(0xFF + others_before);
}

std::string sentencepiece_byte(int byte) {
  constexpr const char* kDigits = "0123456789ABCDEF";
  return {'<', '0', 'x', kDigits[byte >> 4], kDigits[byte & 15], '>'};
}

enum TokenType : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUnused = 5, kByte = 6 };

int token_count(const RandomModel& model) {
  return std::max(kMeaningfulTokens, model.vocabulary);
}

void set_vocabulary(GgufWriter& writer, const RandomModel& model) {
  const bool bpe = model.architecture == RandomModel::Architecture::kQwen3Moe;
  std::vector<std::string> tokens{"<unk>", "<s>", "</s>"};
  std::vector<std::int32_t> types{kUnknown, kControl, kControl};
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(bpe ? gpt2_letter(byte) : sentencepiece_byte(byte));
    types.push_back(bpe ? kNormal : kByte);
  }
  // The token 259: a space for SentencePiece; for BPE a pair, so that there is a merge.
  tokens.emplace_back(bpe ? "th" : utf8(0x2581));
  tokens.insert(tokens.end(), {"<|im_start|>", "<|im_end|>"});
  types.insert(types.end(), {kNormal, kControl, kControl});
  while (static_cast<int>(tokens.size()) < token_count(model)) {
    tokens.push_back("<unused" + std::to_string(tokens.size()) + ">");
    types.push_back(kUnused);
  }
  writer.set("tokenizer.ggml.model", std::string(bpe ? "gpt2" : "llama"));
  if (bpe) {
    writer.set("tokenizer.ggml.pre", std::string("qwen2"));
    writer.set("tokenizer.ggml.merges", std::vector<std::string>{"t h"});
  } else {
    writer.set("tokenizer.ggml.scores", std::vector<float>(tokens.size(), 0.0F));
    writer.set_flag("tokenizer.ggml.add_space_prefix", false);
  }
  writer.set("tokenizer.ggml.tokens", tokens);
  writer.set("tokenizer.ggml.token_type", types);
  writer.set("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(kBeginToken));
  writer.set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(kEndToken));
  writer.set("tokenizer.ggml.eot_token_id", static_cast<std::uint32_t>(kTurnEndToken));
  writer.set("tokenizer.ggml.unknown_token_id", std::uint32_t{0});
  writer.set_flag("tokenizer.ggml.add_bos_token", !bpe);
  if (!model.chat_template.empty()) {
    writer.set("tokenizer.chat_template", model.chat_template);
  }
}

bool has_experts(const RandomModel& model) {
  return model.architecture != RandomModel::Architecture::kDense;
}

/// The number of llama_ftype.
std::uint32_t file_type(RandomModel::Weights weights) {
  switch (weights) {
    case RandomModel::Weights::kF32:
      return 0;
    case RandomModel::Weights::kF16:
      return 1;
    case RandomModel::Weights::kQ4:
      return 2;
    case RandomModel::Weights::kQ8:
      return 7;
  }
  throw std::logic_error("no such weights");
}

ggml_type matrix_type(RandomModel::Weights weights) {
  switch (weights) {
    case RandomModel::Weights::kF32:
      return GGML_TYPE_F32;
    case RandomModel::Weights::kF16:
      return GGML_TYPE_F16;
    case RandomModel::Weights::kQ4:
      return GGML_TYPE_Q4_0;
    case RandomModel::Weights::kQ8:
      return GGML_TYPE_Q8_0;
  }
  throw std::logic_error("no such weights");
}

void set_shape(GgufWriter& writer, const RandomModel& model) {
  const auto set = [&](const char* key, int value) {
    writer.set(writer.own(key), static_cast<std::uint32_t>(value));
  };
  writer.set("general.name", std::string("random weights"));
  writer.set("general.file_type", file_type(model.weights));
  set("block_count", model.layers);
  set("context_length", model.context);
  set("embedding_length", model.embedding);
  set("feed_forward_length", model.feed_forward);
  set("attention.head_count", model.heads);
  set("attention.head_count_kv", model.kv_heads);
  set("attention.key_length", model.head_size);
  set("attention.value_length", model.head_size);
  set("rope.dimension_count", model.head_size);
  set("vocab_size", token_count(model));
  writer.set(writer.own("attention.layer_norm_rms_epsilon"), 1e-6F);
  writer.set(writer.own("rope.freq_base"), 10000.0F);
  if (has_experts(model)) {
    set("expert_count", model.experts);
    set("expert_used_count", model.experts_used);
    set("expert_feed_forward_length", model.feed_forward);
  }
}

GgufWriter::FillRow ones() {
  return [](std::int64_t /*row*/, std::span<float> values) {
    std::fill(values.begin(), values.end(), 1.0F);
  };
}

GgufWriter::FillRow zeros() {
  return [](std::int64_t /*row*/, std::span<float> /*values*/) {};
}

/// Uniform weights of the standard deviation `spread`.
GgufWriter::FillRow random_rows(std::uint64_t seed, const std::string& name, double spread) {
  const auto random = std::make_shared<Random>(derive_seed(seed, name));
  const auto reach = static_cast<float>(spread * std::sqrt(3.0));
  return [random, reach](std::int64_t /*row*/, std::span<float> values) {
    for (std::size_t i = 0; i < values.size(); i += 2) {
      // Two weights of 32 bits a number.
      const std::uint64_t bits = random->next();
      constexpr float kStep = 1.0F / 2147483648.0F;
      values[i] = reach * (static_cast<float>(bits >> 32) * kStep - 1.0F);
      if (i + 1 < values.size()) {
        values[i + 1] = reach * (static_cast<float>(bits & 0xFFFFFFFFU) * kStep - 1.0F);
      }
    }
  };
}

/// Row t is the unit vector t.
GgufWriter::FillRow unit_rows() {
  return [](std::int64_t row, std::span<float> values) {
    values[static_cast<std::size_t>(row)] = 1.0F;
  };
}

/// A token's weights for the experts fall off along `known_experts`. The norm before the router has
/// scaled the unit vectors by the root of their length; 0.9 apart, none of the probabilities is 0.
GgufWriter::FillRow known_router(const RandomModel& model, int layer) {
  return [experts = model.experts, layer](std::int64_t expert, std::span<float> values) {
    const float step = 0.9F / std::sqrt(static_cast<float>(values.size()));
    for (std::size_t token = 0; token < values.size(); ++token) {
      const int first = (layer + static_cast<int>(token)) % experts;
      const int rank = (static_cast<int>(expert) - first + experts) % experts;
      values[token] = -step * static_cast<float>(rank);
    }
  };
}

/// The token that follows in the known answer.
int known_successor(int token) {
  const int letter = token - byte_token('a');
  if (letter < 0 || letter > 25) {
    return byte_token('a');
  }
  return letter == 25 ? kEndToken : token + 1;
}

GgufWriter::FillRow known_output() {
  return [](std::int64_t row, std::span<float> values) {
    for (std::size_t token = 0; token < values.size(); ++token) {
      if (known_successor(static_cast<int>(token)) == row) {
        values[token] = 2.0F;
      }
    }
  };
}

/// Adds the tensors of one model.
class TensorList {
 public:
  TensorList(GgufWriter& writer, const RandomModel& model) : writer_(writer), model_(model) {}

  void add_all() {
    const std::int64_t width = model_.embedding;
    const std::int64_t tokens = token_count(model_);
    if (model_.known_routing) {
      writer_.add("token_embd.weight", matrix_type(model_.weights), {width, tokens}, unit_rows());
      writer_.add("output.weight", matrix_type(model_.weights), {width, tokens}, known_output());
    } else {
      matrix("token_embd.weight", {width, tokens}, 1.0);
      matrix("output.weight", {width, tokens}, scale(width));
    }
    norm("output_norm.weight", width);
    for (int layer = 0; layer < model_.layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".";
      add_attention(block);
      norm(block + "ffn_norm.weight", width);
      if (has_experts(model_)) {
        add_experts(block, layer);
      } else {
        matrix(block + "ffn_gate.weight", {width, model_.feed_forward}, scale(width));
        matrix(block + "ffn_up.weight", {width, model_.feed_forward}, scale(width));
        matrix(block + "ffn_down.weight", {model_.feed_forward, width}, scale(model_.feed_forward));
      }
    }
  }

 private:
  static double scale(std::int64_t inputs) { return 1.0 / std::sqrt(static_cast<double>(inputs)); }

  void matrix(const std::string& name, std::vector<std::int64_t> shape, double spread) {
    writer_.add(name, matrix_type(model_.weights), std::move(shape),
                random_rows(model_.seed, name, spread));
  }

  void norm(const std::string& name, std::int64_t width) {
    writer_.add(name, GGML_TYPE_F32, {width}, ones());
  }

  /// A matrix that adds to the stream between the layers: nothing where the routing is known.
  void output_matrix(const std::string& name, std::vector<std::int64_t> shape) {
    if (model_.known_routing) {
      writer_.add(name, matrix_type(model_.weights), std::move(shape), zeros());
    } else {
      const double spread = scale(shape[0]);
      matrix(name, std::move(shape), spread);
    }
  }

  void add_attention(const std::string& block) {
    const std::int64_t width = model_.embedding;
    const std::int64_t query = std::int64_t{model_.heads} * model_.head_size;
    const std::int64_t key = std::int64_t{model_.kv_heads} * model_.head_size;
    norm(block + "attn_norm.weight", width);
    matrix(block + "attn_q.weight", {width, query}, scale(width));
    matrix(block + "attn_k.weight", {width, key}, scale(width));
    matrix(block + "attn_v.weight", {width, key}, scale(width));
    output_matrix(block + "attn_output.weight", {query, width});
    if (model_.architecture == RandomModel::Architecture::kQwen3Moe) {
      norm(block + "attn_q_norm.weight", model_.head_size);
      norm(block + "attn_k_norm.weight", model_.head_size);
    }
  }

  void add_experts(const std::string& block, int layer) {
    const std::int64_t width = model_.embedding;
    const std::int64_t hidden = model_.feed_forward;
    const std::int64_t experts = model_.experts;
    const std::string router = block + "ffn_gate_inp.weight";
    writer_.add(router, GGML_TYPE_F32, {width, experts},
                model_.known_routing ? known_router(model_, layer)
                                     : random_rows(model_.seed, router, scale(width)));
    matrix(block + "ffn_gate_exps.weight", {width, hidden, experts}, scale(width));
    matrix(block + "ffn_up_exps.weight", {width, hidden, experts}, scale(width));
    output_matrix(block + "ffn_down_exps.weight", {hidden, width, experts});
  }

  GgufWriter& writer_;
  const RandomModel& model_;
};

}  // namespace

RandomModel known_routing_model() {
  RandomModel model;
  model.known_routing = true;
  model.embedding = 320;  // Room for a dimension a token.
  model.heads = 2;
  model.kv_heads = 1;
  model.head_size = 32;
  model.feed_forward = 32;
  return model;
}

std::vector<int> known_experts(const RandomModel& model, int layer, int token) {
  std::vector<int> experts;
  for (int rank = 0; rank < model.experts_used; ++rank) {
    experts.push_back((layer + token + rank) % model.experts);
  }
  return experts;
}

std::vector<std::filesystem::path> write_random_model(const std::filesystem::path& path,
                                                      const RandomModel& model) {
  if (model.known_routing && model.embedding < token_count(model)) {
    throw std::logic_error("a known routing needs a dimension for every token");
  }
  GgufWriter writer(model.architecture == RandomModel::Architecture::kQwen3Moe ? "qwen3moe"
                                                                               : "llama");
  set_shape(writer, model);
  set_vocabulary(writer, model);
  TensorList(writer, model).add_all();
  return writer.write(path, model.parts);
}

namespace {

/// [PAD] [UNK] [CLS] [SEP] [MASK], then a token for every lower-case ASCII character and Chinese
/// one. GGUF marks the beginning of a word where BERT marks the continuation.
std::vector<std::string> bert_tokens() {
  const std::string word_begin = utf8(0x2581);
  std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  for (int letter = 0x21; letter < 0x7F; ++letter) {
    if (letter < 'A' || letter > 'Z') {
      tokens.push_back(word_begin + utf8(letter));
      tokens.push_back(utf8(letter));
    }
  }
  for (const auto& [first, last] :
       {std::pair{0x3001, 0x3011}, {0x4E00, 0x9FA5}, {0xFF01, 0xFF1F}}) {
    for (int character = first; character <= last; ++character) {
      tokens.push_back(word_begin + utf8(character));
    }
  }
  return tokens;
}

void set_bert_metadata(GgufWriter& writer, const RandomBert& model,
                       const std::vector<std::string>& tokens) {
  const auto set = [&](const std::string& key, int value) {
    writer.set(key, static_cast<std::uint32_t>(value));
  };
  writer.set("general.name", std::string("random weights"));
  set("general.file_type", 0);
  set("bert.block_count", model.layers);
  set("bert.context_length", model.context);
  set("bert.embedding_length", model.embedding);
  set("bert.feed_forward_length", model.feed_forward);
  set("bert.attention.head_count", model.heads);
  writer.set("bert.attention.layer_norm_epsilon", 1e-12F);
  writer.set_flag("bert.attention.causal", false);
  // llama_pooling_type: mean, first token, ranking head.
  set("bert.pooling_type", model.kind == RandomBert::Kind::kMeanEmbedder         ? 1
                           : model.kind == RandomBert::Kind::kFirstTokenEmbedder ? 2
                                                                                 : 4);
  writer.set("tokenizer.ggml.model", std::string("bert"));
  writer.set("tokenizer.ggml.tokens", tokens);
  std::vector<std::int32_t> types(tokens.size(), kNormal);
  std::fill_n(types.begin(), 5, static_cast<std::int32_t>(kControl));
  writer.set("tokenizer.ggml.token_type", types);
  set("tokenizer.ggml.token_type_count", 2);
  set("tokenizer.ggml.padding_token_id", 0);
  set("tokenizer.ggml.unknown_token_id", 1);
  set("tokenizer.ggml.bos_token_id", 2);
  set("tokenizer.ggml.cls_token_id", 2);
  set("tokenizer.ggml.seperator_token_id", 3);
  set("tokenizer.ggml.eos_token_id", 3);
  set("tokenizer.ggml.mask_token_id", 4);
}

}  // namespace

void write_random_bert(const std::filesystem::path& path, const RandomBert& model) {
  GgufWriter writer("bert");
  const std::vector<std::string> tokens = bert_tokens();
  set_bert_metadata(writer, model, tokens);
  const std::int64_t width = model.embedding;
  const auto matrix = [&](const std::string& name, std::int64_t inputs, std::int64_t outputs,
                          double spread) {
    writer.add(name + ".weight", GGML_TYPE_F32, {inputs, outputs},
               random_rows(model.seed, name, spread));
  };
  // Weights of this spread keep the variance of what goes through.
  const auto linear = [&](const std::string& name, std::int64_t inputs, std::int64_t outputs) {
    matrix(name, inputs, outputs, 1.0 / std::sqrt(static_cast<double>(inputs)));
    writer.add(name + ".bias", GGML_TYPE_F32, {outputs}, zeros());
  };
  const auto norm = [&](const std::string& name) {
    writer.add(name + ".weight", GGML_TYPE_F32, {width}, ones());
    writer.add(name + ".bias", GGML_TYPE_F32, {width}, zeros());
  };
  matrix("token_embd", width, static_cast<std::int64_t>(tokens.size()), 1.0);
  matrix("token_types", width, 2, 0.1);
  matrix("position_embd", width, model.context, 0.1);
  norm("token_embd_norm");
  for (int layer = 0; layer < model.layers; ++layer) {
    const std::string block = "blk." + std::to_string(layer) + ".";
    for (const char* part : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
      linear(block + part, width, width);
    }
    norm(block + "attn_output_norm");
    linear(block + "ffn_up", width, model.feed_forward);
    linear(block + "ffn_down", model.feed_forward, width);
    norm(block + "layer_output_norm");
  }
  if (model.kind == RandomBert::Kind::kReranker) {
    linear("cls", width, width);
    linear("cls.output", width, 1);
  }
  writer.write(path, 1);
}

}  // namespace crudbench
