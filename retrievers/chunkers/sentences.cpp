#include "retrievers/chunkers/sentences.h"

#include "harness/text/utf8.h"
#include "retrievers/chunkers/text_span.h"

namespace crudbench {

namespace {

bool is_terminator(char32_t code_point) {
  return std::u32string_view(U"。！？!?；;…").find(code_point) != std::u32string_view::npos;
}

bool is_closing_mark(char32_t code_point) {
  return std::u32string_view(U"”’」』）)】》\"'").find(code_point) != std::u32string_view::npos;
}

/// Whether a sentence ends with the character at `offset`, its closing marks aside.
bool ends_sentence(std::string_view text, std::size_t offset, CodePoint character) {
  if (character.value != U'.') {
    return character.value == U'\n' || is_terminator(character.value);
  }
  const std::size_t next = offset + character.size_bytes;
  return next == text.size() || is_python_space(decode_at(text, next).value);
}

/// The end of the terminators and closing marks from `offset` on.
std::size_t skip_marks(std::string_view text, std::size_t offset) {
  while (offset < text.size()) {
    const CodePoint next = decode_at(text, offset);
    if (!is_terminator(next.value) && !is_closing_mark(next.value)) {
      break;
    }
    offset += next.size_bytes;
  }
  return offset;
}

}  // namespace

std::vector<ByteSpan> split_sentences(std::string_view text) {
  std::vector<ByteSpan> sentences;
  std::size_t begin = 0;
  const auto close = [&](std::size_t end) {
    const ByteSpan sentence =
        stripped(text, {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    if (sentence.begin != sentence.end) {
      sentences.push_back(sentence);
    }
    begin = end;
  };
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint character = decode_at(text, offset);
    const bool is_end = ends_sentence(text, offset, character);
    offset += character.size_bytes;
    if (is_end) {
      offset = character.value == U'\n' ? offset : skip_marks(text, offset);
      close(offset);
    }
  }
  close(text.size());
  return sentences;
}

}  // namespace crudbench
