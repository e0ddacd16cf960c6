#pragma once

#include "harness/core/catalog.h"
#include "retrievers/embedders/embedder.h"

namespace crudbench {

/// A GGUF model in this process: BERT and its kin, or a language model that embeds.
Registry<Embedder, const EmbedderParts&>::Entry llama_embedder();

}  // namespace crudbench
