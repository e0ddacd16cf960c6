// A port of jieba 0.42.1 (`jieba/__init__.py`, `jieba/finalseg/__init__.py`, MIT licence): the
// names of its functions stand at their counterparts. Sums are made of the same doubles in the same
// order, so that ties and near-ties fall as they do in Python.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/error.h"
#include "harness/text/jieba_dictionary.h"
#include "harness/text/jieba_format.h"
#include "harness/text/segmenter.h"
#include "harness/text/unicode_classes.h"
#include "harness/text/utf8.h"

namespace crudbench {
namespace {

/// The workings of one call, kept by each thread for the next.
struct Scratch {
  JiebaBlock block;
  /// HMM: for each character of the block the best predecessor of each state, two bits a state;
  /// then the states.
  std::vector<std::uint8_t> states;
};

constexpr std::size_t kKeptCapacity = std::size_t{1} << 20U;

template <class Dictionary>
class JiebaSegmenter final : public Segmenter {
 public:
  explicit JiebaSegmenter(JiebaOptions options, Dictionary dictionary = {})
      : options_(options), dictionary_(std::move(dictionary)) {}

  void segment(std::string_view text, std::vector<std::string_view>& words) const override {
    if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(ErrorCode::kInvalidData, "a text to segment must be smaller than 4 GiB, found " +
                                               std::to_string(text.size()) + " bytes");
    }
    thread_local Scratch scratch;
    const std::size_t first = words.size();
    const char* p = text.data();
    const char* end = p + text.size();
    while (p != end) {
      const char* block = p;
      p = read_block(data_, p, end, scratch.block);
      if (scratch.block.size != 0) {
        cut_block(block, scratch, words);
      } else {
        p = cut_other(p, end, words);
      }
    }
    if (scratch.block.capacity() > kKeptCapacity) {
      scratch = {};
    }
    if (options_.content_only) {
      words.erase(
          std::remove_if(words.begin() + static_cast<std::ptrdiff_t>(first), words.end(),
                         [this](std::string_view word) { return !has_content(word, classes_); }),
          words.end());
    }
  }

 private:
  /// One word of what is no block (`re_skip_default`): "\r\n" or one character. Returns its end.
  static const char* cut_other(const char* p, const char* end,
                               std::vector<std::string_view>& words) {
    const std::string_view rest(p, static_cast<std::size_t>(end - p));
    const std::size_t size = rest.starts_with("\r\n") ? 2 : decode_at(rest, 0).size_bytes;
    words.push_back(rest.substr(0, size));
    return p + size;
  }

  /// `__cut_DAG`: the most probable words, then the HMM over what was left in single characters.
  void cut_block(const char* text, Scratch& scratch, std::vector<std::string_view>& words) const {
    const JiebaBlock& block = scratch.block;
    find_route(dictionary_, scratch.block);
    std::uint32_t singles = 0;  // Where the current run of one-character words begins.
    const auto size = static_cast<std::uint32_t>(block.size);
    for (std::uint32_t begin = 0; begin < size;) {
      const std::uint32_t end = block.word_ends[begin];
      if (end - begin > 1) {
        cut_singles(text, singles, begin, scratch, words);
        add_word(text, begin, end, block, words);
        singles = end;
      }
      begin = end;
    }
    cut_singles(text, singles, size, scratch, words);
  }

  /// The run [begin, end) of one-character words: kept if it is alone or a dictionary word, else
  /// cut by the HMM.
  void cut_singles(const char* text, std::uint32_t begin, std::uint32_t end, Scratch& scratch,
                   std::vector<std::string_view>& words) const {
    const JiebaBlock& block = scratch.block;
    if (end - begin <= 1 || is_word(block.part(begin, end))) {
      add_characters(text, begin, end, block, words);
      return;
    }
    while (begin < end) {  // `finalseg.cut`
      std::uint32_t run_end = begin;
      while (run_end < end && is_han(text, run_end, block)) {
        ++run_end;
      }
      if (run_end != begin) {
        cut_han(text, begin, run_end, scratch, words);
      } else {
        while (run_end < end && !is_han(text, run_end, block)) {
          ++run_end;
        }
        cut_ascii(text, begin, run_end, block, words);
      }
      begin = run_end;
    }
  }

  /// The word [begin, end); before it, for search, those of its pairs of neighbours and then of its
  /// triples that are words of the dictionary (`cut_for_search`).
  void add_word(const char* text, std::uint32_t begin, std::uint32_t end, const JiebaBlock& block,
                std::vector<std::string_view>& words) const {
    if (options_.for_search) {
      for (std::uint32_t size = 2; size <= 3; ++size) {
        for (std::uint32_t gram = begin; end - begin > size && gram + size <= end; ++gram) {
          if (is_word(block.part(gram, gram + size))) {
            words.push_back(view(text, gram, gram + size, block));
          }
        }
      }
    }
    words.push_back(view(text, begin, end, block));
  }

  static void add_characters(const char* text, std::uint32_t begin, std::uint32_t end,
                             const JiebaBlock& block, std::vector<std::string_view>& words) {
    for (; begin < end; ++begin) {
      words.push_back(view(text, begin, begin + 1, block));
    }
  }

  bool is_word(std::span<const std::uint16_t> ids) const {
    auto walk = dictionary_.first(ids.front());
    for (const std::uint16_t id : ids.subspan(1)) {
      if (!dictionary_.step(walk, id)) {
        return false;
      }
    }
    return dictionary_.is_word(walk);
  }

  static bool is_han(const char* text, std::uint32_t index, const JiebaBlock& block) {
    return static_cast<unsigned char>(text[block.offsets[index]]) >= 0x80;
  }

  static std::string_view view(const char* text, std::uint32_t begin, std::uint32_t end,
                               const JiebaBlock& block) {
    return {text + block.offsets[begin], block.offsets[end] - block.offsets[begin]};
  }

  /// Over [begin, end), all ASCII: the matches of `finalseg.re_skip`,
  /// `([a-zA-Z0-9]+(?:\.\d+)?%?)`, and what stands between them.
  void cut_ascii(const char* text, std::uint32_t begin, std::uint32_t end, const JiebaBlock& block,
                 std::vector<std::string_view>& words) const {
    const char* characters = text + block.offsets[begin] - begin;  // By index: one byte each.
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto is_alphanumeric = [](char c) {
      return is_ascii_letter_or_digit(static_cast<unsigned char>(c));
    };
    const auto skip = [&](std::uint32_t at, const auto& is_wanted) {
      while (at < end && is_wanted(characters[at])) {
        ++at;
      }
      return at;
    };
    while (begin < end) {
      std::uint32_t word_end = skip(begin, is_alphanumeric);
      if (word_end == begin) {
        word_end = skip(begin, [&](char c) { return !is_alphanumeric(c); });
      } else {
        if (word_end < end && characters[word_end] == '.') {
          const std::uint32_t fraction_end = skip(word_end + 1, is_digit);
          word_end = fraction_end > word_end + 1 ? fraction_end : word_end;
        }
        word_end += word_end < end && characters[word_end] == '%' ? 1 : 0;
      }
      add_word(text, begin, word_end, block, words);
      begin = word_end;
    }
  }

  /// `finalseg.__cut` over [begin, end), all Han: the most probable states (`viterbi`), then words
  /// from Begin to End, and Singles.
  void cut_han(const char* text, std::uint32_t begin, std::uint32_t end, Scratch& scratch,
               std::vector<std::string_view>& words) const {
    find_states(begin, end, scratch);
    const JiebaBlock& block = scratch.block;
    std::uint32_t word_begin = begin;
    for (std::uint32_t i = begin; i < end; ++i) {
      switch (scratch.states[i]) {
        case kHmmBegin:
          word_begin = i;
          break;
        case kHmmEnd:
          if (dictionary_.is_split(block.part(word_begin, i + 1))) {
            add_characters(text, word_begin, i + 1, block, words);
          } else {
            add_word(text, word_begin, i + 1, block, words);
          }
          break;
        case kHmmSingle:
          words.push_back(view(text, i, i + 1, block));
          break;
        default:
          break;
      }
    }
  }

  void find_states(std::uint32_t begin, std::uint32_t end, Scratch& scratch) const {
    const std::vector<std::uint16_t>& ids = scratch.block.ids;
    scratch.states.resize(std::max<std::size_t>(scratch.states.size(), end));
    double score[kHmmStates];
    const double* emission = data_.emissions[ids[begin]].log_probability;
    for (int state = 0; state < kHmmStates; ++state) {
      score[state] = data_.start[state] + emission[state];
    }
    for (std::uint32_t i = begin + 1; i < end; ++i) {
      emission = data_.emissions[ids[i]].log_probability;
      double next[kHmmStates];
      unsigned predecessors = 0;
      // `PrevStatus`; of equals the state with the later letter wins, which comes second here.
      const auto step = [&](HmmState state, HmmState first, HmmState second) {
        const double by_first = score[first] + data_.transition[first][state] + emission[state];
        const double by_second = score[second] + data_.transition[second][state] + emission[state];
        const bool take_second = by_second >= by_first;
        next[state] = take_second ? by_second : by_first;
        predecessors |= static_cast<unsigned>(take_second ? second : first) << (2U * state);
      };
      step(kHmmBegin, kHmmEnd, kHmmSingle);
      step(kHmmEnd, kHmmBegin, kHmmMiddle);
      step(kHmmMiddle, kHmmBegin, kHmmMiddle);
      step(kHmmSingle, kHmmEnd, kHmmSingle);
      std::copy(std::begin(next), std::end(next), std::begin(score));
      scratch.states[i] = static_cast<std::uint8_t>(predecessors);
    }
    unsigned state = score[kHmmSingle] >= score[kHmmEnd] ? kHmmSingle : kHmmEnd;
    for (std::uint32_t i = end; i-- > begin;) {
      const unsigned predecessors = scratch.states[i];
      scratch.states[i] = static_cast<std::uint8_t>(state);
      state = (predecessors >> (2U * state)) & 3U;
    }
  }

  JiebaOptions options_;
  Dictionary dictionary_;
  const JiebaData& data_ = JiebaData::get();
  const std::uint8_t* classes_ = unicode_classes();
};

}  // namespace

const Segmenter& jieba_segmenter(JiebaOptions options) {
  using Default = JiebaSegmenter<DefaultDictionary>;
  static const std::array<Default, 4> segmenters = {
      Default({.for_search = false, .content_only = false}),
      Default({.for_search = false, .content_only = true}),
      Default({.for_search = true, .content_only = false}),
      Default({.for_search = true, .content_only = true})};
  return segmenters[(options.for_search ? 2U : 0U) + (options.content_only ? 1U : 0U)];
}

std::unique_ptr<const Segmenter> make_jieba_segmenter(const UserDictionary& words,
                                                      JiebaOptions options) {
  return std::make_unique<JiebaSegmenter<ExtendedDictionary>>(options, ExtendedDictionary(words));
}

std::string_view jieba_dictionary_fingerprint() {
  return JiebaData::get().image.fingerprint();
}

}  // namespace crudbench
