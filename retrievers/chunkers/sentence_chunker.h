#pragma once

#include <memory>

#include "harness/core/options.h"
#include "retrievers/chunkers/chunk_size.h"
#include "retrievers/chunkers/chunker.h"

namespace crudbench {

/// llama_index's `SentenceSplitter`, for chunkers that build on it.
std::unique_ptr<Chunker> make_sentence_chunker(ChunkSize size, SizeUnit unit);

/// The same from "size", "overlap" and "unit". Throws Error(kInvalidConfig).
std::unique_ptr<Chunker> read_sentence_chunker(Options& options);

}  // namespace crudbench
