// A port of jieba 0.42.1 (`jieba/__init__.py`, `jieba/finalseg/__init__.py`, MIT licence): the
// names of its functions stand at their counterparts. Sums are made of the same doubles in the same
// order, so that ties and near-ties fall as they do in Python.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "harness/core/error.h"
#include "harness/text/embedded_images.h"
#include "harness/text/jieba_format.h"
#include "harness/text/segmenter.h"
#include "harness/text/unicode_classes.h"
#include "harness/text/utf8.h"

namespace crudbench {
namespace {

/// The workings of one call, kept by each thread for the next.
struct Scratch {
  /// One block: its ids with a 0 behind the last, and where each character and the block's end
  /// stand in bytes from the block's begin.
  std::vector<std::uint16_t> ids;
  std::vector<std::uint32_t> offsets;
  std::size_t size = 0;  ///< Characters of the block.
  /// The best cut of the rest from each character on: its weight and where its first word ends.
  std::vector<double> weights;
  std::vector<std::uint32_t> word_ends;
  /// HMM: for each character the best predecessor of each state, two bits a state; then the states.
  std::vector<std::uint8_t> states;

  /// The first `capacity` characters are kept.
  void reserve(std::size_t capacity) {
    ids.resize(capacity + 1);
    offsets.resize(capacity + 1);
    weights.resize(capacity + 1);
    word_ends.resize(capacity + 1);
    states.resize(capacity + 1);
  }
  std::size_t capacity() const { return ids.empty() ? 0 : ids.size() - 1; }
};

constexpr std::size_t kFirstCapacity = 1024;
constexpr std::size_t kKeptCapacity = std::size_t{1} << 20U;

class JiebaSegmenter final : public Segmenter {
 public:
  JiebaSegmenter() : image_(jieba_image()) {
    const auto& tables = image_.tables<JiebaTables>();
    nodes_ = image_.section<JiebaNode>(tables.nodes);
    weights_ = image_.section<double>(tables.weights);
    han_ids_ = image_.section<std::uint16_t>(tables.han_ids);
    ascii_ids_ = image_.section<std::uint16_t>(tables.ascii_ids);
    emissions_ = image_.section<HmmEmission>(tables.emissions);
    start_ = tables.start;
    transition_ = tables.transition;
  }

  std::string_view fingerprint() const noexcept { return image_.fingerprint(); }

  void segment(std::string_view text, std::vector<std::string_view>& words) const override {
    if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(ErrorCode::kInvalidData, "a text to segment must be smaller than 4 GiB, found " +
                                               std::to_string(text.size()) + " bytes");
    }
    thread_local Scratch scratch;
    if (scratch.capacity() == 0) {
      scratch.reserve(kFirstCapacity);
    }
    const char* p = text.data();
    const char* end = p + text.size();
    while (p != end) {
      const char* block = p;
      p = read_block(p, end, scratch);
      if (scratch.size != 0) {
        cut_block(block, scratch, words);
      } else {
        p = cut_other(p, end, words);
      }
    }
    if (scratch.capacity() > kKeptCapacity) {
      scratch = {};
    }
  }

 private:
  /// Reads the longest run of dictionary characters at `p` (`re_han_default`) and returns its end.
  const char* read_block(const char* p, const char* end, Scratch& scratch) const {
    const char* begin = p;
    std::size_t size = 0;
    std::uint32_t base = kLeafBase;
    while (p != end) {
      const auto lead = static_cast<unsigned char>(*p);
      std::uint16_t id = 0;
      std::ptrdiff_t length = 1;
      if (lead < 0x80) {
        id = ascii_ids_[lead];
      } else if (lead >= 0xE4 && lead <= 0xE9 && end - p >= 3) {
        const unsigned second = static_cast<unsigned char>(p[1]) ^ 0x80U;
        const unsigned third = static_cast<unsigned char>(p[2]) ^ 0x80U;
        const std::uint32_t han = (((lead & 0x0FU) << 12U) | (second << 6U) | third) - kFirstHan;
        if ((second | third) < 0x40 && han < kHanCount) {
          id = han_ids_[han];
          length = 3;
        }
      }
      if (id == 0) {
        break;
      }
      if (size == scratch.capacity()) {
        scratch.reserve(2 * size);
      }
      // The trie's second step, which find_route takes later, is a likely cache miss.
      __builtin_prefetch(nodes_ + base + id);
      base = nodes_[id].base;
      scratch.ids[size] = id;
      scratch.offsets[size] = static_cast<std::uint32_t>(p - begin);
      ++size;
      p += length;
    }
    scratch.ids[size] = 0;
    scratch.offsets[size] = static_cast<std::uint32_t>(p - begin);
    scratch.size = size;
    return p;
  }

  /// One word of what is no block (`re_skip_default`): "\r\n" or one character. Returns its end.
  static const char* cut_other(const char* p, const char* end,
                               std::vector<std::string_view>& words) {
    const std::string_view rest(p, static_cast<std::size_t>(end - p));
    const std::size_t size = rest.starts_with("\r\n") ? 2 : decode_at(rest, 0).size_bytes;
    words.push_back(rest.substr(0, size));
    return p + size;
  }

  /// `__cut_DAG`: the most probable words, then the HMM over what was left in single characters.
  void cut_block(const char* block, Scratch& scratch, std::vector<std::string_view>& words) const {
    find_route(scratch);
    std::uint32_t singles = 0;  // Where the current run of one-character words begins.
    const auto size = static_cast<std::uint32_t>(scratch.size);
    for (std::uint32_t begin = 0; begin < size;) {
      const std::uint32_t end = scratch.word_ends[begin];
      if (end - begin > 1) {
        cut_singles(block, singles, begin, scratch, words);
        words.push_back(word(block, begin, end, scratch));
        singles = end;
      }
      begin = end;
    }
    cut_singles(block, singles, size, scratch, words);
  }

  /// `get_DAG` and `calc` in one pass from the end: of two cuts of equal weight the one with the
  /// longer first word wins, as in Python's `max` over (weight, end).
  void find_route(Scratch& scratch) const {
    const std::uint16_t* ids = scratch.ids.data();
    double* best = scratch.weights.data();
    best[scratch.size] = 0.0;
    for (std::size_t begin = scratch.size; begin-- > 0;) {
      JiebaNode node = nodes_[ids[begin]];
      double weight = -std::numeric_limits<double>::infinity();
      std::size_t word_end = begin + 1;
      for (std::size_t end = begin + 1;; ++end) {
        if (node.weight != 0) {
          const double candidate = weights_[node.weight] + best[end];
          if (candidate >= weight) {
            weight = candidate;
            word_end = end;
          }
        }
        const std::uint16_t next = ids[end];  // 0, which labels no node, behind the last.
        node = nodes_[node.base + next];
        if (node.label != next) {
          break;
        }
      }
      if (weight == -std::numeric_limits<double>::infinity()) {  // Nothing in the dictionary.
        weight = weights_[0] + best[begin + 1];
      }
      best[begin] = weight;
      scratch.word_ends[begin] = static_cast<std::uint32_t>(word_end);
    }
  }

  /// The run [begin, end) of one-character words: kept if it is alone or a dictionary word, else
  /// cut by the HMM.
  void cut_singles(const char* block, std::uint32_t begin, std::uint32_t end, Scratch& scratch,
                   std::vector<std::string_view>& words) const {
    if (end - begin <= 1 || is_word(begin, end, scratch)) {
      for (; begin < end; ++begin) {
        words.push_back(word(block, begin, begin + 1, scratch));
      }
      return;
    }
    while (begin < end) {  // `finalseg.cut`
      std::uint32_t run_end = begin;
      while (run_end < end && is_han(block, run_end, scratch)) {
        ++run_end;
      }
      if (run_end != begin) {
        cut_han(block, begin, run_end, scratch, words);
      } else {
        while (run_end < end && !is_han(block, run_end, scratch)) {
          ++run_end;
        }
        cut_ascii(word(block, begin, run_end, scratch), words);
      }
      begin = run_end;
    }
  }

  bool is_word(std::uint32_t begin, std::uint32_t end, const Scratch& scratch) const {
    JiebaNode node = nodes_[scratch.ids[begin]];
    for (std::uint32_t i = begin + 1; i < end; ++i) {
      node = nodes_[node.base + scratch.ids[i]];
      if (node.label != scratch.ids[i]) {
        return false;
      }
    }
    return node.weight != 0;
  }

  static bool is_han(const char* block, std::uint32_t index, const Scratch& scratch) {
    return static_cast<unsigned char>(block[scratch.offsets[index]]) >= 0x80;
  }

  static std::string_view word(const char* block, std::uint32_t begin, std::uint32_t end,
                               const Scratch& scratch) {
    return {block + scratch.offsets[begin], scratch.offsets[end] - scratch.offsets[begin]};
  }

  /// `finalseg.re_skip`, `([a-zA-Z0-9]+(?:\.\d+)?%?)`: its matches, and what stands between them.
  static void cut_ascii(std::string_view text, std::vector<std::string_view>& words) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto is_alphanumeric = [](char c) {
      return is_ascii_letter_or_digit(static_cast<unsigned char>(c));
    };
    const auto skip = [&](std::size_t at, const auto& is_wanted) {
      while (at < text.size() && is_wanted(text[at])) {
        ++at;
      }
      return at;
    };
    for (std::size_t begin = 0; begin < text.size();) {
      std::size_t end = skip(begin, is_alphanumeric);
      if (end == begin) {
        end = skip(begin, [&](char c) { return !is_alphanumeric(c); });
      } else {
        if (end < text.size() && text[end] == '.') {
          const std::size_t fraction_end = skip(end + 1, is_digit);
          end = fraction_end > end + 1 ? fraction_end : end;
        }
        end += end < text.size() && text[end] == '%' ? 1 : 0;
      }
      words.push_back(text.substr(begin, end - begin));
      begin = end;
    }
  }

  /// `finalseg.__cut` over [begin, end), all Han: the most probable states (`viterbi`), then words
  /// from Begin to End, and Singles.
  void cut_han(const char* block, std::uint32_t begin, std::uint32_t end, Scratch& scratch,
               std::vector<std::string_view>& words) const {
    find_states(begin, end, scratch);
    std::uint32_t word_begin = begin;
    for (std::uint32_t i = begin; i < end; ++i) {
      switch (scratch.states[i]) {
        case kHmmBegin:
          word_begin = i;
          break;
        case kHmmEnd:
          words.push_back(word(block, word_begin, i + 1, scratch));
          break;
        case kHmmSingle:
          words.push_back(word(block, i, i + 1, scratch));
          break;
        default:
          break;
      }
    }
  }

  void find_states(std::uint32_t begin, std::uint32_t end, Scratch& scratch) const {
    double score[kHmmStates];
    const double* emission = emissions_[scratch.ids[begin]].log_probability;
    for (int state = 0; state < kHmmStates; ++state) {
      score[state] = start_[state] + emission[state];
    }
    for (std::uint32_t i = begin + 1; i < end; ++i) {
      emission = emissions_[scratch.ids[i]].log_probability;
      double next[kHmmStates];
      unsigned predecessors = 0;
      // `PrevStatus`; of equals the state with the later letter wins, which comes second here.
      const auto step = [&](HmmState state, HmmState first, HmmState second) {
        const double by_first = score[first] + transition_[first][state] + emission[state];
        const double by_second = score[second] + transition_[second][state] + emission[state];
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

  EmbeddedImage image_;
  const JiebaNode* nodes_;
  const double* weights_;
  const std::uint16_t* han_ids_;
  const std::uint16_t* ascii_ids_;
  const HmmEmission* emissions_;
  const double* start_;
  const double (*transition_)[kHmmStates];
};

const JiebaSegmenter& shared_jieba() {
  static const JiebaSegmenter segmenter;
  return segmenter;
}

class JiebaWordSegmenter final : public Segmenter {
 public:
  void segment(std::string_view text, std::vector<std::string_view>& words) const override {
    const auto first = static_cast<std::ptrdiff_t>(words.size());
    jieba_.segment(text, words);
    words.erase(std::remove_if(words.begin() + first, words.end(),
                               [this](std::string_view word) { return !has_content(word); }),
                words.end());
  }

 private:
  bool has_content(std::string_view word) const {
    for (std::size_t offset = 0; offset < word.size();) {
      const CodePoint code_point = decode_at(word, offset);
      if ((classes_[code_point.value] & (kLetter | kNumber | kMark)) != 0) {
        return true;
      }
      offset += code_point.size_bytes;
    }
    return false;
  }

  const Segmenter& jieba_ = shared_jieba();
  const std::uint8_t* classes_ = unicode_classes();
};

}  // namespace

const Segmenter& jieba_segmenter() {
  return shared_jieba();
}

std::string_view jieba_dictionary_fingerprint() {
  return shared_jieba().fingerprint();
}

const Segmenter& jieba_word_segmenter() {
  static const JiebaWordSegmenter segmenter;
  return segmenter;
}

}  // namespace crudbench
