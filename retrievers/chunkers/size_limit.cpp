#include "retrievers/chunkers/size_limit.h"

#include <utility>

#include "retrievers/chunkers/sentence_chunker.h"
#include "retrievers/chunkers/text_span.h"

namespace crudbench {

SizeLimit::SizeLimit(std::size_t max_size, SizeUnit unit) : max_size_(max_size), unit_(unit) {
  if (max_size_ != 0) {
    sentences_ = make_sentence_chunker({.size = max_size_}, unit_);
  }
}

bool SizeLimit::allows(std::string_view text) const {
  return max_size_ == 0 || count_units(text, unit_) <= max_size_;
}

void SizeLimit::append(const Document& document, ByteSpan chunk,
                       std::vector<ChunkPieces>& chunks) const {
  const std::string_view text = text_of(document.text, chunk);
  if (allows(text)) {
    chunks.push_back({chunk});
    return;
  }
  for (ChunkPieces& pieces : sentences_->chunk({.doc_id = document.doc_id, .text = text})) {
    for (ByteSpan& piece : pieces) {
      piece.begin += chunk.begin;
      piece.end += chunk.begin;
    }
    chunks.push_back(std::move(pieces));
  }
}

}  // namespace crudbench
