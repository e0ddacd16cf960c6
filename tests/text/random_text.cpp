#include "tests/text/random_text.h"

#include <cstdint>
#include <cstdlib>
#include <unicode/uchar.h>

#include "harness/text/utf8.h"
#include "tests/support/testing.h"

namespace crudbench::testing_support {
namespace {

constexpr std::string_view kFragments[] = {"中国",
                                           "研究生命起源",
                                           "南京市长江大桥",
                                           "他来到了网易杭研大厦",
                                           "的",
                                           "了",
                                           "二〇二四年",
                                           "这段",
                                           "国区",
                                           "臺灣繁體",
                                           "一一",
                                           "丁丁丁",
                                           "\u4DFF",
                                           "\u4E00",
                                           "\u9FD5",
                                           "\u9FD6",
                                           "㐀",
                                           "𠀀",
                                           "3.14%",
                                           "7.6%",
                                           "1.2.0",
                                           "..5",
                                           "5.",
                                           "%",
                                           "%%",
                                           ".",
                                           "-",
                                           "--",
                                           "_",
                                           "a-b",
                                           "C++",
                                           "c#",
                                           "AT&T",
                                           "A股",
                                           "T恤",
                                           "x%y",
                                           "1.5a",
                                           "v2.0.1",
                                           "’s",
                                           "'s",
                                           "'S",
                                           "'LL",
                                           "'re",
                                           "'vE",
                                           "'d",
                                           "'x",
                                           "don't",
                                           "I'll",
                                           " ",
                                           "  ",
                                           "   ",
                                           "\n",
                                           "\r",
                                           "\r\n",
                                           "\n\n",
                                           " \n",
                                           "\n ",
                                           "\t",
                                           "\x0B",
                                           "\x0C",
                                           "\x1C",
                                           "\x1F",
                                           "\u00A0",
                                           "\u1680",
                                           "\u2003",
                                           "\u2028",
                                           "\u3000",
                                           "\u200B",
                                           "，",
                                           "。",
                                           "！？",
                                           "……",
                                           "——",
                                           "《》",
                                           "e\u0301",
                                           "\u0301",
                                           "क्षि",
                                           "ไทย",
                                           "한국어",
                                           "カタカナー",
                                           "ひらがな",
                                           "１２３",
                                           "ＡＢＣ",
                                           "½",
                                           "Ⅷ",
                                           "²",
                                           "①",
                                           "👍",
                                           "👨‍👩‍👧",
                                           "🇨🇳",
                                           "❤️",
                                           "\uE000",
                                           "\uFFFD",
                                           "\U000F0000",
                                           "\U0010FFFD",
                                           "ß",
                                           "Ω",
                                           "Привет",
                                           "שלום",
                                           "العربية",
                                           "٣٤",
                                           "<|endoftext|>",
                                           "{}",
                                           "//"};

bool is_assigned(char32_t c) {
  const auto category = u_charType(static_cast<UChar32>(c));
  return category != U_UNASSIGNED && category != U_SURROGATE;
}

/// Any assigned character, the planes and blocks in use about as likely as each other.
char32_t random_character(Random& random) {
  static constexpr char32_t kStarts[] = {
      0x0,     0x80,    0x300,   0x900,   0x1100,  0x2000,  0x2E80,  0x3000,
      0x3400,  0x4E00,  0x9F00,  0xA000,  0xAC00,  0xD700,  0xE000,  0xF900,
      0xFE00,  0xFF00,  0x10000, 0x10900, 0x11000, 0x12000, 0x16A00, 0x1B000,
      0x1D100, 0x1F300, 0x20000, 0x30000, 0xE0100, 0xF0000, 0x10FF00};
  while (true) {
    const char32_t c =
        kStarts[random.below(std::size(kStarts))] + static_cast<char32_t>(random.below(0x200));
    if (c <= 0x10FFFF && is_assigned(c)) {
      return c;
    }
  }
}

}  // namespace

std::string random_text(Random& random, std::size_t longest_run) {
  static constexpr std::string_view kAscii =
      "abcXYZ0123456789.%+-#&_ '\"\\/\n\t,;:!?()=<>@~`^*|$[]";
  std::string text;
  const std::uint64_t parts = random.below(12);
  for (std::uint64_t part = 0; part < parts; ++part) {
    const std::uint64_t length = 1 + random.below(longest_run);
    switch (random.below(7)) {
      case 0:  // Frequent Han characters: many words and near-ties.
        for (std::uint64_t i = 0; i < length; ++i) {
          append_utf8(text, 0x4E00 + static_cast<char32_t>(random.below(300)));
        }
        break;
      case 1:  // Any Han characters: the HMM.
        for (std::uint64_t i = 0; i < length; ++i) {
          append_utf8(text, 0x4E00 + static_cast<char32_t>(random.below(0x51D6)));
        }
        break;
      case 2:
        for (std::uint64_t i = 0; i < length; ++i) {
          text.push_back(kAscii[random.below(kAscii.size())]);
        }
        break;
      case 3:
        for (std::uint64_t i = 0; i < 1 + length % 6; ++i) {
          append_utf8(text, random_character(random));
        }
        break;
      default:
        for (std::uint64_t i = 0; i < 1 + length % 5; ++i) {
          text += kFragments[random.below(std::size(kFragments))];
        }
        break;
    }
    if (random.below(40) == 0) {
      text.push_back('\0');
    }
  }
  return text;
}

std::vector<std::string> adversarial_texts(std::uint64_t seed, std::size_t count) {
  static constexpr char32_t kSpaces[] = {
      '\t',   '\n',   0x0B,   0x0C,   '\r',   0x1C,   0x1D,   0x1E,   0x1F,   ' ',
      0x85,   0xA0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
      0x2007, 0x2008, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
  constexpr char32_t kSurrogates = 0xD800;
  constexpr char32_t kSurrogateCount = 0x800;
  constexpr std::size_t kLongRun = 3000;
  Random random(seed);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) {
    std::string text = random_text(random, i % 1000 == 0 ? kLongRun : 12);
    const std::uint64_t length = 1 + random.below(12);
    switch (i % 8) {
      case 0:
        for (std::uint64_t k = 0; k < length; ++k) {
          const auto c = static_cast<char32_t>(random.below(0x110000 - kSurrogateCount));
          append_utf8(text, c < kSurrogates ? c : c + kSurrogateCount);
        }
        break;
      case 1:
        for (std::uint64_t k = 0; k < length; ++k) {
          append_utf8(text, kSpaces[random.below(std::size(kSpaces))]);
        }
        break;
      case 2:
        text += "中";
        for (std::uint64_t k = 0; k < length; ++k) {
          append_utf8(text, 0x300 + static_cast<char32_t>(random.below(0x70)));
        }
        break;
      case 3:
        for (std::uint64_t k = 0; k < (i % 400 == 3 ? kLongRun : length); ++k) {
          text.push_back(static_cast<char>(random.below(0x80)));
        }
        break;
      default:
        break;
    }
    texts.push_back(text + random_text(random, 6));
  }
  return texts;
}

std::string python() {
  return std::string("PYTHONPATH='") + CRUDBENCH_JIEBA_DIR +
         "/..' PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -W ignore";
}

bool python_has_jieba() {
  return std::system((python() + " -c 'import jieba' 2>/dev/null").c_str()) == 0;
}

std::vector<Json> ask_program(const std::string& command, std::string_view script,
                              const std::vector<std::string>& texts) {
  const TemporaryFolder folder;
  std::string input;
  for (const std::string& text : texts) {
    input += Json(text).dump() + "\n";
  }
  const auto quoted = [](const std::filesystem::path& path) { return " '" + path.string() + "'"; };
  const std::filesystem::path output = folder.path() / "output.jsonl";
  const std::string line = command + quoted(folder.write("script", script)) +
                           quoted(folder.write("input.jsonl", input)) + quoted(output);
  std::vector<Json> answers;
  if (std::system(line.c_str()) == 0) {
    for (const std::string& answer : read_lines(output)) {
      answers.push_back(Json::parse(answer));
    }
  }
  return answers;
}

}  // namespace crudbench::testing_support
