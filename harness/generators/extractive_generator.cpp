#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <utility>

#include "harness/generators/builtin_generators.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

/// What is said where the passages hold no answer.
constexpr std::string_view kRefusal = "根据现有信息无法回答该问题。";

bool ends_sentence(char32_t value) noexcept {
  return value == U'。' || value == U'！' || value == U'？' || value == U'；' || value == U'!' ||
         value == U'?' || value == U';' || value == U'\n';
}

bool closes_quotation(char32_t value) noexcept {
  return value == U'”' || value == U'’' || value == U'」' || value == U'』' || value == U'）' ||
         value == U'】' || value == U'》' || value == U'"' || value == U')';
}

/// The sentences of a text, stripped, blank ones left out. They end after 。！？；!?; and the
/// quotation marks and brackets that close there, and at line breaks.
std::vector<std::string_view> split_sentences(std::string_view text) {
  std::vector<std::string_view> sentences;
  const auto add = [&](std::size_t begin, std::size_t end) {
    if (const std::string_view sentence = strip(text.substr(begin, end - begin));
        !sentence.empty()) {
      sentences.push_back(sentence);
    }
  };
  std::size_t begin = 0;
  bool ended = false;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = decode_at(text, at);
    if (ended && !closes_quotation(next.value) && !ends_sentence(next.value)) {
      add(begin, at);
      begin = at;
      ended = false;
    }
    ended = ended || ends_sentence(next.value);
    at += next.size_bytes;
  }
  add(begin, text.size());
  return sentences;
}

/// Ideographs, kana, hangul: written without spaces, so that pairs of them stand for words.
bool is_unspaced(char32_t value) noexcept {
  return (value >= 0x3400 && value <= 0x9FFF) || (value >= 0x20000 && value <= 0x323AF) ||
         (value >= 0x3040 && value <= 0x30FF) || (value >= 0xAC00 && value <= 0xD7A3) ||
         (value >= 0xF900 && value <= 0xFAFF);
}

/// Letters and digits of spaced scripts, folded to lower-case ASCII where they are Latin or
/// full-width Latin; 0 for everything else.
char32_t folded_letter(char32_t value) noexcept {
  if (value >= 0xFF01 && value <= 0xFF5E) {
    value -= 0xFEE0;
  }
  if (value >= U'A' && value <= U'Z') {
    return value - U'A' + U'a';
  }
  const bool is_letter = (value >= U'a' && value <= U'z') || (value >= U'0' && value <= U'9') ||
                         (value >= 0xC0 && value <= 0x24F) || (value >= 0x370 && value <= 0x52F);
  return is_letter ? value : 0;
}

/// What a text is compared by: its pairs of adjacent ideographs and its spaced words, each as a
/// number; sorted, each once.
using Features = std::vector<std::uint64_t>;

Features features_of(std::string_view text) {
  constexpr std::uint64_t kWord = std::uint64_t{1} << 63U;
  constexpr std::uint64_t kFnvOffset = 0xCBF29CE484222325U;
  constexpr std::uint64_t kFnvPrime = 0x100000001B3U;
  Features features;
  features.reserve(text.size() / 3);
  char32_t previous = 0;
  std::uint64_t word = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = decode_at(text, at);
    at += next.size_bytes;
    if (const char32_t letter = folded_letter(next.value); letter != 0) {
      word = ((word == 0 ? kFnvOffset : word) ^ letter) * kFnvPrime;
      previous = 0;
      continue;
    }
    if (word != 0) {
      features.push_back(word | kWord);
      word = 0;
    }
    if (!is_unspaced(next.value)) {
      previous = 0;
      continue;
    }
    if (previous != 0) {
      features.push_back(std::uint64_t{previous} << 32U | next.value);
    }
    previous = next.value;
  }
  if (word != 0) {
    features.push_back(word | kWord);
  }
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end()), features.end());
  return features;
}

std::size_t count_shared(const Features& left, const Features& right) noexcept {
  std::size_t shared = 0;
  for (auto a = left.begin(), b = right.begin(); a != left.end() && b != right.end();) {
    if (*a == *b) {
      ++shared;
      ++a;
      ++b;
    } else if (*a < *b) {
      ++a;
    } else {
      ++b;
    }
  }
  return shared;
}

/// Szymkiewicz-Simpson: 1 where one text is contained in the other; 0 where either has no features.
double overlap_coefficient(const Features& left, const Features& right) noexcept {
  const std::size_t smaller = std::min(left.size(), right.size());
  return smaller == 0
             ? 0.0
             : static_cast<double>(count_shared(left, right)) / static_cast<double>(smaller);
}

/// Share of `part`'s features that `whole` has, in [0, 1].
double containment(const Features& part, const Features& whole) noexcept {
  return part.empty()
             ? 0.0
             : static_cast<double>(count_shared(part, whole)) / static_cast<double>(part.size());
}

constexpr double kSame = 0.7;  ///< Overlap from which two sentences say the same.

struct Sentence {
  std::string_view text;
  std::size_t passage = 0;
  Features features;
};

/// Sentences of all passages in document order, by position.
using Sentences = std::vector<Sentence>;
using Positions = std::vector<std::size_t>;

Sentences read_passages(const std::vector<std::string>& passages) {
  constexpr std::size_t kFewestFeatures = 3;  // Less is a fragment: a by-line, a number.
  Sentences sentences;
  for (std::size_t passage = 0; passage < passages.size(); ++passage) {
    for (const std::string_view text : split_sentences(passages[passage])) {
      if (Features features = features_of(text); features.size() >= kFewestFeatures) {
        sentences.push_back({text, passage, std::move(features)});
      }
    }
  }
  return sentences;
}

/// BM25 (k1 1.2, b 0.75, features counted once) of each sentence for the query; document
/// frequencies are over the sentences themselves.
std::vector<double> relevance(const Sentences& sentences, const Features& query) {
  constexpr double kSaturation = 1.2;
  constexpr double kLengthNormalisation = 0.75;
  std::vector<double> frequencies(query.size(), 0.0);
  std::vector<Positions> matches(sentences.size());
  double total_size = 0.0;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const Features& features = sentences[i].features;
    total_size += static_cast<double>(features.size());
    for (std::size_t a = 0, b = 0; a < query.size() && b < features.size();) {
      if (query[a] == features[b]) {
        matches[i].push_back(a);
        frequencies[a] += 1.0;
        ++a;
        ++b;
      } else if (query[a] < features[b]) {
        ++a;
      } else {
        ++b;
      }
    }
  }
  const auto count = static_cast<double>(sentences.size());
  std::vector<double> scores(sentences.size(), 0.0);
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const double length = static_cast<double>(sentences[i].features.size()) * count / total_size;
    const double weight =
        (kSaturation + 1.0) /
        (1.0 + kSaturation * (1.0 - kLengthNormalisation + kLengthNormalisation * length));
    for (const std::size_t match : matches[i]) {
      scores[i] +=
          weight * std::log(1.0 + (count - frequencies[match] + 0.5) / (frequencies[match] + 0.5));
    }
  }
  return scores;
}

/// Up to `most` positions by falling score, in document order. Left out are those that repeat a
/// better one (maximal marginal relevance: a score counts less by what is already said) and those
/// below `least_share` of the best score; scores of 0 never count. Equal scores go to the earlier.
Positions choose(const Sentences& sentences, const std::vector<double>& scores, std::size_t most,
                 double least_share) {
  Positions chosen;
  std::vector<double> repeated(sentences.size(), 0.0);
  double threshold = 0.0;
  while (chosen.size() < most) {
    std::size_t best = sentences.size();
    double best_score = threshold;
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      const double score = repeated[i] >= kSame ? 0.0 : scores[i] * (1.0 - repeated[i]);
      if (score > best_score) {
        best = i;
        best_score = score;
      }
    }
    if (best == sentences.size()) {
      break;
    }
    if (chosen.empty()) {
      threshold = best_score * least_share;
    }
    chosen.push_back(best);
    for (std::size_t i = 0; i < sentences.size(); ++i) {
      repeated[i] = i == best
                        ? 1.0
                        : std::max(repeated[i], overlap_coefficient(sentences[i].features,
                                                                    sentences[best].features));
    }
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// The sentences one after the other, a full stop between those that lack one.
std::string join(const Sentences& sentences, const Positions& positions) {
  std::string text;
  bool ended = true;
  for (const std::size_t position : positions) {
    const std::string_view sentence = sentences[position].text;
    text.append(ended ? "" : "。").append(sentence);
    ended = false;
    for (std::size_t at = 0; at < sentence.size();) {
      const CodePoint next = decode_at(sentence, at);
      ended = ends_sentence(next.value) || (ended && closes_quotation(next.value));
      at += next.size_bytes;
    }
  }
  return text;
}

std::string_view field_or_query(const Prompt& prompt, std::string_view name) {
  const auto found = prompt.fields.find(name);
  return strip(found == prompt.fields.end() ? std::string_view(prompt.query) : found->second);
}

/// The sentences that say most about the event. Closed book: the event itself.
std::string summarise_event(const Prompt& prompt, std::size_t max_sentences) {
  const std::string_view event = field_or_query(prompt, "event");
  const Sentences sentences = read_passages(prompt.passages);
  const Positions chosen =
      choose(sentences, relevance(sentences, features_of(event)), max_sentences, 0.0);
  return chosen.empty() ? std::string(event) : join(sentences, chosen);
}

/// Where the beginning ends in a passage: the position after the sentence that is one of the
/// beginning's last ones; `sentences.size()` if no passage goes on from there.
std::size_t find_continuation(const Sentences& sentences, std::string_view beginning) {
  constexpr std::size_t kLastSentences = 3;
  constexpr std::size_t kFewestFeatures = 4;
  const std::vector<std::string_view> told = split_sentences(beginning);
  for (std::size_t back = 1; back <= std::min(kLastSentences, told.size()); ++back) {
    const Features last = features_of(told[told.size() - back]);
    for (std::size_t i = 0; i + 1 < sentences.size(); ++i) {
      const Features& features = sentences[i].features;
      if (sentences[i + 1].passage == sentences[i].passage &&
          std::min(last.size(), features.size()) >= kFewestFeatures &&
          overlap_coefficient(last, features) >= kSame) {
        return i + 1;
      }
    }
  }
  return sentences.size();
}

/// What follows the beginning in a passage that holds its end, then the sentences most related to
/// the beginning, until the text is about as long as the beginning; nothing that the beginning
/// says already. Closed book: the beginning's first sentence, as news puts the gist first.
std::string continue_writing(const Prompt& prompt) {
  const std::string_view beginning = field_or_query(prompt, "beginning_text");
  const Features told = features_of(beginning);
  const Sentences sentences = read_passages(prompt.passages);
  const std::size_t wanted = count_code_points(beginning);

  Positions chosen;
  std::size_t length = 0;
  const auto add_if_new = [&](std::size_t position) {
    const Sentence& sentence = sentences[position];
    const std::size_t size = count_code_points(sentence.text);
    const bool is_said =
        containment(sentence.features, told) >= kSame ||
        std::any_of(chosen.begin(), chosen.end(), [&](std::size_t other) {
          return overlap_coefficient(sentence.features, sentences[other].features) >= kSame;
        });
    if (!is_said && (chosen.empty() || length + size / 2 <= wanted)) {
      chosen.push_back(position);
      length += size;
    }
  };
  std::size_t next = find_continuation(sentences, beginning);
  if (next < sentences.size()) {
    for (const std::size_t passage = sentences[next].passage;
         next < sentences.size() && sentences[next].passage == passage; ++next) {
      add_if_new(next);
    }
  }
  const auto following = static_cast<std::ptrdiff_t>(chosen.size());

  const std::vector<double> scores = relevance(sentences, told);
  Positions by_score(sentences.size());
  for (std::size_t i = 0; i < by_score.size(); ++i) {
    by_score[i] = i;
  }
  std::stable_sort(by_score.begin(), by_score.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  for (const std::size_t position : by_score) {
    if (length >= wanted) {
      break;
    }
    add_if_new(position);
  }
  std::sort(chosen.begin() + following, chosen.end());

  if (chosen.empty()) {
    const std::vector<std::string_view> own = split_sentences(beginning);
    return own.empty() ? std::string() : std::string(own.front());
  }
  return join(sentences, chosen);
}

/// The passage sentence that is most like the hallucinated continuation and not part of the news'
/// beginning. Closed book, or where none shares a word with it: the continuation unchanged.
std::string correct_hallucination(const Prompt& prompt) {
  const std::string_view continuation = field_or_query(prompt, "hallu_continue");
  const Features beginning =
      prompt.fields.contains("begin") ? features_of(field_or_query(prompt, "begin")) : Features();
  Sentences sentences = read_passages(prompt.passages);
  std::erase_if(sentences, [&](const Sentence& sentence) {
    return containment(sentence.features, beginning) >= kSame;
  });
  const Positions chosen =
      choose(sentences, relevance(sentences, features_of(continuation)), 1, 0.0);
  return chosen.empty() ? std::string(continuation) : join(sentences, chosen);
}

/// The sentences that share most with the question. Closed book, or where none shares anything: an
/// honest refusal.
std::string answer_question(const Prompt& prompt, std::size_t max_sentences) {
  constexpr double kLeastShare = 0.4;
  const Sentences sentences = read_passages(prompt.passages);
  const Features question = features_of(field_or_query(prompt, "question"));
  const Positions chosen =
      choose(sentences, relevance(sentences, question), max_sentences, kLeastShare);
  return chosen.empty() ? std::string(kRefusal) : join(sentences, chosen);
}

/// Chooses sentences of the passages by a rule per task; a task it does not know is a question.
/// Calls no model and makes nothing up: the floor that every model must beat.
class ExtractiveGenerator final : public Generator {
 public:
  ExtractiveGenerator(std::size_t max_sentences, Executor& executor)
      : max_sentences_(max_sentences), executor_(executor) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    constexpr std::size_t kGrain = 8;
    const std::size_t batch_size = 8 * kGrain * executor_.concurrency();
    std::vector<Prompt> prompts;
    std::vector<Reply> replies;
    for (bool ended = false; !ended && !stop.stop_requested();) {
      ended = pull(source, batch_size, prompts);
      replies.assign(prompts.size(), Reply());
      run_ranges(executor_, prompts.size(), kGrain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
          replies[i] = answer(prompts[i]);
        }
      });
      for (std::size_t i = 0; i < prompts.size() && !stop.stop_requested(); ++i) {
        sink.accept(prompts[i].ticket, std::move(replies[i]));
      }
    }
  }

 private:
  /// Waits for a first prompt and takes the others that are ready. True if the source has ended.
  static bool pull(PromptSource& source, std::size_t most, std::vector<Prompt>& prompts) {
    constexpr std::chrono::milliseconds kWait{100};
    prompts.clear();
    while (prompts.size() < most) {
      Prompt prompt;
      const auto status =
          source.next(prompt, prompts.empty() ? kWait : std::chrono::milliseconds(0));
      if (status != PromptSource::Status::kPrompt) {
        return status == PromptSource::Status::kEnd;
      }
      prompts.push_back(std::move(prompt));
    }
    return false;
  }

  std::string choose_text(const Prompt& prompt) const {
    if (prompt.task == "event_summary") {
      return summarise_event(prompt, max_sentences_);
    }
    if (prompt.task == "continuing_writing") {
      return continue_writing(prompt);
    }
    if (prompt.task == "hallu_modified") {
      return correct_hallucination(prompt);
    }
    return answer_question(prompt, max_sentences_);
  }

  Reply answer(const Prompt& prompt) const {
    const auto begin = std::chrono::steady_clock::now();
    const std::string text = choose_text(prompt);
    Reply reply;
    if (text.empty()) {
      reply.failure = Failure{.stage = Stage::kGeneration,
                              .failure_class = "empty",
                              .message = "the sample and its passages hold no text"};
    } else {
      reply.text = "<response>" + text + "</response>";
      reply.finish_reason = "stop";
    }
    reply.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    reply.attempts = {{.failure = reply.failure, .seconds = reply.seconds}};
    return reply;
  }

  std::size_t max_sentences_;
  Executor& executor_;
};

std::size_t parse_max_sentences(Options& options) {
  return static_cast<std::size_t>(options.integer("max_sentences", 3, 1, 100));
}

}  // namespace

void check_extractive_generator(Options& options) {
  static_cast<void>(parse_max_sentences(options));
}

std::unique_ptr<Generator> make_extractive_generator(Options& options,
                                                     const GeneratorParts& parts) {
  return std::make_unique<ExtractiveGenerator>(parse_max_sentences(options), parts.executor);
}

}  // namespace crudbench
